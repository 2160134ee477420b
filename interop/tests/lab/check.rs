//! What the other machines of the lab have to say.

use interop::{Company, Document, Domain, Failure, Machine, Run};
use posh::Profile;

use crate::scenario::Proof;

/// Fails with `why` unless it `holds`.
pub(crate) fn expect(holds: bool, why: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::Unexpected(why())) }
}

/// The Prosody on `machine` has proved `peer`.
pub(crate) async fn prosody_proved(
    run: &Run<'_>,
    machine: Machine,
    peer: &Domain,
    proof: Proof,
) -> Result<(), Failure> {
    let by_posh = format!("POSH proves {}: sha-256 in https://", peer.name);
    let accepted = format!("Accepting SASL EXTERNAL identity from {}", peer.name);
    match proof {
        Proof::Posh => run.hear(machine, &[&by_posh, &accepted]).await.map(drop),
        Proof::Pkix => {
            let log = run.hear(machine, &[&accepted]).await?;
            expect(!log.contains("POSH"), || format!("`{machine}` needed POSH for {}", peer.name))
        }
    }
}

/// The lines of Prosody's log about the last stream that came in for this pair.
pub(crate) fn stream_in<'a>(log: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    let [from, to] = [format!("from='{from}'"), format!("to='{to}'")];
    let is_header = |line: &&str| {
        line.contains("received <stream:stream") && line.contains(&from) && line.contains(&to)
    };
    let header = log.lines().rfind(is_header);
    let Some(session) = header.and_then(|line| line.split_whitespace().next()) else {
        return Vec::new();
    };
    log.lines().filter(|line| line.starts_with(session)).collect()
}

/// The web host of `domain` has given `asker` what the domain publishes, on both well-known paths.
pub(crate) async fn web_was_asked(
    run: &Run<'_>,
    asker: Machine,
    domain: &Domain,
) -> Result<(), Failure> {
    let address = run.address(asker);
    let request = |(url, status)| format!("{address} GET {url} {status}");
    let requests: Vec<String> = published(domain).into_iter().map(request).collect();
    run.hear(Machine::Web, &requests.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    Ok(())
}

/// Every URL that has to do with what `domain` publishes, and the status that it has.
pub(crate) fn published(domain: &Domain) -> Vec<(String, u16)> {
    let at = match domain.document {
        Document::Direct(at) | Document::Another(at) | Document::Reference(at) => Some(at),
        Document::Absent => None,
    };
    let paths = [
        (Profile::Rfc7711, "/.well-known/posh/xmpp-server.json"),
        (Profile::Draft02, "/.well-known/posh._xmpp-server._tcp.json"),
    ];
    let url = |(profile, path)| {
        let status = if at == Some(profile) { 200 } else { 404 };
        (format!("https://{}{path}", domain.name), status)
    };
    let mut urls: Vec<_> = paths.into_iter().map(url).collect();
    if let (Document::Reference(at), Some(company)) = (domain.document, Company::of(domain.machine))
    {
        urls.push((company.url(at), 200));
    }
    urls
}
