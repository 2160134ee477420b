//! What the built program does, prints and exits with.
#![allow(clippy::unwrap_used)]

mod demo;
mod program;
mod serving;

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use xmpp_s2s::{Namespace, Security, Stanza};
use xmpp_s2s_testkit::{
    ClientTls, Failure, Listener, ScriptedPeer, Server, ServerTls, Service, message,
};

use program::{
    DEADLINE, Ended, Scenery, Serving, free_address, program, program_with_descriptors, run,
    seconds_between,
};

const HERE: &str = "here.example";
const THERE: &str = "there.example";

/// Pings from a fresh address to [`THERE`].
async fn ping(scenery: &Scenery, arguments: &[&str]) -> Ended {
    let here = free_address();
    scenery.locate(HERE, here);
    let config = scenery.config(HERE, here);
    Ended::of(program().args(["ping", THERE, "--config", &config]).args(arguments)).await
}

#[tokio::test]
async fn ping_of_a_server_that_answers_exits_with_0_and_shows_both_streams() {
    let scenery = Scenery::build().await;
    let _there = scenery.serve(THERE).await;
    let ping = ping(&scenery, &[]).await;
    assert_eq!(ping.code, Some(0), "{}{}", ping.stdout, ping.stderr);
    assert!(ping.stdout.contains("\nour stream to it\n  1  "), "{}", ping.stdout);
    assert!(ping.stdout.contains("\nits stream to us\n  1  "), "{}", ping.stdout);
    let line = ping.last_line();
    let start = "ACCEPTED  there.example proved itself by PKIX and answered in ";
    assert!(line.starts_with(start), "{line}");
}

#[tokio::test]
async fn ping_with_json_is_one_object_with_both_trails() {
    let scenery = Scenery::build().await;
    let _there = scenery.serve(THERE).await;
    let ping = ping(&scenery, &["--json"]).await;
    assert_eq!(ping.code, Some(0), "{}{}", ping.stdout, ping.stderr);
    let json: Value = serde_json::from_str(&ping.stdout).unwrap();
    assert_eq!(json["domain"], THERE);
    assert_eq!(json["outcome"], "accepted");
    assert!(json["round_trip_ms"].as_f64().unwrap() > 0.0);
    for stream in ["outbound", "inbound"] {
        let steps = json[stream]["steps"].as_array().unwrap();
        assert!(steps.iter().any(|step| step["code"] == "pkix-match"), "{stream} {steps:?}");
    }
}

#[tokio::test]
async fn ping_of_a_domain_without_a_server_is_refused_with_1() {
    let scenery = Scenery::build().await;
    scenery.world.dns.set_services(THERE, Security::StartTls, [Service::not_offered()]);
    let ping = ping(&scenery, &[]).await;
    assert_eq!(ping.code, Some(1), "{}{}", ping.stdout, ping.stderr);
    assert!(ping.last_line().starts_with("REFUSED  there.example: "), "{}", ping.stdout);
    assert!(ping.last_line().ends_with("(srv-service-refused)"), "{}", ping.stdout);
}

#[tokio::test]
async fn ping_of_a_server_that_refuses_us_is_refused_with_1() {
    let scenery = Scenery::build().await;
    let identity = scenery.world.xmpp_authority.issue_for(THERE);
    let there = Listener::start().await.unwrap();
    scenery.world.locate(THERE, Security::Direct, &[there.address()]);
    let refuse = async {
        let mut peer = there.accept().await.unwrap();
        peer.secure_as_server(&ServerTls::new(&identity)).await.unwrap();
        peer.expect("<stream:stream").await.unwrap();
        let external = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                        <mechanism>EXTERNAL</mechanism></mechanisms>";
        peer.answer(THERE, HERE, "1", external).await.unwrap();
        peer.expect("</auth>").await.unwrap();
        let error = "<stream:error><policy-violation \
                     xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>";
        peer.send(error).await.unwrap();
        peer.expect_end().await.unwrap();
    };
    let (ping, ()) = tokio::join!(ping(&scenery, &[]), refuse);
    assert_eq!(ping.code, Some(1), "{}{}", ping.stdout, ping.stderr);
    assert!(ping.last_line().ends_with("(stream-refused)"), "{}", ping.stdout);
}

#[tokio::test]
async fn ping_through_a_failing_dns_cannot_tell_and_exits_with_4() {
    let scenery = Scenery::build().await;
    scenery.world.dns.set_services_failure(THERE, Security::StartTls, Failure::ServFail);
    scenery.world.dns.set_services_failure(THERE, Security::Direct, Failure::ServFail);
    let ping = ping(&scenery, &[]).await;
    assert_eq!(ping.code, Some(4), "{}{}", ping.stdout, ping.stderr);
    assert!(ping.last_line().starts_with("CANNOT TELL  there.example: "), "{}", ping.stdout);
}

#[tokio::test]
async fn ping_of_a_server_that_says_nothing_cannot_tell_and_exits_with_4() {
    let scenery = Scenery::build().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    scenery.locate(THERE, silent.local_addr().unwrap());
    let ping = ping(&scenery, &["--timeout", "1", "--json"]).await;
    assert_eq!(ping.code, Some(4), "{}{}", ping.stdout, ping.stderr);
    let json: Value = serde_json::from_str(&ping.stdout).unwrap();
    assert_eq!(json["outcome"], "cannot-tell");
    assert!(json["round_trip_ms"].is_null() && json["inbound"].is_null(), "{json}");
}

/// A server that is called [`THERE`], and one that says it is.
async fn genuine_and_forged(scenery: &Scenery) -> (Server, Server) {
    let [forged, genuine] = ["mallory.example", THERE].map(|name| {
        let identity = scenery.world.xmpp_authority.issue_for(name);
        scenery.world.server(&format!("xmpp.{name}")).domain(THERE, &identity)
    });
    let forged = forged.start().await.unwrap();
    // The last one to start is the one that the DNS leads to.
    (genuine.start().await.unwrap(), forged)
}

#[tokio::test]
async fn ping_takes_a_caller_who_is_not_proved_for_no_more_than_evidence() {
    let scenery = Scenery::build().await;
    // It takes the ping, and does not answer.
    let (genuine, forged) = genuine_and_forged(&scenery).await;
    let call = async {
        genuine.stanzas().wait(|_| true, DEADLINE).await.unwrap();
        let _ = forged.endpoint().send(message("x@there.example", "y@here.example", "z")).await;
    };
    let start = Instant::now();
    let (ping, ()) = tokio::join!(ping(&scenery, &["--timeout", "6"]), call);
    assert!(start.elapsed() >= Duration::from_secs(6), "{:?}", start.elapsed());
    assert_eq!(ping.code, Some(4), "{}{}", ping.stdout, ping.stderr);
    let line = ping.last_line();
    let start = "CANNOT TELL  there.example did not answer within 6 s; somebody called as \
                 there.example, unproved: ";
    assert!(line.starts_with(start), "{line}");
    let inbound = ping.stdout.split("its stream to us").nth(1).unwrap();
    assert!(inbound.contains("cert-name-mismatch"), "{inbound}");
}

#[tokio::test]
async fn ping_is_answered_after_somebody_else_was_refused() {
    let scenery = Scenery::build().await;
    let (genuine, forged) = genuine_and_forged(&scenery).await;
    let call = async {
        let ping = genuine.stanzas().wait(|_| true, DEADLINE).await.unwrap();
        let sent = forged.endpoint().send(message("x@there.example", "y@here.example", "z"));
        sent.await.unwrap_err();
        let id = ping.id().unwrap();
        let answer = format!(
            "<iq xmlns='jabber:server' type='result' id='{id}' from='{THERE}' to='{HERE}'/>"
        );
        genuine.endpoint().send(Stanza::parse(answer).unwrap()).await.unwrap();
    };
    let (ping, ()) = tokio::join!(ping(&scenery, &[]), call);
    assert_eq!(ping.code, Some(0), "{}{}", ping.stdout, ping.stderr);
}

#[tokio::test]
async fn ping_shows_how_its_stream_came_about_when_the_peer_closes_it() {
    let scenery = Scenery::build().await;
    let (genuine, _) = genuine_and_forged(&scenery).await;
    let here = free_address();
    scenery.locate(HERE, here);
    let mut ping = program();
    ping.args(["ping", THERE, "--config", &scenery.config(HERE, here), "--timeout", "4", "--json"]);
    ping.args(["--log", "federating_server=debug"]);
    let mut ping = ping.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(ping.stderr.take().unwrap()).lines();
    let line = timeout(DEADLINE, log.next_line()).await.unwrap().unwrap().unwrap();
    assert!(line.contains("the ping is delivered"), "{line}");
    genuine.endpoint().close(DEADLINE).await;
    let ping = timeout(DEADLINE, ping.wait_with_output()).await.expect("it ends").unwrap();
    assert_eq!(ping.status.code(), Some(4), "{ping:?}");
    let json: Value = serde_json::from_slice(&ping.stdout).unwrap();
    assert_eq!(json["outbound"]["conclusion"], "stream-established", "{json}");
    assert!(json["error"].as_str().unwrap().contains("did not answer within 4 s"), "{json}");
}

#[tokio::test]
async fn ping_on_an_address_in_use_exits_with_2_and_tells_the_fix() {
    let scenery = Scenery::build().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = scenery.config(HERE, taken.local_addr().unwrap());
    let ping = run(&["ping", THERE, "--config", &config]).await;
    assert_eq!(ping.code, Some(2), "{}{}", ping.stdout, ping.stderr);
    assert!(ping.stderr.contains("a server is running there: stop it, or put"), "{}", ping.stderr);
}

#[tokio::test]
async fn ping_from_a_domain_that_is_not_ours_exits_with_2() {
    let scenery = Scenery::build().await;
    let ping = ping(&scenery, &["--from", "elsewhere.example"]).await;
    assert_eq!(ping.code, Some(2), "{}{}", ping.stdout, ping.stderr);
    assert!(ping.stderr.contains("--from names elsewhere.example, expected"), "{}", ping.stderr);
}

#[tokio::test]
async fn ping_of_a_domain_of_ours_exits_with_2() {
    let scenery = Scenery::build().await;
    let config = scenery.config(HERE, free_address());
    let ping = run(&["ping", HERE, "--config", &config]).await;
    assert_eq!(ping.code, Some(2), "{}{}", ping.stdout, ping.stderr);
    assert!(ping.stderr.contains("expected one of another server"), "{}", ping.stderr);
}

#[tokio::test]
async fn a_bad_file_exits_with_2_and_names_file_and_line() {
    let scenery = Scenery::build().await;
    let config = scenery.write("bad.toml", "listen = [\"127.0.0.1:0\"]\nports = []\n");
    let config = config.to_str().unwrap();
    for arguments in
        [["serve", "--config", config].as_slice(), &["ping", THERE, "--config", config]]
    {
        let ended = run(arguments).await;
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let start = format!("error: {config}:2: unknown key `ports`, expected one of ");
        assert!(ended.stderr.starts_with(&start), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn wrong_usage_exits_with_2() {
    for arguments in [
        [].as_slice(),
        &["serve"],
        &["ping", THERE],
        &["ping", "not..a.domain", "--config", "x"],
        &["ping", THERE, "--config", "x", "--timeout", "0"],
        &["demo", "--log", "no=such=filter"],
    ] {
        let ended = run(arguments).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
}

/// A server for [`HERE`] that has sent "hello" to the echo of [`THERE`], and what came back.
async fn echo(scenery: &Scenery) -> (Server, Stanza) {
    let identity = scenery.world.xmpp_authority.issue_for(HERE);
    let here =
        scenery.world.server("xmpp.here.example").domain(HERE, &identity).start().await.unwrap();
    let sent = message("juliet@here.example", "echo@there.example", "hello");
    here.endpoint().send(sent.clone()).await.unwrap();
    let echo = here.stanzas().wait(|stanza| stanza.id() == sent.id(), DEADLINE).await.unwrap();
    (here, echo)
}

#[tokio::test]
async fn serve_echoes_messages() {
    let scenery = Scenery::build().await;
    let _there = scenery.serve(THERE).await;
    let (_here, echo) = echo(&scenery).await;
    assert_eq!(echo.sender(), "echo@there.example");
    assert!(echo.to_xml(Namespace::Server).contains("<body>hello</body>"), "{echo:?}");
}

#[tokio::test]
async fn serve_ends_with_0_when_it_is_terminated() {
    let scenery = Scenery::build().await;
    assert_eq!(scenery.serve(THERE).await.terminate().await, Some(0));
}

#[tokio::test]
async fn serve_does_not_wait_for_connections_that_prove_nothing() {
    let scenery = Scenery::build().await;
    let there = scenery.serve(THERE).await;
    let _silent = TcpStream::connect(there.address).await.unwrap();
    let mut greeting = TcpStream::connect(there.address).await.unwrap();
    greeting.write_all(HEADER.as_bytes()).await.unwrap();
    greeting.read_exact(&mut [0; 5]).await.unwrap();
    let start = Instant::now();
    assert_eq!(there.terminate().await, Some(0));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn serve_says_goodbye_to_whom_it_has_not_let_in_yet() {
    let scenery = Scenery::build().await;
    let there = scenery.serve(THERE).await;
    let identity = scenery.world.xmpp_authority.issue_for(HERE);
    let mut peer = ScriptedPeer::connect(there.address).await.unwrap();
    peer.secure_as_client(&ClientTls::new(THERE).identity(&identity)).await.unwrap();
    peer.open(HERE, THERE).await.unwrap();
    peer.expect("EXTERNAL").await.unwrap();
    let (code, heard) = tokio::join!(there.terminate(), peer.expect_end());
    assert!(heard.unwrap().contains("<system-shutdown "));
    assert_eq!(code, Some(0));
}

#[tokio::test]
async fn serve_closes_its_streams_when_it_is_terminated() {
    let scenery = Scenery::build().await;
    let there = scenery.serve(THERE).await;
    let (here, _) = echo(&scenery).await;
    assert_eq!(there.terminate().await, Some(0));
    let ending = here.endings().wait(|_| true, DEADLINE).await.unwrap();
    assert!(ending.is_ok(), "{ending:?}");
}

#[tokio::test]
async fn serve_waits_for_descriptors_without_a_busy_loop() {
    const WAIT: &str = "cannot take connections for a moment";
    let scenery = Scenery::build().await;
    let config = scenery.config(THERE, ([127, 0, 0, 1], 0).into());
    let mut there = Serving::start(program_with_descriptors(24), &config).await;
    let mut crowd = Vec::new();
    for _ in 0..24 {
        crowd.push(TcpStream::connect(there.address).await.unwrap());
    }
    let first = there.logged(WAIT).await;
    there.logged(WAIT).await;
    let third = there.logged(WAIT).await;
    assert!(seconds_between(&first, &third) > 0.3, "{first} {third}");

    drop(crowd);
    let mut late = TcpStream::connect(there.address).await.unwrap();
    late.write_all(HEADER.as_bytes()).await.unwrap();
    let mut answer = [0; 5];
    timeout(DEADLINE, late.read_exact(&mut answer)).await.expect("an answer in time").unwrap();
    assert_eq!(&answer, b"<?xml");
}

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' \
    xmlns:stream='http://etherx.jabber.org/streams' version='1.0' \
    from='here.example' to='there.example'>";
