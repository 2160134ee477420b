//! The built program, in a world of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;
use xmpp_s2s::Security;
use xmpp_s2s_testkit::World;

/// Longest wait for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_federating-server");

/// The program, deaf to the environment of whoever runs the tests.
pub(crate) fn program() -> Command {
    quiet(Command::new(PROGRAM))
}

/// The same, with at most so many open files.
pub(crate) fn program_with_descriptors(most: usize) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -n {most} && exec \"$0\" \"$@\""), PROGRAM]);
    quiet(shell)
}

fn quiet(mut command: Command) -> Command {
    for name in ["RUST_LOG", "NO_COLOR", "LC_CTYPE", "LANG"] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C.UTF-8").kill_on_drop(true);
    command
}

/// Runs the program to its end.
pub(crate) async fn run(arguments: &[&str]) -> Ended {
    Ended::of(program().args(arguments)).await
}

/// What a program left behind.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) async fn of(command: &mut Command) -> Self {
        let output = timeout(DEADLINE, command.output()).await.expect("it ends in time");
        let Output { status, stdout, stderr } = output.expect("it starts");
        let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
        Self { code: status.code(), stdout, stderr }
    }

    pub(crate) fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }
}

/// A `serve` that is up.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Serving {
    /// Starts `command` with the arguments for `serve`, and waits until it listens.
    pub(crate) async fn start(command: Command, config: &str) -> Self {
        let mut serving = Self::spawn(command, config);
        let line = serving.logged(" listening ").await;
        let (_, address) = line.split_once("address=").unwrap();
        serving.address = address.trim().parse().unwrap();
        serving
    }

    /// Starts it, with an address that is not known yet.
    pub(crate) fn spawn(mut command: Command, config: &str) -> Self {
        command.args(["serve", "--config", config]).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { address: ([0; 4], 0).into(), child, log }
    }

    /// The next line of the log that has `wanted` in it.
    pub(crate) async fn logged(&mut self, wanted: &str) -> String {
        self.logged_until(wanted).await.pop().expect("the line that was wanted")
    }

    /// The lines of the log as far as one that has `wanted` in it.
    pub(crate) async fn logged_until(&mut self, wanted: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let find = async {
            while let Some(line) = self.log.next_line().await.unwrap() {
                let is_wanted = line.contains(wanted);
                lines.push(line);
                if is_wanted {
                    return lines;
                }
            }
            panic!("the log ended without {wanted:?}");
        };
        timeout(DEADLINE, find).await.unwrap_or_else(|_| panic!("{wanted:?} is logged in time"))
    }

    /// Sends SIGTERM, and gives the exit code.
    pub(crate) async fn terminate(mut self) -> Option<i32> {
        self.signal("TERM").await;
        self.ended().await
    }

    /// Sends a signal.
    pub(crate) async fn signal(&self, name: &str) {
        signal(&self.child, name).await;
    }

    /// Waits for the end, and gives the exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        timeout(DEADLINE, self.child.wait()).await.expect("it ends in time").unwrap().code()
    }
}

/// Sends a signal to a program that runs. Every shell can, while the program `kill` is not
/// everywhere.
pub(crate) async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("it still runs").to_string();
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill -s \"$0\" \"$1\"", name, &id]);
    assert!(shell.status().await.unwrap().success());
}

/// The time from one line of a log to another, which is not that of when they are read.
pub(crate) fn seconds_between(earlier: &str, later: &str) -> f64 {
    let [earlier, later] = [earlier, later].map(|line| {
        let time = line.split(['T', 'Z']).nth(1).expect("a line begins with its time");
        time.split(':').fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
    });
    (later - earlier).rem_euclid(24.0 * 60.0 * 60.0)
}

/// A world with a folder for the files that lead into it.
pub(crate) struct Scenery {
    pub(crate) world: World,
    folder: TempDir,
}

impl Scenery {
    pub(crate) async fn build() -> Self {
        Self { world: World::start().await.unwrap(), folder: TempDir::new().unwrap() }
    }

    /// Writes a configuration for `domain`, with an ordinary certificate.
    pub(crate) fn config(&self, domain: &str, listen: SocketAddr) -> String {
        self.config_with(domain, listen, "")
    }

    /// The same, with further lines.
    pub(crate) fn config_with(&self, domain: &str, listen: SocketAddr, lines: &str) -> String {
        let identity = self.world.xmpp_authority.issue_for(domain);
        self.write("roots.pem", &self.world.xmpp_authority.root_pem());
        self.write("web-roots.pem", &self.world.web_authority.root_pem());
        self.write(&format!("{domain}.crt"), &identity.chain_pem());
        self.write(&format!("{domain}.key"), &identity.key_pem());
        let dns = self.world.dns.address();
        let toml = format!(
            r#"
listen = ["{listen}"]
resolver = "{dns}"
roots = ["roots.pem"]
web-roots = ["web-roots.pem"]
allow-networks = ["127.0.0.0/8"]
{lines}

[[domain]]
name = "{domain}"
certificate = "{domain}.crt"
key = "{domain}.key"
"#
        );
        self.write(&format!("{domain}.toml"), &toml).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let file = self.folder.path().join(name);
        fs::write(&file, content).unwrap();
        file
    }

    /// Starts `serve` for `domain`, and leads the DNS to it.
    pub(crate) async fn serve(&self, domain: &str) -> Serving {
        self.serve_with(domain, "").await
    }

    /// The same, with further lines in its configuration.
    pub(crate) async fn serve_with(&self, domain: &str, lines: &str) -> Serving {
        let config = self.config_with(domain, ([127, 0, 0, 1], 0).into(), lines);
        let serving = Serving::start(program(), &config).await;
        self.locate(domain, serving.address);
        serving
    }

    /// Makes the DNS lead to `address` for `domain`.
    pub(crate) fn locate(&self, domain: &str, address: SocketAddr) {
        self.world.locate(domain, Security::StartTls, &[address]);
    }
}

/// An address that was free just now, and that nobody else asks for: every test, in this process
/// and in others, has an IP address of its own.
pub(crate) fn free_address() -> SocketAddr {
    static TESTS: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let test = TESTS.fetch_add(1, Ordering::Relaxed);
    // Everybody else is on 127.0.0.1, and 127.255.255.255 is not the address of one.
    let ip = Ipv4Addr::new(127, high.clamp(1, 254), low, test.clamp(1, 254));
    TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap()
}
