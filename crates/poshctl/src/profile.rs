//! Which specification a document follows: told by its name, never by what is in it.

use posh::Profile;
use thiserror::Error;

use crate::cli::Specification;

/// The specification that was named, else that of the path where a document is published.
pub(crate) fn profile(
    named: Option<Specification>,
    document: &str,
) -> Result<Profile, UnknownProfile> {
    named
        .map(Profile::from)
        .or_else(|| of_path(document))
        .ok_or_else(|| UnknownProfile { document: document.to_owned() })
}

/// A document whose name does not tell how to read it.
#[derive(Debug, Error)]
#[error("the name of {document} does not tell which specification it follows, give --profile")]
pub(crate) struct UnknownProfile {
    document: String,
}

/// The word for a specification.
pub(crate) fn word(profile: Profile) -> &'static str {
    match profile {
        Profile::Draft02 => "draft02",
        _ => "rfc7711",
    }
}

fn of_path(path: &str) -> Option<Profile> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let name = file.strip_suffix(".json")?;
    if name.starts_with("posh._") && name.ends_with("._tcp") {
        return Some(Profile::Draft02);
    }
    let is_known = ["xmpp-server", "xmpp-client"].contains(&name);
    (is_known || folder == "posh" || folder.ends_with("/posh")).then_some(Profile::Rfc7711)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_the_specification() {
        for (path, profile) in [
            ("https://a.example/.well-known/posh/xmpp-server.json", Some(Profile::Rfc7711)),
            ("posh/imaps.json", Some(Profile::Rfc7711)),
            ("xmpp-server.json", Some(Profile::Rfc7711)),
            ("/w/.well-known/posh._xmpp-server._tcp.json", Some(Profile::Draft02)),
            ("keys.json", None),
            ("posh/xmpp-server", None),
        ] {
            assert_eq!(of_path(path), profile, "{path}");
        }
    }
}
