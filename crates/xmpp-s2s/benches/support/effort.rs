//! How much is done, which is for the command line to say.

use std::env;

/// What the command line asks for.
pub(crate) struct Effort {
    /// Parts of names of the scenes that are wanted; all are if there is none.
    names: Vec<String>,
    full: bool,
}

impl Effort {
    /// Reads the command line. `cargo bench` adds `--bench` to it; without that, under `cargo test
    /// --benches`, everything is done once, to see that it works, and the figures mean nothing.
    pub(crate) fn from_command_line() -> Self {
        let (options, names): (Vec<_>, _) = env::args().skip(1).partition(|a| a.starts_with('-'));
        Self { names, full: options.iter().any(|option| option == "--bench") }
    }

    /// Whether this scene is wanted.
    pub(crate) fn wants(&self, scene: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| scene.contains(name))
    }

    /// This often, or once.
    pub(crate) fn times(&self, count: usize) -> usize {
        if self.full { count } else { 1 }
    }
}
