//! What the file says of others.

use super::*;

#[test]
fn what_proves_others_is_read_for_all_and_for_one() {
    let settings = load(&format!(
        "{LISTEN}\nprooftypes = [\"posh\", \"pkix\"]\nblock = [\"Spam.example\"]\n{DOMAIN}\n[[peer]]\n\
         name = \"strict.example\"\nprooftypes = [\"posh\"]\n"
    ))
    .unwrap();
    assert_eq!(settings.prooftypes.unwrap(), [Prooftype::Posh, Prooftype::Pkix]);
    assert_eq!(settings.peers[&"strict.example".parse().unwrap()], [Prooftype::Posh]);
    assert!(settings.block.contains(&"spam.example".parse().unwrap()));
}

#[test]
fn a_prooftype_that_nobody_knows_is_refused() {
    let fault = fault(&format!("{LISTEN}\nprooftypes = [\"pkix\", \"dane\"]\n{DOMAIN}"));
    let told = "`prooftypes` has \"dane\", expected a prooftype: \"pkix\" or \"posh\"";
    assert_eq!(fault, format!("server.toml:2: {told}"));
}

#[test]
fn a_peer_that_nothing_proves_is_refused() {
    let peer = "[[peer]]\nname = \"a.example\"\n";
    let told = |rest: &str| fault(&format!("{LISTEN}\n{DOMAIN}\n{peer}{rest}"));
    let missing = told("");
    assert!(missing.starts_with("server.toml:8: `prooftypes` is missing, expected"), "{missing}");
    let empty = told("prooftypes = []\n");
    assert!(empty.starts_with("server.toml:10: `prooftypes` is empty, expected"), "{empty}");
}

#[test]
fn a_peer_for_the_second_time_is_refused() {
    let peer = "[[peer]]\nname = \"a.example\"\nprooftypes = [\"posh\"]\n";
    let fault = fault(&format!("{LISTEN}\n{DOMAIN}\n{peer}{peer}"));
    assert!(fault.starts_with("server.toml:12: `name` has a.example again"), "{fault}");
}
