//! What there is to try while the demo is up.

use std::fs;
use std::io;
use std::path::Path;

use posh::Profile;
use tempfile::TempDir;
use xmpp_s2s_testkit::well_known;

use super::cast::{COMPANY, Cast, HOSTED, SECOND, THIRD};

/// The certificates of both authorities, in a folder that goes away with this.
pub(super) struct Authorities(TempDir);

impl Authorities {
    /// Writes them.
    pub(super) fn write(cast: &Cast) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("xmpp-s2s-demo-").tempdir()?;
        fs::write(folder.path().join(WEB), cast.world.web_authority.root_pem())?;
        fs::write(folder.path().join(XMPP), cast.world.xmpp_authority.root_pem())?;
        Ok(Self(folder))
    }

    /// Commands to paste into another terminal.
    pub(super) fn commands(&self, cast: &Cast) -> String {
        let folder = self.0.path();
        let get = |domain, profile| curl(folder, cast, well_known(domain, profile).as_str());
        let (hosting, mallory) = (cast.hosting.address, cast.mallory.address);
        let show = |address, domain| show(folder, &format!("-connect {address}"), domain);
        let mut text = "\nStill up. What to try meanwhile, in another terminal:\n".to_owned();
        for (what, command) in [
            (format!("what {HOSTED} publishes"), get(HOSTED, Profile::Draft02)),
            (format!("what {SECOND} publishes"), get(SECOND, Profile::Rfc7711)),
            (format!("what {SECOND} refers to"), get(COMPANY, Profile::Rfc7711)),
            (format!("what {THIRD} publishes"), get(THIRD, Profile::Rfc7711)),
            (
                format!("the certificate of {HOSTED}'s server: whom it names"),
                format!("{} |\n    {NAMES}", show(hosting, HOSTED)),
            ),
            (
                format!("and its digest, which is what {SECOND} publishes"),
                format!("{} |\n    {DIGEST}", show(hosting, SECOND)),
            ),
            (
                format!("what mallory shows for {SECOND}"),
                format!("{} |\n    {NAMES}", show(mallory, SECOND)),
            ),
        ] {
            text += &format!("\n# {what}\n{command}\n");
        }
        text + "\n# Ctrl-C ends the demo, and removes what it wrote for this.\n"
    }
}

const WEB: &str = "web-ca.pem";
const XMPP: &str = "xmpp-ca.pem";

const NAMES: &str = "openssl x509 -noout -ext subjectAltName";
const DIGEST: &str = "openssl x509 -outform DER | openssl dgst -sha256 -binary | openssl base64";

fn curl(folder: &Path, cast: &Cast, url: &str) -> String {
    let (folder, web) = (folder.display(), cast.world.web.address());
    format!(
        "curl -isSw '\\n' --noproxy '*' --cacert '{folder}/{WEB}' \\\n    --connect-to ::{web} {url}"
    )
}

fn show(folder: &Path, connect: &str, domain: &str) -> String {
    let folder = folder.display();
    format!(
        "openssl s_client {connect} -starttls xmpp-server -xmpphost {domain} \\\n    \
         -CAfile '{folder}/{XMPP}' </dev/null 2>/dev/null"
    )
}
