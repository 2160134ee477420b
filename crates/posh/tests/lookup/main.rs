//! The walk from a source domain to its document, without any I/O.
#![allow(clippy::unwrap_used)]

mod lifetimes;
mod walk;

use posh::{DocumentError, HashFunction, LookupError, Profile};
use url::Url;

use crate::walk::{Answer, HOUR, NOW, certificate, found, rfc, walk};

#[test]
fn pd27_a_certificate_of_any_name_proves_the_source_that_lists_it() {
    let materials = found(rfc(&[Answer::fingerprints(HOUR)]));
    assert_eq!(materials.source().as_ref(), "im.example");
    assert_eq!(materials.profile(), Profile::Rfc7711);
    let found = materials.find(&certificate(), NOW).unwrap();
    assert_eq!(found.profile, Profile::Rfc7711);
    assert_eq!((found.entry, found.hash), (0, Some(HashFunction::Sha256)));
}

#[test]
fn ph01_404_and_410_say_that_nothing_is_published() {
    for status in [404, 410] {
        assert_eq!(rfc(&[Answer::status(status)]).end, Ok(None), "{status}");
        let elsewhere = Answer::redirect("https://www.im.example/");
        assert_eq!(rfc(&[elsewhere, Answer::status(status)]).end, Ok(None), "{status}");
    }
}

#[test]
fn a5_404_behind_a_reference_does_not_say_absent() {
    let reference = Answer::reference("https://hosting.example/x.json", HOUR);
    let end = rfc(&[reference, Answer::status(404)]).end;
    assert!(matches!(end, Err(LookupError::Status { status: 404, .. })), "{end:?}");
}

#[test]
fn a5_other_failures_do_not_say_absent() {
    for status in [204, 206, 300, 304, 305, 400, 401, 403, 429, 500, 503] {
        let end = rfc(&[Answer::status(status)]).end;
        assert!(matches!(end, Err(LookupError::Status { .. })), "{status}: {end:?}");
    }
}

#[test]
fn ph03_ph04_every_kind_of_redirect_is_followed() {
    for status in [301, 302, 303, 307, 308] {
        let redirect = Answer { status, ..Answer::redirect("https://www.im.example/a?b#c") };
        let materials = found(rfc(&[redirect, Answer::fingerprints(HOUR)]));
        let walked: Vec<_> = materials.walked().iter().map(Url::as_str).collect();
        let first = "https://im.example/.well-known/posh/xmpp-server.json";
        assert_eq!(walked, [first, "https://www.im.example/a?b"]);
    }
}

#[test]
fn ph04_a_relative_location_is_resolved() {
    for (location, expected) in [
        ("/x.json", "https://im.example/x.json"),
        ("y.json", "https://im.example/.well-known/posh/y.json"),
        ("//www.im.example/z", "https://www.im.example/z"),
    ] {
        let asked = rfc(&[Answer::redirect(location), Answer::status(404)]).asked;
        assert_eq!(asked[1], expected);
    }
}

#[test]
fn ph04_a_location_that_is_missing_empty_or_not_https_is_refused() {
    let missing = Answer { location: None, ..Answer::redirect("") };
    let answers =
        ["", "/é", "http://im.example/", "ftp://im.example/", "https://", "https://u:p@a.example/"]
            .map(Answer::redirect);
    for answer in answers.iter().chain([&missing]) {
        let end = rfc(std::slice::from_ref(answer)).end;
        assert!(matches!(end, Err(LookupError::Redirect { .. })), "{:?}", answer.location);
    }
}

#[test]
fn ph06_a_redirect_to_an_address_or_another_port_is_refused() {
    for location in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "//169.254.169.254/",
        "https://localhost/",
        "https://im.example:8443/",
        "https://im.example:22/",
    ] {
        let end = rfc(&[Answer::redirect(location)]).end;
        assert!(matches!(end, Err(LookupError::Redirect { .. })), "{location}: {end:?}");
    }
}

#[test]
fn pd11_ph06_n5_a_reference_to_what_is_no_https_url_of_a_domain_is_refused() {
    for url in [
        "http://im.example/x",
        "ftp://im.example/x",
        "data:,x",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://me@im.example/x",
        "https://:secret@im.example/x",
        "https://im.example:22/x",
        "https://localhost/x",
    ] {
        for profile in [Profile::Rfc7711, Profile::Draft02] {
            let end = walk(profile, &[Answer::reference(url, HOUR)]).end;
            assert!(matches!(end, Err(LookupError::Reference { .. })), "{url}: {end:?}");
        }
    }
}

#[test]
fn the_location_in_an_error_is_short_and_escaped() {
    let location = format!("http://im.example/\u{202e}{}", "x".repeat(10_000));
    let text = rfc(&[Answer::redirect(&location)]).end.unwrap_err().to_string();
    assert!(text.len() < 400 && text.contains(r"\u{202e}"), "{text}");
}

#[test]
fn ph05_the_fifth_request_is_the_last() {
    let redirects = ["/1", "/2", "/3", "/4", "/5"].map(Answer::redirect);
    let mut answers = redirects[..4].to_vec();
    answers.push(Answer::fingerprints(HOUR));
    assert_eq!(found(rfc(&answers)).walked().len(), 5);

    let walk = rfc(&redirects);
    assert_eq!(walk.asked.len(), 5);
    assert!(matches!(walk.end, Err(LookupError::TooManyRequests(url)) if url.path() == "/5"));
}

#[test]
fn ph05_a_loop_ends() {
    let around = Answer::redirect("/.well-known/posh/xmpp-server.json");
    let walk = rfc(&vec![around; 5]);
    assert!(matches!(walk.end, Err(LookupError::TooManyRequests(_))));
}

#[test]
fn ph05_redirects_and_the_reference_are_counted_together() {
    let mut answers = ["/1", "/2"].map(Answer::redirect).to_vec();
    answers.push(Answer::reference("https://im.example/3", HOUR));
    answers.extend(["/4", "/5"].map(Answer::redirect));
    let walk = rfc(&answers);
    assert_eq!(walk.asked.len(), 5);
    assert!(matches!(walk.end, Err(LookupError::TooManyRequests(_))));
}

#[test]
fn a12_a_third_foreign_host_is_refused() {
    let to = |host: &str| Answer::redirect(&format!("https://{host}/"));
    let two = [to("a.example"), to("b.example"), to("im.example"), to("a.example")];
    let answers = [&two[..], &[Answer::fingerprints(HOUR)]].concat();
    assert!(rfc(&answers).end.is_ok());

    let walk = rfc(&[to("a.example"), to("b.example"), to("c.example")]);
    assert_eq!(walk.asked.len(), 3);
    assert!(matches!(walk.end, Err(LookupError::TooManyHosts(_))));
}

#[test]
fn pd09_n4_a_reference_behind_a_reference_is_refused_after_two_requests() {
    let reference =
        |path: &str| Answer::reference(&format!("https://hosting.example/{path}"), HOUR);
    for profile in [Profile::Rfc7711, Profile::Draft02] {
        for second in ["1", "2"] {
            let walk = walk(profile, &[reference("1"), reference(second)]);
            assert_eq!(walk.asked.len(), 2);
            assert!(matches!(walk.end, Err(LookupError::SecondReference(_))));
        }
    }
}

#[test]
fn t9_a_redirect_behind_a_reference_is_no_second_reference() {
    let reference = Answer::reference("https://hosting.example/1", HOUR);
    let materials = found(rfc(&[reference, Answer::redirect("/2"), Answer::fingerprints(HOUR)]));
    assert_eq!(materials.walked().last().unwrap().as_str(), "https://hosting.example/2");
}

#[test]
fn pd08_a_document_that_is_both_is_refused_without_a_second_request() {
    let both = r#"{"url":"https://hosting.example/","fingerprints":[],"expires":60}"#;
    let walk = rfc(&[Answer::document(both)]);
    assert!(matches!(
        walk.end,
        Err(LookupError::Document { error: DocumentError::Both("fingerprints"), .. })
    ));
}

#[test]
fn pd05_a_withdrawn_reference_is_not_followed() {
    let end = rfc(&[Answer::reference("https://hosting.example/", 0)]).end;
    assert!(matches!(end, Err(LookupError::Document { error: DocumentError::Withdrawn, .. })));
}

#[test]
fn t23_a_page_for_people_is_refused_whatever_it_holds() {
    for content_type in [
        "text/html",
        "Text/HTML; charset=utf-8",
        "application/xhtml+xml",
        "application/json, text/html",
    ] {
        let page = Answer { content_type: Some(content_type), ..Answer::fingerprints(HOUR) };
        assert!(matches!(rfc(&[page]).end, Err(LookupError::ContentType(_))), "{content_type}");
    }
}

#[test]
fn p11_other_content_types_are_taken() {
    for content_type in [None, Some("application/jwk-set+json"), Some("text/plain")] {
        let answer = Answer { content_type, ..Answer::fingerprints(HOUR) };
        assert!(rfc(&[answer]).end.is_ok(), "{content_type:?}");
    }
}

#[test]
fn ph08_a_body_of_64_kib_is_read_and_a_byte_more_is_not() {
    let mut answer = Answer::fingerprints(HOUR);
    answer.body += &" ".repeat(64 * 1024 - answer.body.len());
    assert!(rfc(&[answer.clone()]).end.is_ok());
    answer.body.push(' ');
    assert!(matches!(rfc(&[answer]).end, Err(LookupError::TooLarge(_))));
}
