//! Which URLs may be fetched at all, before any address is known.

use rustls_pki_types::DnsName;
use url::Url;

/// Takes a URL that may be fetched, without its fragment; otherwise says which rule it breaks.
pub(crate) fn checked(mut url: Url, port: u16) -> Result<Url, &'static str> {
    if url.scheme() != "https" {
        return Err("must be https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password");
    }
    if url.port().is_some_and(|other| other != port) {
        return Err("must not name another port");
    }
    if url.as_str().len() > URL_LENGTH {
        return Err("must not be longer than 2048 bytes");
    }
    let host = url.domain().ok_or("must name a domain, not an address")?;
    let host = host.strip_suffix('.').unwrap_or(host).to_owned();
    if !is_public(&host) {
        return Err("must name a domain of the public DNS");
    }
    url.set_host(Some(&host)).map_err(|_| "must name a domain of the public DNS")?;
    url.set_fragment(None);
    Ok(url)
}

/// Escapes what in a stranger's text could upset a log or a terminal, and cuts the result.
pub(crate) fn excerpt(text: &str) -> String {
    let mut excerpt = String::new();
    for character in text.chars() {
        let escaped = character.escape_debug();
        if excerpt.len() + escaped.clone().map(char::len_utf8).sum::<usize>() > EXCERPT {
            break;
        }
        excerpt.extend(escaped);
    }
    excerpt
}

/// Names without a dot and those of other name systems are nobody's in the DNS (RFC 6761, 7686).
fn is_public(host: &str) -> bool {
    let Some((_, top)) = host.rsplit_once('.') else { return false };
    !matches!(top, "" | "local" | "localhost" | "onion") && DnsName::try_from(host).is_ok()
}

/// Longest URL that is fetched, in bytes.
const URL_LENGTH: usize = 2048;
/// Most of a stranger's text that is told, in bytes.
const EXCERPT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str) -> Result<String, &'static str> {
        checked(Url::parse(url).unwrap(), 443).map(String::from)
    }

    #[test]
    fn an_https_url_of_a_domain_is_taken_without_its_fragment() {
        assert_eq!(check("https://A.example./x?y#z").unwrap(), "https://a.example/x?y");
        assert_eq!(check("https://a.example:443/x").unwrap(), "https://a.example/x");
    }

    #[test]
    fn t39_a_second_final_dot_hides_no_name_outside_the_public_dns() {
        for host in ["localhost", "localhost..", "intranet..", "printer.local..", "a.example.."] {
            let error = check(&format!("https://{host}/")).unwrap_err();
            assert_eq!(error, "must name a domain of the public DNS", "{host}");
        }
    }

    #[test]
    fn other_schemes_ports_and_credentials_are_refused() {
        for url in [
            "http://a.example/",
            "ftp://a.example/",
            "data:text/plain,x",
            "https://a.example:22/",
            "https://me@a.example/",
            "https://:secret@a.example/",
        ] {
            assert!(check(url).is_err(), "{url}");
        }
    }

    #[test]
    fn ph06_no_spelling_of_an_address_is_a_domain() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "１２７.0.0.1",
            "127.0.0.1.",
        ] {
            let url = format!("https://{host}/");
            assert!(check(&url).is_err(), "{host}");
        }
    }

    #[test]
    fn a_longer_url_than_2048_bytes_is_refused() {
        assert!(check(&format!("https://a.example/{}", "x".repeat(URL_LENGTH))).is_err());
    }

    #[test]
    fn an_excerpt_is_short_and_holds_no_controls() {
        assert_eq!(excerpt("a\r\n\u{1b}[2J\u{202e}"), r"a\r\n\u{1b}[2J\u{202e}");
        assert_eq!(excerpt(&"é".repeat(200)).chars().count(), 128);
        assert_eq!(excerpt(&"\u{202e}".repeat(200)).len(), 256);
    }
}
