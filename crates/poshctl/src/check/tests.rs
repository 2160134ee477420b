use std::time::Duration;

use xmpp_s2s::Step;

use super::*;

fn trail(steps: &[(Phase, Code)], conclusion: Code) -> Trail {
    let [local, remote] = ["poshctl.invalid", "b.example"].map(|name| name.parse().unwrap());
    let mut trail = Trail::new(Pair { local, remote });
    let steps = steps.iter().map(|&(phase, code)| Step::new(phase, code, "", Duration::ZERO));
    steps.for_each(|step| trail.record(step));
    trail.conclude(conclusion);
    trail
}

fn codes(trail: &Trail) -> Vec<Code> {
    trail.steps().iter().map(|step| step.code).collect()
}

const PROVED: [(Phase, Code); 3] = [
    (Phase::Tcp, Code::TcpConnected),
    (Phase::PoshMatch, Code::PoshMatch),
    (Phase::Sasl, Code::SaslExternalNotOffered),
];

#[test]
fn what_a_peer_thinks_of_nobody_is_left_out() {
    let judged = without_external(&trail(&PROVED, Code::SaslExternalNotOffered));
    assert_eq!(codes(&judged), [Code::TcpConnected, Code::PoshMatch]);
    assert_eq!(judged.conclusion(), Some(Code::PoshMatch));
}

#[test]
fn what_happens_before_a_proof_stays() {
    let steps = [(Phase::Tcp, Code::TcpConnected), (Phase::Stream, Code::StreamTimeout)];
    let judged = without_external(&trail(&steps, Code::StreamTimeout));
    assert_eq!(codes(&judged), [Code::TcpConnected, Code::StreamTimeout]);
    assert_eq!(judged.conclusion(), Some(Code::StreamTimeout));
}

#[test]
fn a_second_server_is_judged_by_itself() {
    let other =
        [(Phase::Tcp, Code::TcpConnected), (Phase::PoshMatch, Code::PoshFingerprintMismatch)];
    let steps: Vec<_> = PROVED.into_iter().chain(other).collect();
    let judged = without_external(&trail(&steps, Code::PoshFingerprintMismatch));
    let proved = [Code::TcpConnected, Code::PoshMatch];
    let refused = [Code::TcpConnected, Code::PoshFingerprintMismatch];
    assert_eq!(codes(&judged), [proved, refused].concat());
    assert_eq!(judged.conclusion(), Some(Code::PoshMatch));
}
