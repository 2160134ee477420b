use tokio::io::{AsyncReadExt as _, DuplexStream, Lines, duplex};
use tokio::time::timeout;
use xmpp_s2s::Security;
use xmpp_s2s_testkit::{Server, World, message};

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_is_typed_arrives_at_the_other_server() {
    let mut here = Here::start().await;
    here.types("<message from='juliet@here.example' to='romeo@there.example'/>").await;
    let arrived = here.there.stanzas().wait(|_| true, DEADLINE).await.unwrap();
    assert_eq!(arrived.sender(), "juliet@here.example");
}

#[tokio::test]
async fn what_the_other_server_sends_is_printed() {
    let mut here = Here::start().await;
    let hello = message("romeo@there.example", "juliet@here.example", "hello");
    here.there.endpoint().send(hello).await.unwrap();
    assert!(here.reads().await.contains("<body>hello</body>"));
}

#[tokio::test]
async fn what_cannot_be_delivered_comes_back_with_the_reason() {
    let mut here = Here::start().await;
    here.types("<message from='juliet@here.example' to='romeo@nowhere.example'/>").await;
    let error = here.reads().await;
    assert!(error.contains("type='error'"), "{error}");
    assert!(error.contains("nowhere.example: the domain does not exist"), "{error}");
}

#[tokio::test]
async fn it_ends_when_nothing_more_is_typed() {
    let mut here = Here::start().await;
    here.typed.shutdown().await.unwrap();
    let mut rest = String::new();
    let end = here.printed.get_mut().read_to_string(&mut rest);
    timeout(DEADLINE, end).await.unwrap().unwrap();
}

/// The program under test, and a server in the same world.
struct Here {
    there: Server,
    typed: DuplexStream,
    printed: Lines<BufReader<DuplexStream>>,
    _world: World,
}

impl Here {
    async fn start() -> Self {
        let world = World::start().await.unwrap();
        let identity = world.xmpp_authority.issue_for("there.example");
        let there = world.server("s2s.there.example").domain("there.example", &identity);
        let there = there.start().await.unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        world.locate("here.example", Security::StartTls, &[address]);
        let ours: Domain = "here.example".parse().unwrap();
        let identity = world.xmpp_authority.issue_for("here.example").certified_key();
        let config = world.config(HashMap::from([(ours.clone(), identity)]));
        let endpoint = Endpoint::new(config).unwrap();
        let (typed, input) = duplex(1024);
        let (output, printed) = duplex(1024);
        tokio::spawn(async move {
            federate(&endpoint, listener, ours, BufReader::new(input), output).await
        });
        Self { there, typed, printed: BufReader::new(printed).lines(), _world: world }
    }

    async fn types(&mut self, line: &str) {
        self.typed.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn reads(&mut self) -> String {
        let line = timeout(DEADLINE, self.printed.next_line()).await;
        line.expect("it is printed in time").unwrap().expect("a line")
    }
}
