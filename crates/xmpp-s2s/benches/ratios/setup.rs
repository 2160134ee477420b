//! New streams, each side proved to the other, and their end.

use posh::Profile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use xmpp_s2s::{Code, Endpoint, Pair, Prooftype, Security};
use xmpp_s2s_testkit::Identity;

use super::compare::{Wanted, compare};
use crate::support::effort::Effort;
use crate::support::peer::{Bare, listen};
use crate::support::site::Site;
use crate::support::stanza::{A, B};
use crate::support::table::Table;

/// How two domains meet.
struct Meeting {
    what: &'static str,
    domains: [&'static str; 2],
    security: Security,
    prooftype: Prooftype,
}

const MEETINGS: [Meeting; 3] = [
    Meeting {
        what: "set-up, PKIX, direct TLS",
        domains: [A, B],
        security: Security::Direct,
        prooftype: Prooftype::Pkix,
    },
    Meeting {
        what: "set-up, PKIX, STARTTLS",
        domains: ["c.example", "d.example"],
        security: Security::StartTls,
        prooftype: Prooftype::Pkix,
    },
    // Each side has fetched the documents of the other before, and kept what they say. So neither
    // verifies a chain, while both of the bare sides verify one by PKIX: the ratio flatters ours.
    Meeting {
        what: "set-up, POSH kept, STARTTLS",
        domains: ["e.example", "f.example"],
        security: Security::StartTls,
        prooftype: Prooftype::Posh,
    },
];

/// Opens and closes streams, and bare connections.
pub(crate) fn run(site: &Site, effort: &Effort, table: &Table) {
    for meeting in &MEETINGS {
        site.here.block_on(meeting.measure(site, effort, table));
    }
}

impl Meeting {
    async fn measure(&self, site: &Site, effort: &Effort, table: &Table) {
        let identities = self.domains.map(|domain| self.identity(site, domain));
        let [a, b] = &identities;
        let (listener, address) = listen().await;
        site.world.locate(self.domains[1], self.security, &[address]);
        let endpoint = self.endpoint(site, 1, b);
        let (proved, mut proofs) = mpsc::unbounded_channel();
        tokio::spawn(serve(endpoint, listener, proved));
        let endpoint = self.endpoint(site, 0, a);
        let [local, remote] = self.domains.map(|domain| domain.parse().unwrap());
        let pair = Pair { local, remote };

        let (plain, plainly) = listen().await;
        let [caller, called] = [A, B].map(|name| Bare::new(&site.world, &site.identity(name)));
        let times = effort.times(20);
        let comparison = compare(
            effort.times(15),
            async || {
                for _ in 0..times {
                    tokio::join!(call(&caller, plainly), answer(&called, &plain));
                }
            },
            async || {
                for _ in 0..times {
                    let trail = endpoint.explain(&pair).await;
                    assert_eq!(trail.conclusion(), Some(Code::StreamEstablished), "{trail}");
                    assert_eq!(proofs.recv().await, Some(self.prooftype));
                }
            },
        )
        .await;
        let wanted = Wanted { first: "0.70", goal: "0.90" };
        comparison.print(table, self.what, times as f64, "/ s", wanted);
    }

    /// A certificate that names the domain, or one that only POSH makes the domain's.
    fn identity(&self, site: &Site, domain: &str) -> Identity {
        if self.prooftype != Prooftype::Posh {
            return site.identity(domain);
        }
        let identity = site.identity("s2s.hosting.example");
        for profile in [Profile::Rfc7711, Profile::Draft02] {
            site.world.publish(domain, profile, &[&identity]);
        }
        identity
    }

    fn endpoint(&self, site: &Site, side: usize, identity: &Identity) -> Endpoint {
        let mut config = site.config(self.domains[side], identity);
        config.policy.prooftypes = vec![self.prooftype];
        Endpoint::new(config).unwrap()
    }
}

/// Takes every peer that proves itself, and says at the end of its stream how it did.
async fn serve(
    endpoint: Endpoint,
    listener: TcpListener,
    proved: mpsc::UnboundedSender<Prooftype>,
) {
    loop {
        let (tcp, address) = listener.accept().await.unwrap();
        let (endpoint, proved) = (endpoint.clone(), proved.clone());
        tokio::spawn(async move {
            let incoming = endpoint.accept(tcp, Some(address)).await.unwrap();
            let mut inbound = incoming.authenticate().await.unwrap();
            let prooftype = inbound.peers()[0].prooftype.unwrap();
            assert!(inbound.next().await.unwrap().is_none());
            proved.send(prooftype).unwrap();
        });
    }
}

/// Connects and says goodbye.
async fn call(caller: &Bare, address: std::net::SocketAddr) {
    let mut tls = caller.connect(address, B).await;
    tls.shutdown().await.unwrap();
    assert_eq!(tls.read(&mut [0]).await.unwrap(), 0);
}

async fn answer(called: &Bare, listener: &TcpListener) {
    let mut tls = called.accept(listener).await;
    assert_eq!(tls.read(&mut [0]).await.unwrap(), 0);
    tls.shutdown().await.unwrap();
}
