//! What the other machines of the lab have to say.

use posh::Profile;

use super::{Proof, Scenario};
use crate::container::Output;
use crate::domain::{Certificate, Company, Document, Domain, WebHost};
use crate::machine::Machine;
use crate::run::{Failure, Run};

/// Fails with `why` unless it `holds`.
pub(super) fn expect(holds: bool, why: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::Unexpected(why())) }
}

/// A Prosody that pinged `to` has got the answer, or has not.
pub(super) fn expect_pong(pinged: &Output, to: &Domain, answered: bool) -> Result<(), Failure> {
    let pong = pinged.stdout.contains(&format!("pong from {}", to.name));
    expect(pong == answered, || format!("answered by {}: {pong}; {pinged:?}", to.name))
}

/// The Prosody of `host` has proved `peer` on both streams, and asked its web host if that was
/// needed.
pub(super) async fn prosody_proved(
    run: &Run<'_>,
    host: &Domain,
    peer: &Domain,
    proof: Proof,
) -> Result<(), Failure> {
    let whole_exchange = [
        format!("Accepting SASL EXTERNAL identity from {}", peer.name),
        format!("Outgoing s2s connection {}->{} complete", host.name, peer.name),
        format!("Incoming s2s connection {}->{} complete", peer.name, host.name),
    ];
    let log = run.hear(host.machine, &whole_exchange.each_ref().map(String::as_str)).await?;
    match proof {
        Proof::Posh => proved_by_posh(run, host.machine, peer).await,
        Proof::Pkix => {
            expect(!log.contains("POSH"), || format!("{} needed POSH for {}", host.name, peer.name))
        }
    }
}

async fn proved_by_posh(run: &Run<'_>, machine: Machine, peer: &Domain) -> Result<(), Failure> {
    let found_at = match (peer.document, Company::of(peer.machine)) {
        (Document::Reference(at), Some(company)) => company.url(at),
        _ => well_known(peer, Profile::Rfc7711),
    };
    let proves = format!("POSH proves {}: sha-256 in {found_at}", peer.name);
    for session in ["s2sin", "s2sout"] {
        run.hear_line(machine, &[session, &proves]).await?;
    }
    asked_for(run, machine, &[well_known(peer, Profile::Rfc7711), found_at]).await
}

/// The Prosody of `host` has looked at what `peer` publishes, and did not take it for `peer`.
pub(super) async fn prosody_refused(
    run: &Run<'_>,
    Scenario { from, to, .. }: &Scenario,
    host: &Domain,
    peer: &Domain,
) -> Result<(), Failure> {
    let doubt = doubt(peer);
    let blemish = match peer.certificate {
        Certificate::Expired => "has expired",
        Certificate::Hosting | Certificate::Own | Certificate::SelfSigned => "is not valid",
    };
    let forbids = format!("to/from {} because its certificate {blemish}", peer.name);
    let stream = format!("{}->{}", from.name, to.name);
    let closed = format!("s2s stream {stream} closed");
    let log = run.hear(host.machine, &[&doubt, &forbids, &closed]).await?;
    let accepted = log.contains(&format!("s2s connection {stream} complete"));
    expect(!accepted, || format!("{} accepted {} all the same", host.name, peer.name))?;
    match peer.web {
        WebHost::Up | WebHost::Slow => {
            let (url, status) = published(peer).swap_remove(0);
            let request = format!("{} GET {url} {status}", run.address(host.machine));
            run.hear(Machine::Web, &[&request]).await.map(drop)
        }
        WebHost::Untrusted | WebHost::Silent | WebHost::Down => Ok(()),
    }
}

/// What Prosody's plugin has against `peer`.
fn doubt(peer: &Domain) -> String {
    let (name, url) = (peer.name, well_known(peer, Profile::Rfc7711));
    match (peer.web, peer.document, peer.certificate) {
        (WebHost::Untrusted | WebHost::Down, ..) => {
            format!("POSH cannot prove {name}: cannot fetch {url}")
        }
        (WebHost::Silent, ..) => format!("POSH cannot prove {name}: no answer in time"),
        (WebHost::Up | WebHost::Slow, Document::Absent, _) => {
            format!("POSH cannot prove {name}: status 404 from {url}")
        }
        (WebHost::Up | WebHost::Slow, Document::Withdrawn, _) => {
            format!("POSH cannot prove {name}: no usable expires in {url}")
        }
        (WebHost::Up | WebHost::Slow, Document::Direct(_), Certificate::Expired) => {
            format!("POSH refuses {name}: listed, but not valid at this time")
        }
        (
            WebHost::Up | WebHost::Slow,
            Document::Direct(_) | Document::Another(_) | Document::Reference(_),
            _,
        ) => {
            format!("POSH refuses {name}: not listed in {url}")
        }
    }
}

/// The Prosody that does not convince us is convinced of us all the same.
pub(super) async fn prosody_is_content(
    run: &Run<'_>,
    host: &Domain,
    peer: &Domain,
) -> Result<(), Failure> {
    let proves = format!("POSH proves {}: sha-256 in ", peer.name);
    run.hear_line(host.machine, &[&proves]).await.map(drop)
}

/// A web host has given `asker` what is at `urls`.
async fn asked_for(run: &Run<'_>, asker: Machine, urls: &[String]) -> Result<(), Failure> {
    let requests = urls.iter().map(|url| format!("{} GET {url} 200", run.address(asker)));
    let requests: Vec<String> = requests.collect();
    run.hear(Machine::Web, &requests.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    Ok(())
}

/// Our server has proved `peer` on both streams, and asked its web host if that was needed.
pub(super) async fn server_proved(
    run: &Run<'_>,
    host: &Domain,
    peer: &Domain,
    proof: Proof,
) -> Result<(), Failure> {
    let digest = run.digest(peer)?;
    let (prooftype, step) = match proof {
        Proof::Posh => ("prooftype=\"posh\"", "posh-match posh-match"),
        Proof::Pkix => ("prooftype=\"pkix\"", "pkix pkix-match"),
    };
    let words = ["outcome=\"accepted\"", prooftype, step, &digest];
    for direction in ["inbound", "outbound"] {
        we_decided(run, direction, host, peer, &words).await?;
    }
    match proof {
        Proof::Posh => web_was_asked(run, host.machine, peer).await,
        Proof::Pkix => Ok(()),
    }
}

/// Our server that does not convince `peer` was convinced of it all the same.
pub(super) async fn server_is_content(
    run: &Run<'_>,
    host: &Domain,
    peer: &Domain,
) -> Result<(), Failure> {
    let words = ["posh-match posh-match", &run.digest(peer)?];
    we_decided(run, "inbound", host, peer, &words).await
}

/// Our server's decision about the stream between two domains, with all of `words` in it.
pub(super) async fn we_decided(
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
pub(super) async fn stream_in(
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

/// The web host of `domain` has given `asker` what the domain publishes, on both well-known paths,
/// if it could.
pub(super) async fn web_was_asked(
    run: &Run<'_>,
    asker: Machine,
    domain: &Domain,
) -> Result<(), Failure> {
    let address = run.address(asker);
    let request = |(url, status)| format!("{address} GET {url} {status}");
    let requests: Vec<String> = match domain.web {
        WebHost::Up | WebHost::Slow | WebHost::Silent => {
            published(domain).into_iter().map(request).collect()
        }
        WebHost::Untrusted | WebHost::Down => Vec::new(),
    };
    run.hear(Machine::Web, &requests.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    Ok(())
}

/// Every URL that has to do with what `domain` publishes, and the status that it has; 499 says that
/// whoever asked went away.
pub(super) fn published(domain: &Domain) -> Vec<(String, u16)> {
    let at = match domain.document {
        Document::Direct(at) | Document::Another(at) | Document::Reference(at) => Some(at),
        Document::Withdrawn => Some(Profile::Rfc7711),
        Document::Absent => None,
    };
    let url = |profile| {
        let status = match domain.web {
            WebHost::Silent => 499,
            WebHost::Up | WebHost::Slow | WebHost::Untrusted | WebHost::Down
                if at == Some(profile) =>
            {
                200
            }
            WebHost::Up | WebHost::Slow | WebHost::Untrusted | WebHost::Down => 404,
        };
        (well_known(domain, profile), status)
    };
    let mut urls = vec![url(Profile::Rfc7711)];
    // What is withdrawn decides at once: nobody waits for the other path.
    if domain.document != Document::Withdrawn {
        urls.push(url(Profile::Draft02));
    }
    if let (Document::Reference(at), Some(company)) = (domain.document, Company::of(domain.machine))
    {
        urls.push((company.url(at), 200));
    }
    urls
}

/// Where `domain` publishes, spelled out as the RFC and the draft do.
pub(super) fn well_known(domain: &Domain, profile: Profile) -> String {
    let file = match profile {
        Profile::Draft02 => "posh._xmpp-server._tcp.json",
        _ => "posh/xmpp-server.json",
    };
    format!("https://{}/.well-known/{file}", domain.name)
}
