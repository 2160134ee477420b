use std::error::Error as _;
use std::fs;

use tempfile::TempDir;
use xmpp_s2s_testkit::{Authority, Certificate};

use super::*;

mod files;
mod peers;
mod sample;

const DOMAIN: &str = r#"
[[domain]]
name = "hosted.example"
certificate = "hosting.crt"
key = "hosting.key"
"#;

const LISTEN: &str = r#"listen = ["127.0.0.1:5269"]"#;

/// A folder with a certificate, its key, another key and authorities, by the sample's names too.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new("test CA");
    let hosting = authority.issue_for("s2s.hosting.example");
    let other = Certificate::new(["other.example"]).self_signed();
    for (name, content) in [
        ("ca.pem", authority.root_pem()),
        ("xmpp-ca.pem", authority.root_pem()),
        ("web-ca.pem", authority.root_pem()),
        ("hosting.crt", hosting.chain_pem()),
        ("hosting.key", hosting.key_pem()),
        ("other.key", other.key_pem()),
        ("empty.pem", String::new()),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn load(toml: &str) -> Result<Settings, SettingsError> {
    let folder = folder();
    let file = folder.path().join("server.toml");
    fs::write(&file, toml).unwrap();
    Settings::load(&file)
}

/// What is said about `toml`, without the folder.
fn fault(toml: &str) -> String {
    fault_in(&folder(), toml)
}

fn fault_in(folder: &TempDir, toml: &str) -> String {
    let file = folder.path().join("server.toml");
    fs::write(&file, toml).unwrap();
    let error = Settings::load(&file).unwrap_err();
    error.to_string().replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_whole_file_is_read_with_paths_relative_to_it() {
    let head = r#"
listen = ["127.0.0.1:5269", "[::1]:5270"]
resolver = "172.28.0.2:53"
roots = ["ca.pem"]
web-roots = ["ca.pem", "hosting.crt"]
allow-networks = ["172.28.0.0/24", "fd00::/8"]
"#;
    let settings = load(&format!("{head}{DOMAIN}{}", DOMAIN.replace("hosted", "second"))).unwrap();
    assert_eq!(settings.listen, ["127.0.0.1:5269", "[::1]:5270"].map(|a| a.parse().unwrap()));
    assert_eq!(settings.resolver, Some("172.28.0.2:53".parse().unwrap()));
    assert_eq!(settings.roots.unwrap().len(), 1);
    assert_eq!(settings.web_roots.unwrap().len(), 2);
    assert_eq!(settings.allow_networks.len(), 2);
    let names: Vec<_> = settings.domains.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["hosted.example", "second.example"]);
}

#[test]
fn what_is_optional_may_be_left_out() {
    let settings = load(&format!("listen = [\"127.0.0.1:5269\"]\n{DOMAIN}")).unwrap();
    assert!(settings.resolver.is_none() && settings.roots.is_none());
    assert!(settings.web_roots.is_none() && settings.allow_networks.is_empty());
    assert!(settings.prooftypes.is_none() && settings.block.is_empty());
    assert!(settings.peers.is_empty());
}

#[test]
fn a_missing_file_is_named_with_the_way_to_write_one() {
    let error = Settings::load(Path::new("no/such/server.toml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read no/such/server.toml; write one with `federating-server config > server.toml`, \
         and name it with --config"
    );
    assert!(error.source().is_some());
}

#[test]
fn an_unknown_key_is_named_with_those_that_exist() {
    assert_eq!(
        fault("listen = [\"127.0.0.1:5269\"]\nlisten-too = []\n"),
        "server.toml:2: unknown key `listen-too`, expected one of `listen`, `resolver`, `roots`, \
         `web-roots`, `allow-networks`, `prooftypes`, `block`, `domain`, `peer`"
    );
}

#[test]
fn an_unknown_key_of_a_domain_is_named_with_those_that_exist() {
    assert_eq!(
        fault(&format!("listen = [\"127.0.0.1:5269\"]\n{DOMAIN}pem = 1\n")),
        "server.toml:7: unknown key `pem`, expected one of `name`, `certificate`, `key`"
    );
}

#[test]
fn a_missing_key_is_named_with_what_it_should_have() {
    assert_eq!(
        fault(DOMAIN),
        "server.toml:1: `listen` is missing, expected a list of addresses, such as \
         [\"0.0.0.0:5269\", \"[::]:5269\"]"
    );
}

#[test]
fn a_missing_key_of_a_domain_is_named_on_the_line_of_its_table() {
    assert_eq!(
        fault(&format!("{LISTEN}\n\n[[domain]]\nname = \"a.example\"\n")),
        "server.toml:3: `certificate` is missing, expected the path of a PEM file with \
         certificates, in quotes"
    );
}

#[test]
fn a_file_without_domains_is_refused() {
    let expected = "expected a table [[domain]], in two brackets, for each domain";
    assert_eq!(fault(LISTEN), format!("server.toml:1: `domain` is missing, {expected}"));
    assert_eq!(
        fault(&format!("{LISTEN}\n\ndomain = []\n")),
        format!("server.toml:3: `domain` is empty, {expected}")
    );
}

#[test]
fn a_key_for_the_second_time_is_named() {
    assert_eq!(
        fault(&format!("{LISTEN}\n{LISTEN}\n{DOMAIN}")),
        "server.toml:2: `listen` for the second time, expected each key once"
    );
}

#[test]
fn a_value_of_another_type_is_told_with_the_one_expected() {
    for (line, told) in [
        ("listen = 5269", "`listen` has a number, expected a list of addresses, such as"),
        ("listen = \"[::]:5269\"", "`listen` has a string, expected a list of addresses, such as"),
        ("listen = [5269]", "`listen` has a number, expected an IP address with a port, such as"),
        ("resolver = true", "`resolver` has true or false, expected an IP address with a port in"),
        ("roots = \"ca.pem\"", "`roots` has a string, expected a list of PEM files with trust"),
        ("allow-networks = \"::/0\"", "`allow-networks` has a string, expected a list of networks"),
    ] {
        let rest = if line.starts_with("listen") { "" } else { LISTEN };
        let fault = fault(&format!("\n{line}\n{rest}\n{DOMAIN}"));
        assert!(fault.starts_with(&format!("server.toml:2: {told}")), "{fault}");
    }
}

#[test]
fn a_domain_in_one_bracket_is_told_to_have_two() {
    let domain = DOMAIN.replace("[[domain]]", "[domain]");
    assert_eq!(
        fault(&format!("{LISTEN}\n{domain}")),
        "server.toml:3: `domain` has one table, expected a table [[domain]], in two brackets, for \
         each domain"
    );
    assert_eq!(
        fault(&format!("{LISTEN}\n{domain}{domain}")),
        "server.toml:8: `domain` for the second time, expected [[domain]], in two brackets"
    );
}

#[test]
fn a_key_below_the_domains_is_told_where_it_belongs() {
    assert_eq!(
        fault(&format!("{DOMAIN}{LISTEN}\n")),
        "server.toml:6: `listen` is below [[domain]]; put it above the first [[domain]]"
    );
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    for line in ["resolver = yes", "resolver = 192.0.2.53:53", "resolver", "resolver = \"x"] {
        let fault = fault(&format!("{LISTEN}\n{line}\n{DOMAIN}"));
        assert!(fault.starts_with("server.toml:2: not TOML: "), "{fault}");
        let end = "; expected `key = value`, with texts in quotes, such as resolver = \
                   \"192.0.2.53:53\"";
        assert!(fault.ends_with(end), "{fault}");
        assert_eq!(fault.matches("expected").count(), 1, "{fault}");
    }
}

#[test]
fn an_address_for_the_second_time_is_refused() {
    let listen = "listen = [\n\"[::1]:5269\",\n\"127.0.0.1:5269\",\n\"[0::1]:5269\"]";
    assert_eq!(
        fault(&format!("{listen}\n{DOMAIN}")),
        "server.toml:4: `listen` has \"[0::1]:5269\" again, expected each address once"
    );
}

#[test]
fn an_empty_path_is_refused() {
    for (path, told) in [("hosting.crt", "5: `certificate`"), ("hosting.key", "6: `key`")] {
        let fault = fault(&format!("{LISTEN}\n{}", DOMAIN.replace(path, "")));
        let start = format!("server.toml:{told} has \"\", expected the path of a PEM file with ");
        assert!(fault.starts_with(&start), "{fault}");
    }
}

#[test]
fn a_bad_address_is_told_with_an_example() {
    assert_eq!(
        fault(&format!("listen = [\n  \"127.0.0.1:5269\",\n  \"localhost:5270\",\n]\n{DOMAIN}")),
        "server.toml:3: `listen` has \"localhost:5270\", expected an IP address with a port, such \
         as \"0.0.0.0:5269\" or \"[::]:5269\""
    );
}

#[test]
fn an_empty_list_of_addresses_is_refused() {
    let fault = fault(&format!("listen = []\n{DOMAIN}"));
    assert!(
        fault.starts_with("server.toml:1: `listen` is empty, expected a list of addresses"),
        "{fault}"
    );
}

#[test]
fn a_resolver_without_port_is_refused() {
    let fault = fault(&format!("listen = [\"127.0.0.1:1\"]\nresolver = \"192.0.2.1\"\n{DOMAIN}"));
    assert!(fault.starts_with("server.toml:2: `resolver` has \"192.0.2.1\", expected"), "{fault}");
}

#[test]
fn a_bad_network_is_told_with_an_example() {
    let networks = "allow-networks = [\"172.28.0.0/33\"]";
    assert_eq!(
        fault(&format!("listen = [\"127.0.0.1:5269\"]\n{networks}\n{DOMAIN}")),
        "server.toml:2: `allow-networks` has \"172.28.0.0/33\", expected a network, such as \
         \"172.28.0.0/24\" or \"fd00::/8\""
    );
}

#[test]
fn a_bad_domain_is_told_with_an_example() {
    let domain = DOMAIN.replace("hosted.example", "hosted..example");
    assert_eq!(
        fault(&format!("listen = [\"127.0.0.1:5269\"]\n{domain}")),
        "server.toml:4: `name` has \"hosted..example\", expected a domain name, such as \
         \"im.example.org\""
    );
}

#[test]
fn a_domain_for_the_second_time_is_told_with_both_lines() {
    let again = DOMAIN.replace("hosted.example", "HOSTED.example.");
    assert_eq!(
        fault(&format!("listen = [\"127.0.0.1:5269\"]\n{DOMAIN}{again}")),
        "server.toml:9: `name` has hosted.example again, expected each domain once; the first is \
         on line 4"
    );
}

#[test]
fn a_file_that_may_not_be_read_is_told_as_that() {
    let error = io::Error::from(io::ErrorKind::PermissionDenied);
    let error = SettingsError::Unreadable { file: "server.toml".into(), error };
    let told = "cannot read server.toml; let the user that runs this read it";
    assert_eq!(error.to_string(), told);
}

#[test]
fn a_system_without_dns_settings_is_told_with_the_key_for_them() {
    let error = EndpointError::SystemResolver("no such file".into());
    let told =
        "cannot tell which DNS servers to ask from /etc/resolv.conf; name one with `resolver`";
    assert_eq!(error.to_string(), told);
}
