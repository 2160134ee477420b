//! `demo`: what POSH is for, on a federation in this process.

use std::collections::BTreeSet;
use std::io;
use std::process::ExitCode;
use std::time::Instant;

use thiserror::Error;
use xmpp_s2s::ConfigError;

use self::cast::Cast;
use self::keep::Authorities;
use self::scenes::{Act, SCENES};
use self::streams::{Row, Streams};
use crate::cli::DemoArguments;
use crate::print::{self, OutputError, Page};
use crate::serve::Stop;

mod cast;
mod company;
mod json;
mod keep;
mod letter;
mod mailbox;
mod pages;
pub(crate) mod scenes;
mod streams;
mod traffic;

/// Plays the scenes that are asked for. Exit code: 0 if each ends as it says, 1 if not.
pub(crate) async fn run(arguments: &DemoArguments) -> Result<ExitCode, DemoError> {
    let start = Instant::now();
    let cast = Cast::assemble().await?;
    let show = Show { page: Page::of_stdout(), arguments };
    show.text(|page| pages::cast(page, &cast))?;
    let mut seen = Streams::default();
    let acts = show.play(&cast, &mut seen).await?;
    let streams = seen.rows(&cast.alpha, acts.iter().flat_map(|act| &act.played.letters));
    match arguments.json {
        true => print::out(&(json::document(&acts, &streams) + "\n"))?,
        false => show.end(&acts, &streams, start)?,
    }
    if arguments.keep {
        show.keep(&cast).await?;
    }
    cast.dismiss().await;
    Ok(ExitCode::from(exit_code(&acts)))
}

/// Why there is no demo on this machine.
#[derive(Debug, Error)]
pub(crate) enum DemoError {
    /// There are no sockets on loopback.
    #[error("cannot listen on 127.0.0.1; the demo needs the loopback interface")]
    Loopback(#[from] io::Error),
    /// A server cannot be set up.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Nobody can say when to go on.
    #[error("cannot read from standard input; leave --step out")]
    Input(#[source] io::Error),
    /// What is to be tried has no place.
    #[error("cannot write certificates to the folder for temporary files; set TMPDIR to another")]
    Keep(#[source] io::Error),
    /// Nobody can read it.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Nobody can say when to stop.
    #[error("cannot handle signals")]
    Signals(#[source] io::Error),
}

/// 0 if each scene ended as it says.
fn exit_code(acts: &[Act]) -> u8 {
    u8::from(!acts.iter().all(Act::is_as_expected))
}

/// What the audience gets to see.
struct Show<'a> {
    page: Page,
    arguments: &'a DemoArguments,
}

impl Show<'_> {
    async fn play(&self, cast: &Cast, seen: &mut Streams) -> Result<Vec<Act>, DemoError> {
        let mut numbers: BTreeSet<_> = self.arguments.scene.iter().copied().collect();
        if numbers.is_empty() {
            numbers.extend(1..=SCENES.len());
        }
        let mut acts = Vec::new();
        for number in numbers {
            if self.arguments.step && !acts.is_empty() {
                print::pause("press Enter for the next scene").await.map_err(DemoError::Input)?;
            }
            let act = Act::play(number, cast).await?;
            seen.look(&cast.alpha);
            self.text(|page| pages::act(page, &act))?;
            if self.arguments.xml {
                self.text(|page| pages::xml(page, &act))?;
            }
            acts.push(act);
        }
        Ok(acts)
    }

    fn end(&self, acts: &[Act], streams: &[Row], start: Instant) -> Result<(), OutputError> {
        let as_expected = acts.iter().filter(|act| act.is_as_expected()).count();
        let (all, seconds) = (acts.len(), start.elapsed().as_secs_f64());
        let noun = if all == 1 { "scene" } else { "scenes" };
        print::out(&format!(
            "\n{}{all} {noun}, {as_expected} as expected, {seconds:.2} s\n",
            streams::table(self.page, streams)
        ))?;
        if self.arguments.keep { Ok(()) } else { print::out(NEXT) }
    }

    async fn keep(&self, cast: &Cast) -> Result<(), DemoError> {
        let mut stop = Stop::new().map_err(DemoError::Signals)?;
        let authorities = Authorities::write(cast).map_err(DemoError::Keep)?;
        print::out(&authorities.commands(cast))?;
        stop.requested().await;
        Ok(())
    }

    fn text(&self, write: impl FnOnce(Page) -> String) -> Result<(), OutputError> {
        if self.arguments.json { Ok(()) } else { print::out(&write(self.page)) }
    }
}

const NEXT: &str = "
next:  cargo run -p federating-server -- demo --keep      stays up, to be looked at with curl
       cargo run -p federating-server -- serve --help     serves a domain of your own
       cargo doc -p xmpp-s2s --open                       how to put it into your own server
";

#[cfg(test)]
mod tests {
    use posh::Profile;
    use xmpp_s2s_testkit::{Reply, TlsFault};

    use super::cast::{HOSTED, MALLORY, TENANT, THIRD};
    use super::*;
    use crate::print::{Charset, Ink};

    const PAGE: Page = Page { ink: Ink::Black, charset: Charset::Unicode };

    #[tokio::test]
    async fn a_scene_that_ends_otherwise_is_told_and_is_exit_code_1() {
        let cast = Cast::assemble().await.unwrap();
        let other = cast.world.xmpp_authority.issue_for(MALLORY);
        cast.world.publish(HOSTED, Profile::Draft02, &[&other]);
        let [first, third] = [1, 3].map(|number| Act::play(number, &cast));
        let acts = [first.await.unwrap(), third.await.unwrap()];
        cast.dismiss().await;
        assert_eq!(exit_code(&acts), 1);
        assert_eq!(exit_code(&acts[1..]), 0);
        let text = pages::act(PAGE, &acts[0]);
        assert!(text.contains("✘ REFUSED  posh-fingerprint-mismatch in "), "{text}");
        assert!(text.contains("NOT SO: juliet@alpha.example → romeo@hosted.example: "), "{text}");
        let last = text.lines().last().unwrap();
        assert_eq!(last.trim(), "this scene has to end otherwise: ACCEPTED by POSH");
    }

    #[tokio::test]
    async fn a_fact_that_does_not_hold_is_exit_code_1_whatever_the_ending() {
        let cast = Cast::assemble().await.unwrap();
        cast.world.reply(THIRD, Profile::Rfc7711, Reply::status(410));
        let acts = [Act::play(5, &cast).await.unwrap()];
        cast.dismiss().await;
        assert_eq!(acts[0].ending(), acts[0].scene.expected);
        assert_eq!(exit_code(&acts), 1);
        let text = pages::act(PAGE, &acts[0]);
        assert!(text.contains("NOT SO: the web server of third.example"), "{text}");
    }

    #[tokio::test]
    async fn messages_that_do_not_arrive_in_a_roll_over_are_counted() {
        let cast = Cast::assemble().await.unwrap();
        cast.world.web.host_fault(TENANT, TlsFault::Reset);
        let acts = [Act::play(6, &cast).await.unwrap()];
        cast.dismiss().await;
        assert_eq!(exit_code(&acts), 1);
        let text = pages::act(PAGE, &acts[0]);
        assert!(text.contains("NOT SO: 0 of 200 messages arrived"), "{text}");
        assert!(text.contains("200 came back"), "{text}");
    }
}
