//! What the other machines of the lab have to say.

use interop::{Company, Document, Domain, Failure, Machine, Run};
use posh::Profile;

use crate::scenario::Proof;

/// Fails with `why` unless it `holds`.
pub(crate) fn expect(holds: bool, why: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::Unexpected(why())) }
}

/// The Prosody on `machine` has proved `peer`, and asked its web host if that was needed.
pub(crate) async fn prosody_proved(
    run: &Run<'_>,
    machine: Machine,
    peer: &Domain,
    proof: Proof,
) -> Result<(), Failure> {
    let accepted = format!("Accepting SASL EXTERNAL identity from {}", peer.name);
    let url = format!("https://{}/.well-known/posh/xmpp-server.json", peer.name);
    match proof {
        Proof::Posh => {
            let by_posh = format!("POSH proves {}: sha-256 in {url}", peer.name);
            run.hear(machine, &[&by_posh, &accepted]).await?;
            let request = format!("{} GET {url} 200", run.address(machine));
            run.hear(Machine::Web, &[&request]).await.map(drop)
        }
        Proof::Pkix => {
            let log = run.hear(machine, &[&accepted]).await?;
            expect(!log.contains("POSH"), || format!("`{machine}` needed POSH for {}", peer.name))
        }
    }
}

/// Our server's decision about the stream between two domains, with all of `words` in it.
pub(crate) async fn we_decided(
    run: &Run<'_>,
    direction: &str,
    local: &Domain,
    remote: &Domain,
    words: &[&str],
) -> Result<(), Failure> {
    let stream = [
        format!("direction=\"{direction}\""),
        format!("local={} ", local.name),
        format!("remote={} ", remote.name),
    ];
    let stream = stream.iter().map(String::as_str);
    let line: Vec<&str> = stream.chain(words.iter().copied()).collect();
    run.hear_line(Machine::Server, &line).await.map(drop)
}

/// The lines of Prosody's log about the stream of this pair that came in, until `last`.
pub(crate) async fn stream_in(
    run: &Run<'_>,
    from: &Domain,
    to: &Domain,
    last: &str,
) -> Result<Vec<String>, Failure> {
    let [from, at] = [format!("from='{}'", from.name), format!("to='{}'", to.name)];
    let header = ["s2sin", "received <stream:stream", &from, &at];
    let log = run.hear_line(to.machine, &header).await?;
    let line = log.lines().find(|line| header.iter().all(|word| line.contains(word)));
    let session = line.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    let log = run.hear_line(to.machine, &[session, last]).await?;
    Ok(log.lines().filter(|line| line.starts_with(session)).map(str::to_owned).collect())
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
