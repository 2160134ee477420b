//! From TLS to routed stanzas.

use std::hint::black_box;

use xmpp_s2s::Inbound;

use super::compare::{Wanted, compare};
use crate::support::effort::Effort;
use crate::support::peer::{Bare, drain, initiate, listen, pour};
use crate::support::site::Site;
use crate::support::stanza::{A, B, COUNT, SIZE, wire};
use crate::support::table::Table;

/// Pours the same bytes into a bare pipe and into a stream.
pub(crate) fn run(site: &Site, effort: &Effort, table: &Table) {
    site.here.block_on(async {
        let (a, b) = (site.identity(A), site.identity(B));
        let caller = Bare::new(&site.world, &a);
        let (listener, address) = listen().await;

        let called = Bare::new(&site.world, &b);
        let (mut into_pipe, mut pipe) =
            tokio::join!(caller.connect(address, B), called.accept(&listener));

        let endpoint = site.endpoint(B, &b);
        let (mut into_stream, mut stream) = tokio::join!(
            async {
                let mut tls = caller.connect(address, B).await;
                initiate(&mut tls, A, B).await;
                tls
            },
            async {
                let (tcp, address) = listener.accept().await.unwrap();
                let incoming = endpoint.accept(tcp, Some(address)).await.unwrap();
                incoming.authenticate().await.unwrap()
            }
        );

        let (bytes, times) = (wire(), effort.times(16));
        let comparison = compare(
            effort.times(15),
            async || {
                let size = times * bytes.len();
                tokio::join!(pour(&mut into_pipe, &bytes, times), drain(&mut pipe, size));
            },
            async || {
                let stanzas = times * COUNT;
                tokio::join!(pour(&mut into_stream, &bytes, times), take(&mut stream, stanzas));
            },
        )
        .await;
        let megabytes = (times * COUNT * SIZE) as f64 / 1e6;
        let wanted = Wanted { first: "0.25", goal: "0.45" };
        comparison.print(table, "inbound, stanzas of 300 bytes", megabytes, "MB/s", wanted);
    });
}

async fn take(stream: &mut Inbound, stanzas: usize) {
    for _ in 0..stanzas {
        let stanza = stream.next().await.unwrap().unwrap();
        assert_eq!(black_box(stanza).to().as_str(), B);
    }
}
