//! From stanzas to TLS.

use xmpp_s2s::{Endpoint, Prooftype, Security, Stanza};

use super::compare::{Wanted, compare};
use crate::support::effort::Effort;
use crate::support::peer::{Bare, drain, listen, pour, receive};
use crate::support::site::Site;
use crate::support::stanza::{A, B, COUNT, SIZE, parsed, wire};
use crate::support::table::Table;

/// Stanzas that are sent before the first answer is waited for.
const WINDOW: usize = 1024;

/// Sends what a bare pipe carries as well.
pub(crate) fn run(site: &Site, effort: &Effort, table: &Table) {
    site.here.block_on(async {
        let (a, b) = (site.identity(A), site.identity(B));
        let called = Bare::new(&site.world, &b);
        let (listener, address) = listen().await;

        let caller = Bare::new(&site.world, &a);
        let (mut into_pipe, mut pipe) =
            tokio::join!(caller.connect(address, B), called.accept(&listener));

        site.world.locate(B, Security::Direct, &[address]);
        let mut config = site.config(A, &a);
        config.policy.prooftypes = vec![Prooftype::Pkix];
        let endpoint = Endpoint::new(config).unwrap();
        let (stanzas, bytes, times) = (parsed(), wire(), effort.times(16));
        let (delivered, mut stream) = tokio::join!(endpoint.send(stanzas[0].clone()), async {
            let mut tls = called.accept(&listener).await;
            receive(&mut tls, B, A).await;
            drain(&mut tls, SIZE).await;
            tls
        });
        delivered.unwrap();

        let size = times * bytes.len();
        let comparison = compare(
            effort.times(15),
            async || {
                tokio::join!(pour(&mut into_pipe, &bytes, times), drain(&mut pipe, size));
            },
            async || {
                tokio::join!(send(&endpoint, &stanzas, times), drain(&mut stream, size));
            },
        )
        .await;
        let megabytes = (times * COUNT * SIZE) as f64 / 1e6;
        let wanted = Wanted { first: "0.70", goal: "0.90" };
        comparison.print(table, "outbound, stanzas of 300 bytes", megabytes, "MB/s", wanted);
    });
}

/// Sends all of them, so many times, and waits for what becomes of each.
async fn send(endpoint: &Endpoint, stanzas: &[Stanza], times: usize) {
    let mut deliveries = Vec::with_capacity(WINDOW);
    for _ in 0..times {
        for window in stanzas.chunks(WINDOW) {
            deliveries.extend(window.iter().map(|stanza| endpoint.send(stanza.clone())));
            for delivery in deliveries.drain(..) {
                delivery.await.unwrap();
            }
        }
    }
}
