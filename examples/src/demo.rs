//! `demo`: what POSH is for, on a federation in this process.

use std::io;
use std::process::ExitCode;
use std::time::Instant;

use thiserror::Error;
use xmpp_s2s::ConfigError;

use self::cast::Cast;
use self::pages::{cast, scene};
use self::scenes::Scene;
use crate::print::{self, Page};

mod cast;
mod pages;
mod scenes;

/// Plays every scene. Exit code: 0 if each ends as it says, 1 if not.
pub(crate) async fn run() -> Result<ExitCode, DemoError> {
    let start = Instant::now();
    let page = Page::of_stdout();
    let players = Cast::assemble().await?;
    print::out(&cast(page, &players));

    let mut as_expected = 0;
    let scenes = [Scene::Hosted, Scene::Forged];
    for (number, what) in (1..).zip(scenes) {
        let played = what.play(&players).await?;
        print::out(&scene(page, number, &played));
        as_expected += usize::from(played.is_as_expected());
    }
    players.dismiss().await;
    let (all, seconds) = (scenes.len(), start.elapsed().as_secs_f64());
    print::out(&format!("\n{all} scenes, {as_expected} as expected, {seconds:.2} s\n"));
    Ok(ExitCode::from(u8::from(as_expected != all)))
}

/// Why there is no demo on this machine.
#[derive(Debug, Error)]
pub(crate) enum DemoError {
    /// There are no sockets on loopback.
    #[error("cannot listen on 127.0.0.1; the demo needs the loopback interface")]
    Loopback(#[from] io::Error),
    /// A ping could not have an id.
    #[error("the system has no random numbers")]
    Random(#[from] getrandom::Error),
    /// A server cannot be set up.
    #[error(transparent)]
    Config(#[from] ConfigError),
}
