use std::fs::{self, File, TryLockError};
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

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
        runtime.spawn(clear_when_interrupted(engine.clone()));
        Ok(Self { runtime, engine, folder, _lock: lock })
    }

    /// Runs what has to be done here to its end.
    pub fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
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
async fn clear_when_interrupted(engine: Engine) {
    let Ok(number) = interrupted().await else { return };
    let _nothing_more = engine.making.lock().await;
    eprintln!("\nlab: interrupted, clearing away");
    if let Err(why) = engine.sweep().await {
        eprintln!("lab: something is left until the next run: {why}");
    }
    std::process::exit(128 + number);
}

async fn interrupted() -> io::Result<i32> {
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
