use std::collections::HashMap;
use std::net::SocketAddr;

use posh::Profile::{Draft02, Rfc7711};
use tokio::net::TcpListener;
use xmpp_s2s::Security;
use xmpp_s2s_testkit::{Certificate, Failure, Identity, Reply, Server, Service, World};

use super::*;

const DOMAIN: &str = "hosted.example";
const URL: &str = "https://hosted.example/.well-known/posh/xmpp-server.json";

/// A server for [`DOMAIN`] that shows the certificate of its hosting company.
struct Hosted {
    world: World,
    identity: Identity,
    server: Server,
}

impl Hosted {
    async fn start() -> Self {
        let world = World::start().await.unwrap();
        let identity = world.xmpp_authority.issue_for("s2s.hosting.example");
        Self::start_in(world, identity).await
    }

    async fn start_in(world: World, identity: Identity) -> Self {
        world.open_web_host(DOMAIN);
        let server = world.server("s2s.hosting.example").domain(DOMAIN, &identity);
        let server = server.start().await.unwrap();
        Self { world, identity, server }
    }

    async fn findings(&self) -> Vec<Finding> {
        self.findings_at(vec![self.server.address()]).await
    }

    async fn findings_at(&self, listening: Vec<SocketAddr>) -> Vec<Finding> {
        let domain: Domain = DOMAIN.parse().unwrap();
        let identities = HashMap::from([(domain.clone(), self.identity.certified_key())]);
        // A new one remembers nothing of what it saw before.
        let endpoint = Endpoint::new(self.world.config(identities)).unwrap();
        let standing = endpoint.standing(&domain).await.unwrap();
        let reach = Reach::new(listening, is_of_this_machine);
        findings(&standing, &self.identity.certified_key(), &reach).await
    }

    /// What is told first: of the proof.
    async fn proof(&self) -> Finding {
        self.findings().await.remove(0)
    }

    /// What is told last: of the DNS.
    async fn dns(&self) -> Finding {
        self.findings().await.pop().unwrap()
    }
}

#[tokio::test]
async fn nothing_is_wrong_with_a_domain_that_publishes_its_certificate() {
    let hosted = Hosted::start().await;
    hosted.world.publish(DOMAIN, Rfc7711, &[&hosted.identity]);
    let findings = hosted.findings().await;
    let told: Vec<_> = findings.iter().map(|finding| (finding.severity, finding.code)).collect();
    assert_eq!(told, [(Severity::Good, "posh-match"), (Severity::Good, "dns-found")]);
    assert!(findings[0].why.contains(URL), "{findings:?}");
}

#[tokio::test]
async fn what_is_proposed_to_publish_proves_the_domain() {
    let hosted = Hosted::start().await;
    let finding = hosted.proof().await;
    assert_eq!((finding.severity, finding.code), (Severity::Bad, "posh-not-published"));
    let told = "there is no document (cache=miss), and that of no other domain counts, not even";
    assert!(finding.why.contains(told), "{finding:?}");
    let document = finding.fix.strip_prefix(&format!("publish at {URL} this: ")).unwrap();
    hosted.world.reply(DOMAIN, Rfc7711, Reply::json(document));
    assert_eq!(hosted.proof().await.code, "posh-match");
}

#[tokio::test]
async fn what_is_proposed_to_add_proves_the_domain() {
    let hosted = Hosted::start().await;
    let other = hosted.world.xmpp_authority.issue_for("other.example");
    hosted.world.publish(DOMAIN, Rfc7711, &[&other]);
    let finding = hosted.proof().await;
    assert_eq!((finding.severity, finding.code), (Severity::Bad, "posh-fingerprint-mismatch"));
    let start = format!("add to `fingerprints` at {URL} this: ");
    let descriptor = finding.fix.strip_prefix(&start).unwrap();
    let document = format!("{{\"fingerprints\":[{descriptor}],\"expires\":60}}");
    hosted.world.reply(DOMAIN, Rfc7711, Reply::json(document));
    assert_eq!(hosted.proof().await.code, "posh-match");
}

#[tokio::test]
async fn each_fault_of_the_document_is_told_apart() {
    let hosted = Hosted::start().await;
    let other = hosted.world.xmpp_authority.issue_for("other.example");
    for (reply, code, fix) in [
        (Reply::status(500), "posh-http-status", "let the web host hosted.example answer, and "),
        (Reply::reset(), "posh-unreachable", "let the web host hosted.example answer, and "),
        (Reply::json("{"), "posh-invalid-json", "correct the document: publish at "),
        (Reply::json("{}"), "posh-invalid-document", "correct the document: publish at "),
    ] {
        hosted.world.reply(DOMAIN, Rfc7711, reply.clone());
        hosted.world.reply(DOMAIN, Draft02, reply);
        let finding = hosted.proof().await;
        assert_eq!((finding.severity, finding.code), (Severity::Bad, code));
        assert!(finding.fix.starts_with(fix), "{finding:?}");
    }
    hosted.world.reply(DOMAIN, Rfc7711, Reply::status(404));
    hosted.world.publish(DOMAIN, Draft02, &[&other]);
    let fix = hosted.proof().await.fix;
    assert!(fix.starts_with("add the key of the certificate to `keys` at https://"), "{fix}");
}

#[tokio::test]
async fn a_web_host_that_is_not_trusted_is_told_to_get_a_certificate() {
    let hosted = Hosted::start().await;
    hosted.world.publish(DOMAIN, Rfc7711, &[&hosted.identity]);
    for (identity, code) in [
        (hosted.world.web_authority.issue_for("www.example"), "posh-https-name-mismatch"),
        (Certificate::new([DOMAIN]).self_signed(), "posh-https-untrusted"),
    ] {
        hosted.world.open_web_host_as(DOMAIN, &identity);
        let finding = hosted.proof().await;
        assert_eq!(finding.code, code);
        assert!(finding.fix.starts_with("give the web host hosted.example a certificate for"));
    }
}

#[tokio::test]
async fn a_listed_certificate_that_has_expired_is_to_be_renewed() {
    let world = World::start().await.unwrap();
    let expired = Certificate::new(["s2s.hosting.example"]).days(-9..-2);
    let identity = world.xmpp_authority.issue(&expired);
    let hosted = Hosted::start_in(world, identity).await;
    hosted.world.publish(DOMAIN, Rfc7711, &[&hosted.identity]);
    let finding = hosted.proof().await;
    assert_eq!((finding.code, finding.fix.as_str()), ("cert-expired", "renew the certificate"));
}

#[tokio::test]
async fn a_document_that_does_not_list_an_ordinary_certificate_is_told() {
    let world = World::start().await.unwrap();
    let identity = world.xmpp_authority.issue_for(DOMAIN);
    let hosted = Hosted::start_in(world, identity).await;
    let codes = |findings: &[Finding]| findings.iter().map(|f| f.code).collect::<Vec<_>>();
    assert_eq!(codes(&hosted.findings().await), ["pkix-match", "dns-found"]);
    let other = hosted.world.xmpp_authority.issue_for("other.example");
    hosted.world.publish(DOMAIN, Rfc7711, &[&other]);
    let findings = hosted.findings().await;
    assert_eq!(codes(&findings), ["pkix-match", "posh-fingerprint-mismatch", "dns-found"]);
    assert_eq!(findings[1].severity, Severity::Bad);
}

#[tokio::test]
async fn a_web_host_with_a_page_for_every_path_publishes_nothing() {
    let world = World::start().await.unwrap();
    let identity = world.xmpp_authority.issue_for(DOMAIN);
    let hosted = Hosted::start_in(world, identity).await;
    for reply in [
        Reply::document("text/html", "<!doctype html><title>Welcome</title>"),
        Reply::document("application/json", "Welcome"),
        Reply::redirect(302, "http://hosted.example/login"),
        Reply::redirect(302, "/.well-known/posh/xmpp-server.json"),
    ] {
        for profile in [Draft02, Rfc7711] {
            hosted.world.reply(DOMAIN, profile, reply.clone());
        }
        let findings = hosted.findings().await;
        let told: Vec<_> = findings.iter().map(|f| (f.severity, f.code)).collect();
        assert_eq!(told, [(Severity::Good, "pkix-match"), (Severity::Good, "dns-found")]);
    }
    hosted.world.reply(DOMAIN, Rfc7711, Reply::json("{}"));
    assert_eq!(hosted.findings().await[1].severity, Severity::Bad);
}

#[tokio::test]
async fn a_web_host_that_is_private_from_here_may_be_public_elsewhere() {
    let hosted = Hosted::start().await;
    hosted.world.dns.set_addresses(DOMAIN, [[10, 0, 0, 1].into()]);
    let finding = hosted.proof().await;
    assert_eq!((finding.severity, finding.code), (Severity::Unclear, "posh-forbidden"));
    let fix = "see that others find a public address of the web host hosted.example, or ";
    assert!(finding.fix.starts_with(fix), "{finding:?}");
}

#[tokio::test]
async fn an_xmpp_address_alone_is_told_as_proof_and_as_name() {
    let world = World::start().await.unwrap();
    let certificate = Certificate::new([""; 0]).xmpp_address(DOMAIN);
    let identity = world.xmpp_authority.issue(&certificate);
    let finding = Hosted::start_in(world, identity).await.proof().await;
    assert_eq!((finding.severity, finding.code), (Severity::Good, "pkix-match"));
    assert!(finding.why.contains("names hosted.example, "), "{finding:?}");
}

#[tokio::test]
async fn each_fault_of_the_dns_is_told_apart() {
    let hosted = Hosted::start().await;
    let dns = &hosted.world.dns;
    let severity_and_code = async || {
        let finding = hosted.dns().await;
        assert!(!finding.fix.is_empty(), "{finding:?}");
        (finding.severity, finding.code)
    };
    dns.set_services(DOMAIN, Security::StartTls, [Service::not_offered()]);
    assert_eq!(severity_and_code().await, (Severity::Bad, "srv-service-refused"));
    dns.set_services(DOMAIN, Security::StartTls, [Service::at("nowhere.example", 5269)]);
    assert_eq!(severity_and_code().await, (Severity::Bad, "dns-no-address"));
    dns.set_addresses("private.example", [[10, 0, 0, 1].into()]);
    dns.set_services(DOMAIN, Security::StartTls, [Service::at("private.example", 5269)]);
    assert_eq!(severity_and_code().await, (Severity::Unclear, "address-forbidden"));
    dns.set_services_failure(DOMAIN, Security::StartTls, Failure::ServFail);
    assert_eq!(severity_and_code().await, (Severity::Unclear, "dns-failed"));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told() {
    let hosted = Hosted::start().await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    hosted.world.locate(DOMAIN, Security::StartTls, &[free]);
    let finding = hosted.dns().await;
    assert_eq!((finding.severity, finding.code), (Severity::Bad, "dns-found"));
    assert!(finding.fix.starts_with(&format!("add \"{free}\" to `listen`")), "{finding:?}");
}

#[tokio::test]
async fn a_port_where_another_program_listens_may_lead_here() {
    let hosted = Hosted::start().await;
    let finding = hosted.findings_at(vec![([127, 0, 0, 1], 1).into()]).await.pop().unwrap();
    assert_eq!((finding.severity, finding.code), (Severity::Unclear, "dns-found"));
    let see = format!("see that what listens on {} passes", hosted.server.address());
    assert!(finding.fix.starts_with(&see), "{finding:?}");
}

#[tokio::test]
async fn all_domains_are_summed_up_and_sub_domains_are_thought_of() {
    let hosted = Hosted::start().await;
    let proved = async || {
        let findings = hosted.findings().await;
        Some(Ok(Some((DOMAIN.parse().unwrap(), Some(Prooftype::Posh), findings))))
    };
    let mut outcomes = Outcomes::default();
    assert_eq!(outcomes.hint(), None);
    // One with a fault, one without, and one of which nothing is known.
    outcomes.add(proved().await);
    hosted.world.publish(DOMAIN, Rfc7711, &[&hosted.identity]);
    outcomes.add(proved().await);
    outcomes.add(Some(Ok(None)));
    assert_eq!((outcomes.domains, outcomes.bad, outcomes.unclear), (3, 1, 1));
    let hint = outcomes.hint().unwrap();
    assert!(hint.ends_with("a POSH document of its own on https://conference.hosted.example"));
}
