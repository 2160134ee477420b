//! What strangers send that is no XMPP, or is meant for whoever reads the log.

use end_to_end::{
    A, B, DEADLINE, PROCEED, asked_for_starttls, ordinary, part, scripted_b, serve, undelivered,
};
use xmpp_s2s::{Code, Namespace, Security};
use xmpp_s2s_testkit::{ScriptedPeer, ServerTls, World};

#[tokio::test(flavor = "multi_thread")]
async fn tc07_other_protocols_are_told_so_and_end() {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    let other_protocols = [
        ("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n", "<not-well-formed "),
        ("SSH-2.0-OpenSSH_9.2p1\r\n", "<not-well-formed "),
        ("EHLO b.example\r\n", "<not-well-formed "),
        // What begins with zeros could be XML in UTF-32.
        ("\0\0\0Z\u{7f}SMB", "<unsupported-encoding "),
    ];
    for (number, (greeting, condition)) in (1..).zip(other_protocols) {
        let mut peer = ScriptedPeer::connect(b.address()).await.unwrap();
        peer.send(greeting).await.unwrap();
        let heard = peer.expect("</stream:stream>").await.unwrap();
        assert!(heard.contains(condition), "{greeting:?}: {heard}");
        b.refusals().wait_for_all(|all| all.len() == number, DEADLINE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tc07_a_megabyte_of_noise_is_refused_at_its_beginning() {
    let world = World::start().await.unwrap();
    let b = serve(&world, B, &ordinary(&world, B)).await;
    // The same noise in every run, and no TLS.
    let mut state = 0x2545_f491_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0] | 0x80
    });
    let noise: Vec<_> = noise.take(1024 * 1024).collect();
    let mut peer = ScriptedPeer::connect(b.address()).await.unwrap();
    // Whether all of it is taken does not matter.
    let _ = peer.send(noise).await;
    b.refusals().wait(|_| true, DEADLINE).await.unwrap();
    let heard = peer.expect_end().await.unwrap();
    assert!(heard.contains("</stream:stream>"), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn xs16_a14_what_a_peer_says_is_escaped_cut_and_not_passed_on() {
    let (world, a, listener) = scripted_b(Security::StartTls).await;
    let evil = format!("\r\n2026 accepted bank.example\u{85}\u{9b}31m\u{202e}{}", "x".repeat(8000));
    let (undelivered, ()) = tokio::join!(undelivered(&a), async {
        let mut peer = asked_for_starttls(&listener).await;
        peer.send(PROCEED).await.unwrap();
        peer.secure_as_server(&ServerTls::new(&ordinary(&world, B))).await.unwrap();
        peer.expect("<stream:stream").await.unwrap();
        peer.open(B, A).await.unwrap();
        let text = evil.replace('\r', "&#13;");
        let error = format!(
            "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
             <text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>{text}</text></stream:error>"
        );
        peer.send(error).await.unwrap();
        part(&mut peer).await;
    });
    assert_eq!(undelivered.trail.conclusion(), Some(Code::StreamRefused));
    let error = undelivered.error.to_string();
    assert!(error.contains("bank.example"), "{error}");
    let mut lines: Vec<_> = undelivered.trail.steps().iter().map(|step| &*step.detail).collect();
    lines.push(&error);
    for line in lines {
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(line.len() < 512, "{line:?}");
    }
    let bounce = undelivered.bounce().unwrap().to_xml(Namespace::Server).into_owned();
    assert!(!bounce.contains("bank.example"), "{bounce}");
}
