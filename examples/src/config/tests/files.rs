//! The files that the file points to.

use super::*;

#[test]
fn an_encrypted_key_is_told_as_that() {
    for pem in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n\
         AAAA\n-----END RSA PRIVATE KEY-----\n",
    ] {
        let folder = folder();
        fs::write(folder.path().join("hosting.key"), pem).unwrap();
        let fault = fault_in(&folder, &format!("{LISTEN}\n{DOMAIN}"));
        assert_eq!(
            fault,
            "server.toml:6: `key` has hosting.key, which is encrypted, expected a private key \
             without a passphrase"
        );
    }
}

#[test]
fn a_missing_certificate_is_told_with_its_path() {
    let domain = DOMAIN.replace("hosting.crt", "none.crt");
    assert_eq!(
        fault(&format!("listen = [\"127.0.0.1:5269\"]\n{domain}")),
        "server.toml:5: `certificate` has none.crt, which is not there, expected a file with \
         certificates in PEM; `federating-server config --help` says how to make a pair for a trial"
    );
}

#[test]
fn a_key_in_place_of_a_certificate_is_refused() {
    let domain = DOMAIN.replace("hosting.crt", "hosting.key");
    assert_eq!(
        fault(&format!("listen = [\"127.0.0.1:5269\"]\n{domain}")),
        "server.toml:5: `certificate` has hosting.key, expected a file with certificates in PEM"
    );
}

#[test]
fn a_certificate_in_place_of_a_key_is_refused() {
    let domain = DOMAIN.replace("hosting.key", "hosting.crt");
    assert_eq!(
        fault(&format!("listen = [\"127.0.0.1:5269\"]\n{domain}")),
        "server.toml:6: `key` has hosting.crt, expected a file with a private key in PEM"
    );
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let domain = DOMAIN.replace("hosting.key", "other.key");
    assert_eq!(
        fault(&format!("listen = [\"127.0.0.1:5269\"]\n{domain}")),
        "server.toml:6: `key` has other.key, expected the private key of the first certificate of \
         `certificate`"
    );
}

#[test]
fn roots_without_certificates_are_refused_by_their_own_key() {
    for key in ["roots", "web-roots"] {
        let head = format!("listen = [\"127.0.0.1:5269\"]\n{key} = [\n\"ca.pem\",\n\"empty.pem\"]");
        assert_eq!(
            fault(&format!("{head}\n{DOMAIN}")),
            format!(
                "server.toml:4: `{key}` has empty.pem, expected a file with certificates in PEM"
            )
        );
    }
}

#[test]
fn an_empty_list_of_roots_does_not_mean_the_systems() {
    let fault = fault(&format!("listen = [\"127.0.0.1:5269\"]\nroots = []\n{DOMAIN}"));
    assert!(
        fault.starts_with("server.toml:2: `roots` is empty, expected a list of PEM files"),
        "{fault}"
    );
}
