use std::time::Duration;

use posh::Profile;
use xmpp_s2s::{Code, Namespace, Security};
use xmpp_s2s_testkit::{Identity, Server, World, message};

use super::*;

const RULES: &str = "
bank.example  posh   nothing but a POSH match proves it
spam.example  block
";

const DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn a_rule_that_is_none_is_told() {
    let error = Rules::parse("bank.example  perhaps").unwrap_err().to_string();
    assert_eq!(error, "\"bank.example  perhaps\": expected posh, pkix or block");
    assert!(Rules::parse("not a domain  block").is_err());
}

#[test]
fn a_block_counts_for_all_below_and_nothing_beside() {
    let rules = Rules::parse(RULES).unwrap();
    let blocked = |name: &str| rules.block(&name.parse().unwrap());
    assert!(["spam.example", "SPAM.example.", "a.b.spam.example"].into_iter().all(blocked));
    assert!(!["notspam.example", "example", "bank.example"].into_iter().any(blocked));
}

#[tokio::test]
async fn a_blocked_domain_is_refused_before_it_proves_anything() {
    let town = Town::build().await;
    let spam = town.server("spam.example", &town.certificate("spam.example")).await;
    let undelivered = town.call(&spam, "spam.example").await.unwrap_err();
    assert_eq!(undelivered.trail.conclusion(), Some(Code::StreamRefused));
}

#[tokio::test]
async fn nothing_is_sent_to_a_blocked_domain() {
    let town = Town::build().await;
    let spam = town.server("spam.example", &town.certificate("spam.example")).await;
    let hello = message("juliet@here.example", "romeo@spam.example", "hello");
    let error = town.gateway.clone().send(hello).await.unwrap();
    assert!(error.to_xml(Namespace::Client).contains("<policy-violation "));
    assert!(spam.refusals().is_empty() && spam.peers().is_empty());
}

#[tokio::test]
async fn a_certificate_of_its_own_is_enough_for_whoever_has_no_rule() {
    let town = Town::build().await;
    let friend = town.server("friend.example", &town.certificate("friend.example")).await;
    town.call(&friend, "friend.example").await.unwrap();
    let answer = friend.stanzas().wait(|_| true, DEADLINE).await.unwrap();
    assert_eq!(answer.stanza_type(), Some("error"));
}

#[tokio::test]
async fn a_certificate_of_its_own_is_not_enough_where_posh_is_asked_for() {
    let town = Town::build().await;
    let identity = town.certificate("bank.example");
    let bank = town.server("bank.example", &identity).await;
    town.world.open_web_host("bank.example");
    assert!(town.call(&bank, "bank.example").await.is_err());
}

#[tokio::test]
async fn a_document_is_enough_where_posh_is_asked_for() {
    let town = Town::build().await;
    let identity = town.certificate("bank.example");
    town.world.publish("bank.example", Profile::Rfc7711, &[&identity]);
    let bank = town.server("bank.example", &identity).await;
    town.call(&bank, "bank.example").await.unwrap();
}

/// The gateway of here.example, and a world around it.
struct Town {
    world: World,
    gateway: Gateway,
}

impl Town {
    async fn build() -> Self {
        let world = World::start().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        world.locate("here.example", Security::StartTls, &[address]);
        let identity = world.xmpp_authority.issue_for("here.example").certified_key();
        let config = world.config(HashMap::from([("here.example".parse().unwrap(), identity)]));
        let gateway = Gateway::new(config, Rules::parse(RULES).unwrap()).unwrap();
        let serving = gateway.clone();
        tokio::spawn(async move { serving.serve(listener).await });
        Self { world, gateway }
    }

    fn certificate(&self, domain: &str) -> Identity {
        self.world.xmpp_authority.issue_for(domain)
    }

    async fn server(&self, domain: &str, identity: &Identity) -> Server {
        let server = self.world.server(&format!("s2s.{domain}")).domain(domain, identity);
        server.start().await.unwrap()
    }

    /// A message from `domain` to us.
    async fn call(&self, server: &Server, domain: &str) -> Result<(), Undelivered> {
        let hello = message(&format!("romeo@{domain}"), "juliet@here.example", "hello");
        server.endpoint().send(hello).await
    }
}
