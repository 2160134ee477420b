use super::*;
use crate::print::{Charset, Ink};
use xmpp_s2s::Step;

const PAGE: Page = Page { ink: Ink::Black, charset: Charset::Unicode };

fn pair() -> Pair {
    Pair { local: "here.example".parse().unwrap(), remote: "there.example".parse().unwrap() }
}

fn trail(phase: Phase, code: Code) -> Trail {
    let mut trail = Trail::new(pair());
    trail.record(Step::new(phase, code, "particulars", Duration::from_millis(3)));
    trail.conclude(code);
    trail
}

fn report(end: End) -> Report {
    let round_trip = Duration::from_millis(14);
    Report { pair: pair(), end, round_trip, outbound: None, inbound: None }
}

fn undelivered(trail: Trail) -> End {
    End::Undelivered(Box::new(Returned { trail: trail.into(), bounce: None }))
}

fn last_line(report: &Report) -> String {
    report.text(PAGE).lines().last().unwrap().to_owned()
}

#[test]
fn an_answer_is_accepted_and_names_the_proof() {
    let mut report = report(End::Answered(Answer::Result));
    report.outbound = Some(trail(Phase::PoshMatch, Code::PoshMatch));
    assert_eq!(report.outcome().exit_code(), 0);
    assert_eq!(
        last_line(&report),
        "ACCEPTED  there.example proved itself by POSH and answered in 14 ms"
    );
}

#[test]
fn an_error_for_an_answer_is_accepted_too() {
    assert_eq!(report(End::Answered(Answer::Error)).outcome(), Outcome::Accepted);
}

#[test]
fn a_refusing_code_is_exit_code_1() {
    let trail = trail(Phase::PoshMatch, Code::PoshFingerprintMismatch);
    let report = report(undelivered(trail));
    assert_eq!(report.outcome().exit_code(), 1);
    assert_eq!(
        last_line(&report),
        "REFUSED  there.example: its server's certificate is none of those that it publishes \
         by POSH (posh-fingerprint-mismatch)"
    );
}

#[test]
fn an_unknown_code_is_exit_code_4() {
    let report = report(undelivered(trail(Phase::Dns, Code::DnsTimeout)));
    assert_eq!(report.outcome().exit_code(), 4);
    assert_eq!(
        last_line(&report),
        "CANNOT TELL  there.example: the DNS did not answer in time (dns-timeout)"
    );
}

#[test]
fn a_trail_without_conclusion_is_exit_code_4() {
    let report = report(undelivered(Trail::new(pair())));
    assert_eq!(report.outcome().exit_code(), 4);
}

#[test]
fn silence_is_exit_code_4_and_says_what_an_answer_needs() {
    let report = report(End::Silence(Duration::from_secs(30)));
    assert_eq!(report.outcome().exit_code(), 4);
    assert_eq!(
        last_line(&report),
        "CANNOT TELL  there.example did not answer within 30 s; to answer it calls \
         here.example, which the DNS must lead to here"
    );
}

#[test]
fn silence_on_the_way_out_is_told_as_that() {
    let mut report = report(End::NoStream(Duration::from_secs(2)));
    report.outbound = Some(Trail::new(pair()));
    assert_eq!(last_line(&report), "CANNOT TELL  there was no stream to there.example within 2 s");
}

#[test]
fn a_call_that_is_not_proved_is_only_evidence() {
    let mut report = report(End::Silence(Duration::from_secs(30)));
    report.inbound = Some(trail(Phase::Pkix, Code::CertExpired));
    assert_eq!(report.outcome().exit_code(), 4);
    let line = last_line(&report);
    let start = "CANNOT TELL  there.example did not answer within 30 s; somebody called as \
                 there.example, unproved: ";
    assert!(line.starts_with(start) && line.ends_with(" (cert-expired)"), "{line}");
}

#[test]
fn json_has_both_trails_and_the_time() {
    let mut report = report(End::Answered(Answer::Result));
    report.outbound = Some(trail(Phase::Pkix, Code::PkixMatch));
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!(json["domain"], "there.example");
    assert_eq!(json["outcome"], "accepted");
    assert_eq!(json["round_trip_ms"], 14.0);
    assert_eq!(json["outbound"]["steps"][0]["code"], "pkix-match");
    assert!(json["inbound"].is_null() && json["error"].is_null());
}

#[test]
fn json_of_a_failure_has_code_and_sentence_and_no_time() {
    let report = report(undelivered(trail(Phase::Dns, Code::SrvServiceRefused)));
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!(json["outcome"], "refused");
    assert_eq!(json["code"], "srv-service-refused");
    assert!(json["error"].as_str().unwrap().starts_with("there.example: "));
    assert!(json["round_trip_ms"].is_null());
}
