use std::env;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use crate::client;
use crate::domain::{Domain, Person, Transport};
use crate::lab::Lab;
use crate::machine::Machine;
use crate::scenario::{FINGERPRINTS, Outcome, Proof, Scenario};

/// The domain of whoever uses the lab by hand: its server is what listens on the gateway.
pub(crate) const YOU: Domain = Domain::hosted(Machine::Host, "you.example", FINGERPRINTS);

/// What there is in a lab and what to try, with commands that work from the current folder.
pub(crate) fn guide(lab: &Lab) -> String {
    let mut guide = Guide { lab, text: String::new() };
    guide.machines();
    guide.look();
    guide.ping();
    guide.serve();
    guide.talk();
    guide.logs();
    guide.text
}

struct Guide<'a> {
    lab: &'a Lab,
    text: String,
}

impl Guide<'_> {
    fn machines(&mut self) {
        self.title(&format!("{}, its web hosts and DNS, and our server:", self.lab.release));
        for (machine, _) in self.serving() {
            let [name, address] = [machine.name(), &self.address(machine).to_string()];
            let target = machine.target().unwrap_or_default();
            self.line(format!("  {name:10} {address:15} {target}").trim_end());
        }
        let you = self.address(Machine::Host).to_string();
        self.line(&format!("  {:10} {you:15} {}", "you", YOU.name));
    }

    /// What anybody can find out about a domain without being a server.
    fn look(&mut self) {
        let Some(Domain { name, machine, .. }) = called(is_proved) else { return };
        let [dns, web, server] = [Machine::Dns, Machine::Web, machine].map(|m| self.address(m));
        self.title(&format!("Where DNS says that the server of {name} is (dig: bind9-dnsutils):"));
        self.command(&[&format!("dig +short @{dns} _xmpp-server._tcp.{name} SRV")]);
        self.title("Which certificate the domain lists, and which its server shows:");
        self.command(&[
            &format!("curl -isSw '\\n' --noproxy '*' --cacert {}", self.file("web-ca.pem")),
            &format!("--resolve {name}:443:{web} https://{name}/.well-known/posh/xmpp-server.json"),
        ]);
        self.command(&[
            &format!("openssl s_client -connect {server}:5269 -starttls xmpp-server"),
            &format!("-xmpphost {name} </dev/null 2>/dev/null | openssl x509 -outform DER |"),
            "openssl dgst -sha256 -binary | base64",
        ]);
    }

    fn ping(&mut self) {
        let you = self.address(Machine::Host);
        self.title(&format!("Ping as {}, whose server listens on {you}:", YOU.name));
        for (comes_of_it, domain) in [
            ("proved by POSH, exit code 0", called(is_proved)),
            ("refused, exit code 1", called(|call| matches!(call.outcome, Outcome::Refused(_)))),
            (
                "cannot tell, exit code 4",
                called(|call| matches!(call.outcome, Outcome::Unknown(_))),
            ),
        ] {
            let Some(Domain { name, .. }) = domain else { continue };
            self.line(&format!("  {name}: {comes_of_it}"));
            self.ours(&format!("ping {name}"));
        }
    }

    /// How a server of others calls.
    fn serve(&mut self) {
        let Some(prosody) = self.lab.machine(Machine::Prosody) else { return };
        let id = prosody.short_id();
        let calls = |scenario: &Scenario| scenario.from.machine == Machine::Prosody;
        let mut calls = Scenario::all().into_iter().filter(calls);
        let Some(call) = calls.find(|call| call.outcome == PROVED) else { return };
        let release = self.lab.release;
        self.title(&format!("Be its server, and in another terminal let {release} ping you:"));
        self.ours("serve");
        self.command(&[
            &format!("docker exec {id} prosodyctl --config /lab/prosody.cfg.lua"),
            &format!("shell xmpp ping {} {}", call.from.name, YOU.name),
        ]);
    }

    /// What a person says and hears.
    fn talk(&mut self) {
        let Some(container) = self.lab.machine(Machine::Client) else { return };
        let id = container.short_id();
        let people = |scenario: &Scenario| scenario.from.person != Person::Nobody;
        let Some(Scenario { from, to, .. }) = Scenario::all().into_iter().find(people) else {
            return;
        };
        self.title(&format!("Talk to {} as somebody at {}, line by line:", to.name, from.name));
        let command = client::command(&from, self.address(from.machine));
        let command = format!("{command} -d -i echo@{}", to.name);
        self.command(&[&format!("docker exec -it {id}"), &command]);
    }

    fn logs(&mut self) {
        self.title("What the machines have to say:");
        for (machine, id) in self.serving() {
            self.command(&[&format!("docker logs -f {id}  # {machine}")]);
        }
    }

    /// A command of our server's, as the one of [`YOU`].
    fn ours(&mut self, command: &str) {
        self.command(&[
            &format!("cargo run -q -p federating-server -- {command}"),
            &format!("--config {}", self.file("server.toml")),
        ]);
    }

    fn title(&mut self, title: &str) {
        self.line("");
        self.line(title);
    }

    fn command(&mut self, parts: &[&str]) {
        self.line(&format!("    {}", parts.join(" \\\n        ")));
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The machines that serve, each with what Docker knows it by.
    fn serving(&self) -> Vec<(Machine, String)> {
        let silent = [Machine::Caller, Machine::Client];
        let machines = Machine::ALL.into_iter().filter(|machine| !silent.contains(machine));
        let known = |machine| Some((machine, self.lab.machine(machine)?.short_id().to_owned()));
        machines.filter_map(known).collect()
    }

    fn address(&self, machine: Machine) -> Ipv4Addr {
        machine.address(self.lab.material().network())
    }

    /// A file of [`YOU`]'s, as seen from the current folder.
    fn file(&self, name: &str) -> String {
        let path = self.lab.folder.join(Machine::Host.name()).join(name);
        let here = env::current_dir().unwrap_or_default();
        path.strip_prefix(here).map(PathBuf::from).unwrap_or(path).display().to_string()
    }
}

const PROVED: Outcome = Outcome::Proved(Proof::Posh);

/// Whether it is proved in the way that is easiest to look at.
fn is_proved(call: &Scenario) -> bool {
    let Domain { document, transport, .. } = call.to;
    call.outcome == PROVED && document == FINGERPRINTS && transport == Transport::Starttls
}

/// The domain of the first scenario in which we call a Prosody and this comes of it.
fn called(comes_of_it: impl Fn(&Scenario) -> bool) -> Option<Domain> {
    let mut calls = Scenario::all().into_iter().filter(|scenario| {
        scenario.from.machine == Machine::Caller && scenario.to.machine == Machine::Prosody
    });
    calls.find(comes_of_it).map(|call| call.to)
}
