//! A person's client: Debian's `go-sendxmpp`, logged in on a foreign server.

use std::net::Ipv4Addr;

use crate::container::Followed;
use crate::domain::{Domain, Person};
use crate::machine::Machine;
use crate::run::{Failure, Run, has_all};

/// A client that stays logged in, and what it shows. When this is dropped it logs out.
#[derive(Debug)]
pub(crate) struct Client {
    name: &'static str,
    followed: Followed,
}

impl Run<'_> {
    /// Logs a client in that prints every message that comes, once it is known to be there.
    pub(crate) async fn listen(&self, home: &Domain) -> Result<Client, Failure> {
        let work = "timeout 180 $CLIENT -l & cat >/dev/null; kill $!";
        let client = self.client("listening", home, work, &[]).await?;
        let account = home.account();
        let session = self.session(home, &["Authenticated as ", &account]).await?;
        self.hear_line(home.machine, &[&session, "Received[c2s]: <presence"]).await?;
        Ok(client)
    }

    /// Says something to `to`, and logs out.
    pub(crate) async fn say(&self, home: &Domain, to: &str, text: &str) -> Result<(), Failure> {
        let script = script(self, home, "printf '%s\\n' \"$2\" | timeout 60 $CLIENT \"$1\"");
        let said = self.command(Machine::Client, &["sh", "-c", &script, "sh", to, text]).await?;
        self.keep("saying.log", &format!("{}{}", said.stdout, said.stderr));
        if said.status != Some(0) {
            return Err(Failure::NotSent(said));
        }
        let to = format!("to='{to}'");
        let session = self.session(home, &["Received[c2s]: <message", &to]).await?;
        self.hear_line(home.machine, &[&session, "Client disconnected"]).await.map(drop)
    }

    /// Says something to `to` with a client that stays, and shows the XML that comes back.
    pub(crate) async fn ask(&self, home: &Domain, to: &str, text: &str) -> Result<Client, Failure> {
        let work = "(printf '%s\\n' \"$2\"; cat) | timeout 180 $CLIENT -d -i \"$1\"";
        self.client("asking", home, work, &[to, text]).await
    }

    /// Waits until a client has shown a line with all of `words`, and gives all that it showed.
    pub(crate) async fn see(&self, client: &Client, words: &[&str]) -> Result<String, Failure> {
        let Client { name, followed } = client;
        let shown = |text: &str| text.lines().any(|line| has_all(line, words));
        let seen = followed.log.wait_for(0, Self::PATIENCE, shown).await;
        self.keep(&format!("{name}.log"), &followed.log.since(0));
        let words = || words.iter().map(|word| (*word).to_owned()).collect();
        let machine = Machine::Client;
        seen.map_err(|why| Failure::Silent { machine, why, words: words() })
    }

    /// What the server of `home` calls the session of which it last said all of `words`.
    async fn session(&self, home: &Domain, words: &[&str]) -> Result<String, Failure> {
        let log = self.hear_line(home.machine, words).await?;
        let line = log.lines().rfind(|line| has_all(line, words)).unwrap_or_default();
        Ok(line.split_whitespace().next().unwrap_or_default().to_owned())
    }

    async fn client(
        &self,
        name: &'static str,
        home: &Domain,
        work: &str,
        arguments: &[&str],
    ) -> Result<Client, Failure> {
        let script = script(self, home, work);
        let command = [&["sh", "-c", &script, "sh"], arguments].concat();
        let followed = self.machine(Machine::Client)?.follow(&command).await?;
        Ok(Client { name, followed })
    }
}

/// What a shell runs: `work`, with the command in `$CLIENT`.
fn script(run: &Run<'_>, home: &Domain, work: &str) -> String {
    format!("CLIENT='{}'; {work}", command(home, run.address(home.machine)))
}

/// The client, with the account of who lives at `home`. A hosted domain shows the certificate of its
/// hosting company to clients, too, and they know nothing of POSH: hence `-n`.
pub(crate) fn command(home: &Domain, server: Ipv4Addr) -> String {
    let account = home.account();
    format!("go-sendxmpp -n -u {account} -p {} -j {server}:5222", Person::PASSWORD)
}
