use std::fs::{self, File, TryLockError};
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;

use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::engine::{Engine, EngineError};

/// The place where a lab may be built: only one at a time, cleared before and after.
///
/// However the run ends (the last scenario, an error, a panic, Ctrl-C), every container and network
/// of the lab is removed. Should the process itself be killed, the next claim does it: the lock is
/// then free, so what is there is nobody's.
#[derive(Debug)]
pub struct Site {
    runtime: Runtime,
    pub(crate) engine: Engine,
    pub(crate) folder: PathBuf,
    interrupted: watch::Receiver<bool>,
    _lock: File,
}

impl Site {
    /// Takes the place at `folder`, and clears away what an earlier run has left.
    pub fn claim(folder: &Path) -> Result<Self, SiteError> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let lock = lock(&folder.join("lock"))?;
        let runtime = Runtime::new()?;
        let engine = runtime.block_on(async {
            let engine = Engine::connect(&folder).await?;
            match engine.sweep().await? {
                0 => {}
                left => eprintln!("lab: removed {left} leftovers of an earlier run"),
            }
            Ok::<_, EngineError>(engine)
        })?;
        let (interrupt, interrupted) = watch::channel(false);
        runtime.spawn(clear_when_interrupted(engine.clone(), interrupt));
        Ok(Self { runtime, engine, folder, interrupted, _lock: lock })
    }

    /// Runs what has to be done here to its end; after a signal there is none but the process's.
    pub fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        let mut interrupted = self.interrupted.clone();
        self.runtime.block_on(async {
            let mut work = pin!(work);
            tokio::select! {
                biased;
                Ok(_) = interrupted.wait_for(|interrupted| *interrupted) => pending().await,
                outcome = &mut work => outcome,
            }
        })
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

/// Ends the process on a signal, but not before the lab is gone and nothing more can be made.
async fn clear_when_interrupted(engine: Engine, interrupt: watch::Sender<bool>) {
    let Ok(number) = signalled().await else { return };
    interrupt.send_replace(true);
    let _nothing_more = engine.making.lock().await;
    eprintln!("\nlab: interrupted, clearing away");
    if let Err(why) = engine.sweep().await {
        eprintln!("lab: something is left until the next run: {why}");
    }
    std::process::exit(128 + number);
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
    /// There is no engine to build it with.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
