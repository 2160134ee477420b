use std::convert::Infallible;
use std::fs::{self, File, TryLockError};
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::time::timeout;

use crate::engine::{Engine, EngineError};
use crate::owner::Owner;
use crate::program::{self, ProgramError};

/// How long the engine may take to make one thing after a signal.
const MAKING: Duration = Duration::from_secs(20);

/// The place where a lab may be built: only one at a time, cleared before and after.
///
/// However the run ends (the last scenario, an error, a panic, Ctrl-C), every container and network
/// of the lab is removed. Should the process itself be killed, the next claim does it, here or in
/// another folder.
#[derive(Debug)]
pub struct Site {
    runtime: Runtime,
    pub(crate) engine: Engine,
    pub(crate) folder: PathBuf,
    interrupted: watch::Receiver<bool>,
    /// Whether a signal is how the run is meant to end.
    stays: Arc<AtomicBool>,
    _lock: File,
}

impl Site {
    /// Where the place is unless it is asked for elsewhere: beside what cargo builds.
    pub fn folder() -> Result<PathBuf, ProgramError> {
        Ok(program::target()?.join("interop"))
    }

    /// Takes the place at `folder`, and clears away what an earlier run has left.
    pub fn claim(folder: &Path) -> Result<Self, SiteError> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let lock = lock(&folder.join("lock"))?;
        let runtime = Runtime::new()?;
        let owner = Owner::this().map_err(SiteError::Process)?;
        let engine = runtime.block_on(async {
            let engine = Engine::connect(&folder, owner).await?;
            match engine.sweep().await? {
                0 => {}
                left => eprintln!("lab: removed {left} leftovers of an earlier run"),
            }
            Ok::<_, EngineError>(engine)
        })?;
        let (interrupt, interrupted) = watch::channel(false);
        let stays = Arc::default();
        runtime.spawn(clear_when_interrupted(engine.clone(), interrupt, Arc::clone(&stays)));
        Ok(Self { runtime, engine, folder, interrupted, stays, _lock: lock })
    }

    /// Runs what has to be done here to its end; after a signal there is none but the process's.
    pub fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(unless(self.interrupted.clone(), work))
    }

    /// Keeps what is there until a signal comes; then it is cleared away, and the process ends
    /// well.
    pub fn stay(&self) -> ! {
        self.stays.store(true, Ordering::Relaxed);
        match self.runtime.block_on(pending::<Infallible>()) {}
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Err(why) = self.runtime.block_on(self.engine.sweep()) {
            eprintln!("lab: something is left until the next run: {why}");
        }
    }
}

fn lock(path: &Path) -> Result<File, SiteError> {
    let file = File::options().create(true).write(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SiteError::Taken { lock: path.to_owned() }),
        Err(TryLockError::Error(why)) => Err(why.into()),
    }
}

/// What comes of `work`. Once `interrupted` it is dropped, with all that it holds, and there is
/// nothing to come.
async fn unless<T>(mut interrupted: watch::Receiver<bool>, work: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        Ok(_) = interrupted.wait_for(|interrupted| *interrupted) => {}
        outcome = work => return outcome,
    }
    pending().await
}

/// Stops all work between two things that it makes: what the engine has been asked for is there
/// and known before the work is dropped, unless the engine takes too long.
async fn stop(
    making: &Arc<Mutex<()>>,
    interrupt: &watch::Sender<bool>,
) -> Option<OwnedMutexGuard<()>> {
    let nothing_more = timeout(MAKING, Arc::clone(making).lock_owned()).await.ok();
    interrupt.send_replace(true);
    nothing_more
}

/// Ends the process on a signal, but not before the lab is gone and nothing more can be made.
async fn clear_when_interrupted(
    engine: Engine,
    interrupt: watch::Sender<bool>,
    stays: Arc<AtomicBool>,
) {
    let Ok(number) = signalled().await else { return };
    let (word, code) = match stays.load(Ordering::Relaxed) {
        true => ("", 0),
        false => ("interrupted, ", 128 + number),
    };
    eprintln!("\nlab: {word}clearing away");
    let _nothing_more = stop(&engine.making, &interrupt).await;
    if let Err(why) = engine.sweep().await {
        eprintln!("lab: something is left until the next run: {why}");
    }
    std::process::exit(code);
}

async fn signalled() -> io::Result<i32> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let kind = tokio::select! {
        _ = interrupt.recv() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
        _ = hangup.recv() => SignalKind::hangup(),
    };
    Ok(kind.as_raw_value())
}

/// Why no lab may be built here.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SiteError {
    /// Another run is using it.
    #[error("another run of the lab holds {}; wait for it, or stop it with Ctrl-C", lock.display())]
    Taken {
        /// The lock file.
        lock: PathBuf,
    },
    /// The folder cannot be used.
    #[error("the lab's folder cannot be used")]
    Folder(#[from] io::Error),
    /// This process cannot be told from others.
    #[error("cannot read about this process in /proc")]
    Process(#[source] io::Error),
    /// There is no engine to build it with.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_is_not_stopped_while_it_makes_something() {
        let making = Arc::new(Mutex::new(()));
        let (interrupt, interrupted) = watch::channel(false);
        let _being_made = making.lock().await;
        assert!(stop(&making, &interrupt).now_or_never().is_none());
        assert!(!*interrupted.borrow());
    }

    #[tokio::test]
    async fn once_work_is_stopped_nothing_more_can_be_made() {
        let making = Arc::new(Mutex::new(()));
        let (interrupt, interrupted) = watch::channel(false);
        let nothing_more = stop(&making, &interrupt).await;
        assert!(*interrupted.borrow() && nothing_more.is_some() && making.try_lock().is_err());
    }

    #[tokio::test]
    async fn work_that_is_interrupted_lets_go_of_what_it_holds() {
        let making = Arc::new(Mutex::new(()));
        let (interrupt, interrupted) = watch::channel(false);
        let its_making = Arc::clone(&making);
        let (begun, has_begun) = oneshot::channel();
        tokio::spawn(unless(interrupted, async move {
            let _held = its_making.lock().await;
            let _ = begun.send(());
            pending::<()>().await;
        }));
        has_begun.await.unwrap();
        interrupt.send_replace(true);
        assert!(timeout(MAKING, making.lock()).await.is_ok());
    }
}
