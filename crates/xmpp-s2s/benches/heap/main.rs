//! What an idle stream keeps in memory.
//!
//! ```text
//! cargo bench -p xmpp-s2s --bench heap
//! ```
//!
//! Bytes are counted as they are asked for, those of tasks and futures too. The other side of each
//! stream gives up all that it has but the socket, so that only ours is counted.

#![allow(clippy::unwrap_used, reason = "what goes wrong ends the bench")]

#[path = "../support/mod.rs"]
mod support;

use std::alloc::System;
use std::net::TcpStream as Socket;
use std::time::Duration;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use xmpp_s2s::{Endpoint, Prooftype, Security, Stanza};

use crate::support::effort::Effort;
use crate::support::peer::{Bare, drain, initiate, listen, receive};
use crate::support::site::Site;
use crate::support::stanza::{A, B, SIZE, xml};
use crate::support::table::{Row, Table};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let (effort, table, site) = (Effort::from_command_line(), Table::new(), Site::start());
    let print = |what, bytes: f64, first, goal| {
        let figure = format_args!("{:.1}", bytes / 1024.0).to_string();
        table.print(&Row { what, bare: &"", ours: &"", figure: &figure, half: &"", first, goal });
    };
    let streams = effort.times(100);
    if effort.wants("outbound") {
        let bytes = site.here.block_on(outbound(&site, streams));
        print("idle outbound stream, KiB", bytes, "32", "16");
    }
    if effort.wants("inbound") {
        let bytes = site.here.block_on(inbound(&site, streams));
        print("idle inbound stream, KiB", bytes, "32", "16");
    }
    if effort.wants("unauthenticated") {
        let bytes = site.here.block_on(unauthenticated(&site, streams));
        print("not authenticated, after TLS, KiB", bytes, "64", "24");
    }
}

/// Streams of ours, each to a domain of its own, that have carried one stanza.
async fn outbound(site: &Site, streams: usize) -> f64 {
    let mut config = site.config(A, &site.identity(A));
    config.resolver = Some(site.world.dns.resolver());
    config.policy.prooftypes = vec![Prooftype::Pkix];
    let endpoint = Endpoint::new(config).unwrap();
    let called = Bare::new(&site.world, &site.identity("*.peers.example"));
    let (listener, address) = listen().await;
    let domain = |number| format!("{number}.peers.example");
    for number in 0..2 * streams {
        site.world.locate(&domain(number), Security::Direct, &[address]);
    }

    let deliver = async |number: usize| {
        let remote = domain(number);
        let stanza = Stanza::parse(xml(number, A, &remote)).unwrap();
        let (delivered, socket) = tokio::join!(endpoint.send(stanza), async {
            let mut tls = called.accept(&listener).await;
            receive(&mut tls, &remote, A).await;
            drain(&mut tls, SIZE).await;
            bare_socket(tls.into_inner().0)
        });
        delivered.unwrap();
        socket
    };
    per_stream(site, streams, deliver).await
}

/// Streams of a peer, that have carried one stanza.
async fn inbound(site: &Site, streams: usize) -> f64 {
    let endpoint = site.endpoint(B, &site.identity(B));
    let caller = Bare::new(&site.world, &site.identity(A));
    let (listener, address) = listen().await;
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut streams = JoinSet::new();
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            streams.spawn(take(endpoint.clone(), tcp, arrived.clone()));
        }
    });
    per_stream(site, streams, async |number| {
        let mut tls = caller.connect(address, B).await;
        initiate(&mut tls, A, B).await;
        tls.write_all(xml(number, A, B).as_bytes()).await.unwrap();
        tls.flush().await.unwrap();
        arrivals.recv().await.unwrap();
        bare_socket(tls.into_inner().0)
    })
    .await
}

async fn take(endpoint: Endpoint, tcp: TcpStream, arrived: mpsc::UnboundedSender<()>) {
    let address = tcp.peer_addr().ok();
    let incoming = endpoint.accept(tcp, address).await.unwrap();
    let mut inbound = incoming.authenticate().await.unwrap();
    while let Ok(Some(_)) = inbound.next().await {
        arrived.send(()).unwrap();
    }
}

/// Connections whose peers have done TLS, and say nothing.
async fn unauthenticated(site: &Site, streams: usize) -> f64 {
    let endpoint = site.endpoint(B, &site.identity(B));
    let caller = Bare::new(&site.world, &site.identity(A));
    let (listener, address) = listen().await;
    let mut tasks = JoinSet::new();
    tasks.spawn(answer(endpoint, listener));
    per_stream(site, streams, async |_| {
        bare_socket(caller.connect(address, B).await.into_inner().0)
    })
    .await
}

async fn answer(endpoint: Endpoint, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        let (tcp, address) = listener.accept().await.unwrap();
        let endpoint = endpoint.clone();
        connections.spawn(async move { drop(endpoint.accept(tcp, Some(address)).await) });
    }
}

/// What is left of a peer costs no heap.
fn bare_socket(tcp: TcpStream) -> Socket {
    tcp.into_std().unwrap()
}

/// Bytes that each of so many streams adds to as many that were there before.
async fn per_stream(
    site: &Site,
    streams: usize,
    mut open: impl AsyncFnMut(usize) -> Socket,
) -> f64 {
    let mut sockets = Vec::with_capacity(2 * streams);
    for number in 0..streams {
        sockets.push(open(number).await);
    }
    let before = at_rest(site).await;
    for number in streams..2 * streams {
        sockets.push(open(number).await);
    }
    let after = at_rest(site).await;
    (after - before) as f64 / streams as f64
}

/// Bytes in use when nobody has anything to do any more.
async fn at_rest(site: &Site) -> usize {
    tokio::time::sleep(Duration::from_millis(200)).await;
    site.world.dns.queries().clear();
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}
