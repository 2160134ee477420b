//! What is refused of hosts that may be asked.

use std::pin::pin;
use std::time::{Duration, Instant};

use posh::{FetchError, HashFunction, LookupError, Profile, Published, publish};
use tokio::time::timeout;
use xmpp_s2s_testkit::{Certificate, Hold, Reply, TlsFault};

use crate::setup::{
    Clock, DEADLINE, SOURCE, client, client_at, client_within, fetch, find, find_again, limits,
    reply, unknown, world,
};

#[tokio::test]
async fn ph02_a_self_signed_web_host_is_not_trusted() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    world.open_web_host_as(SOURCE, &Certificate::new([SOURCE]).self_signed());
    let error = unknown(fetch(&client(&world), SOURCE).await);
    assert!(matches!(*error, FetchError::Untrusted { .. }), "{error:?}");
}

#[tokio::test]
async fn ph02_an_expired_web_host_is_not_trusted() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    let expired = world.web_authority.issue(&Certificate::new([SOURCE]).days(-10..-1));
    world.open_web_host_as(SOURCE, &expired);
    let error = unknown(fetch(&client(&world), SOURCE).await);
    assert!(matches!(*error, FetchError::Untrusted { .. }), "{error:?}");
}

#[tokio::test]
async fn a_web_host_that_expires_between_two_lookups_is_not_trusted_again() {
    let (world, _) = world().await;
    let soon = world.web_authority.issue(&Certificate::new([SOURCE]).days(-1..1));
    world.open_web_host_as(SOURCE, &soon);
    let clock = Clock::starting(Duration::from_secs(23 * 60 * 60));
    let client = client_at(&world, clock.clone());
    let first = find(&client, SOURCE).await;
    assert!(matches!(first.published, Published::Absent));
    clock.advance(Duration::from_secs(2 * 60 * 60));
    let error = unknown(find_again(&client, &first, SOURCE).await.published);
    assert!(matches!(*error, FetchError::Untrusted { .. }), "{error:?}");
}

#[tokio::test]
async fn ph02_a_web_host_of_another_name_is_not_taken() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    world.open_web_host_as(SOURCE, &world.web_authority.issue_for("other.example"));
    let error = unknown(fetch(&client(&world), SOURCE).await);
    assert!(matches!(*error, FetchError::WrongName { .. }), "{error:?}");
}

#[tokio::test]
async fn a2_a_web_host_of_the_xmpp_authority_is_not_trusted() {
    let (world, identity) = world().await;
    world.publish(SOURCE, Profile::Rfc7711, &[&identity]);
    world.open_web_host_as(SOURCE, &world.xmpp_authority.issue_for(SOURCE));
    let error = unknown(fetch(&client(&world), SOURCE).await);
    assert!(matches!(*error, FetchError::Untrusted { .. }), "{error:?}");
}

#[tokio::test]
async fn ph02_a_web_host_of_tls_1_1_is_not_spoken_to() {
    let (world, _) = world().await;
    world.web.host_fault(SOURCE, TlsFault::OnlyTls11);
    let error = unknown(fetch(&client(&world), SOURCE).await);
    assert!(matches!(*error, FetchError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn ph02_the_host_behind_a_redirect_or_reference_has_to_prove_itself_too() {
    for way in ["redirect", "reference"] {
        let (world, identity) = world().await;
        let host = "www.im.example";
        world.open_web_host_as(host, &Certificate::new([host]).self_signed());
        world.publish_at(host, "/x.json", Profile::Rfc7711, &[&identity]);
        let url = "https://www.im.example/x.json";
        match way {
            "redirect" => world.reply(SOURCE, Profile::Rfc7711, Reply::redirect(302, url)),
            _ => world.refer(SOURCE, Profile::Rfc7711, &url.parse().unwrap()),
        }
        let error = unknown(fetch(&client(&world), SOURCE).await);
        let FetchError::Untrusted { url, .. } = &*error else { panic!("{error:?}") };
        assert_eq!(url.host_str(), Some(host));
    }
}

#[tokio::test]
async fn t23_a_page_is_refused_however_its_type_is_said() {
    let (world, _) = world().await;
    for types in [
        "Content-Type: application/json\r\nContent-Type: text/html",
        "Content-Type: text/html; x=\u{e9}",
    ] {
        let raw = format!("HTTP/1.1 200 OK\r\n{types}\r\nContent-Length: 2\r\n\r\n{{}}");
        let error = unknown(reply(&world, Reply::raw(raw)).await);
        let is_refused = matches!(*error, FetchError::Invalid(LookupError::ContentType(_)));
        assert!(is_refused, "{types}: {error:?}");
    }
}

#[tokio::test]
async fn ph04_a_location_that_stands_twice_or_is_no_ascii_is_refused() {
    let (world, _) = world().await;
    for (locations, expected) in [
        ("Location: /a\r\nLocation: /b", "must stand there once"),
        ("Location: /\u{e9}", "must be ASCII"),
    ] {
        let raw = format!("HTTP/1.1 302 Found\r\n{locations}\r\nContent-Length: 0\r\n\r\n");
        let error = unknown(reply(&world, Reply::raw(raw)).await);
        let FetchError::Invalid(LookupError::Redirect { rule, .. }) = &*error else {
            panic!("{error:?}")
        };
        assert_eq!(*rule, expected);
    }
}

#[tokio::test]
async fn ph08_a_body_that_is_too_long_is_cut_off() {
    let (world, _) = world().await;
    for long in [Reply::oversized(64 * 1024 + 1), Reply::oversized(10 << 30), Reply::endless()] {
        let error = unknown(reply(&world, long).await);
        assert!(matches!(*error, FetchError::Invalid(LookupError::TooLarge(_))), "{error:?}");
    }
}

/// One that goes on reading comes to the end of the connection, which is another failure.
#[tokio::test]
async fn ph08_a_body_in_chunks_is_not_read_beyond_64_kib() {
    let (world, _) = world().await;
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n";
    let cut = format!("{head}{}", " ".repeat(0x10001));
    let error = unknown(reply(&world, Reply::raw(cut)).await);
    assert!(matches!(*error, FetchError::Invalid(LookupError::TooLarge(_))), "{error:?}");
}

#[tokio::test]
async fn ph08_a_redirect_to_a_body_that_is_too_long_ends_there() {
    let (world, _) = world().await;
    world.web.serve(SOURCE, "/huge", Reply::oversized(10 << 30));
    let error = unknown(reply(&world, Reply::redirect(302, "/huge")).await);
    assert!(matches!(*error, FetchError::Invalid(LookupError::TooLarge(_))), "{error:?}");
}

#[tokio::test]
async fn ph09_a_compressed_body_is_not_decoded() {
    let (world, _) = world().await;
    for encoding in ["gzip", "br", "deflate", "zstd", "identity, gzip"] {
        let compressed = Reply::json("{}").header("Content-Encoding", encoding);
        let error = unknown(reply(&world, compressed).await);
        let is_refused = matches!(*error, FetchError::Invalid(LookupError::ContentEncoding(_)));
        assert!(is_refused, "{error:?}");
    }
}

#[tokio::test]
async fn ph10_a_host_that_drips_or_hangs_is_cut_off_in_time() {
    let (world, _) = world().await;
    let mut limits = limits(&world);
    limits.timeout = Duration::from_millis(500);
    let pause = Duration::from_millis(50);
    for slow in [Reply::drip_head(pause), Reply::drip_body(pause), Reply::hang()] {
        world.reply(SOURCE, Profile::Rfc7711, slow.clone());
        let client = client_within(&world, limits);
        let start = Instant::now();
        let error = unknown(fetch(&client, SOURCE).await);
        assert!(matches!(*error, FetchError::Timeout { .. }), "{slow:?}: {error:?}");
        assert!(start.elapsed() < 10 * limits.timeout, "{slow:?}");
    }
}

#[tokio::test]
async fn ph10_a_host_may_take_most_of_the_time_for_its_first_byte() {
    let (world, _) = world().await;
    let hold = Hold::new();
    for profile in crate::setup::BOTH {
        world.reply(SOURCE, profile, Reply::status(404).held_by(&hold));
    }
    let mut limits = limits(&world);
    limits.timeout = Duration::from_secs(3);
    let client = client_within(&world, limits);
    let mut fetch = pin!(fetch(&client, SOURCE));
    let early = timeout(limits.timeout * 2 / 3, &mut fetch).await;
    assert!(early.is_err(), "{early:?}");
    hold.release();
    let published = fetch.await;
    assert!(matches!(published, Published::Absent), "{published:?}");
}

#[tokio::test]
async fn ph10_a_host_that_is_silent_in_tls_is_cut_off_in_time() {
    let (world, _) = world().await;
    world.web.host_fault(SOURCE, TlsFault::Silence);
    let mut limits = limits(&world);
    limits.timeout = Duration::from_millis(500);
    let error = unknown(fetch(&client_within(&world, limits), SOURCE).await);
    assert!(matches!(*error, FetchError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn ph12_failures_say_nothing_about_the_domain() {
    let (world, _) = world().await;
    let error = unknown(reply(&world, Reply::reset()).await);
    assert!(matches!(*error, FetchError::Unreachable { .. }), "{error:?}");
    for status in [403, 429, 500, 503] {
        let error = unknown(reply(&world, Reply::status(status)).await);
        let is_status = matches!(*error, FetchError::Status { status: came, .. } if came == status);
        assert!(is_status, "{error:?}");
    }
    let error = unknown(fetch(&client(&world), "nowhere.example").await);
    assert!(matches!(*error, FetchError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn ph13_a_head_of_more_than_16_kib_is_refused() {
    let (world, _) = world().await;
    let padded = |length| Reply::status(404).header("X", &"x".repeat(length));
    let published = reply(&world, padded(16_000)).await;
    assert!(matches!(published, Published::Absent), "{published:?}");
    let error = unknown(reply(&world, padded(16 * 1024)).await);
    assert!(matches!(*error, FetchError::Invalid(LookupError::HeadTooLarge(_))), "{error:?}");
}

#[tokio::test]
async fn ph13_a_head_that_does_not_end_is_refused() {
    let (world, _) = world().await;
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: x\r\n".repeat(10_000));
    for head in [long, many] {
        let error = unknown(reply(&world, Reply::raw(head)).await);
        assert!(matches!(*error, FetchError::Unreachable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn ph13_answers_of_other_kinds_are_no_documents() {
    let (world, identity) = world().await;
    let leaves = [identity.leaf().clone()];
    let hashes = [HashFunction::Sha256];
    let document = publish::document(&leaves, Profile::Rfc7711, &hashes, DEADLINE).unwrap();
    let (length, more) = (document.len(), document.len() + 1);
    let chunked = format!("{length:x}\r\n{document}\r\n0\r\n\r\n");
    for (head, body) in [
        ("HTTP/1.1 204 No Content".to_owned(), &document),
        (format!("HTTP/1.1 206 Partial Content\r\nContent-Length: {length}"), &document),
        ("HTTP/1.1 304 Not Modified".to_owned(), &document),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0".to_owned(), &document),
        (format!("HTTP/1.1 200 OK\r\nContent-Length: {more}"), &document),
        (format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Length: 1"), &document),
        (format!("HTTP/1.1 200 OK\r\nContent-Length: {length}, 1"), &document),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked".into(), &chunked),
        ("no head".to_owned(), &document),
    ] {
        let raw = Reply::raw(format!("{head}\r\n\r\n{body}"));
        world.reply(SOURCE, Profile::Rfc7711, raw);
        let published = fetch(&client(&world), SOURCE).await;
        assert!(matches!(published, Published::Unknown(_)), "{head}: {published:?}");
    }
}
