use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use thiserror::Error;
use tokio::process::Command;

/// What the lab runs of ours: each is the program of the package of its name.
const PROGRAMS: [&str; 2] = ["federating-server", "poshctl"];

/// Where cargo builds this workspace.
pub(crate) fn target() -> Result<PathBuf, ProgramError> {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version=1"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output()?;
    let metadata: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    let target = metadata.as_ref().and_then(|metadata| metadata["target_directory"].as_str());
    target.map(PathBuf::from).ok_or(ProgramError::Metadata)
}

/// Builds the programs of ours that the lab runs, and gives the path of one.
///
/// They are always built together: cargo chooses the features of what they share by what it builds.
pub(crate) async fn build(name: &'static str) -> Result<PathBuf, ProgramError> {
    let mut cargo = Command::new(env!("CARGO"));
    without_package(cargo.as_std_mut());
    cargo.args(["build", "--locked", "--quiet", "--message-format=json-render-diagnostics"]);
    for program in PROGRAMS {
        cargo.args(["--package", program, "--bin", program]);
    }
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).kill_on_drop(true);
    cargo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let output = cargo.spawn()?.wait_with_output().await?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut programs = messages.lines().filter_map(executable);
    let program = programs.find(|path| path.file_stem().is_some_and(|stem| stem == name));
    program.filter(|_| output.status.success()).ok_or(ProgramError::Build(name))
}

/// Keeps from a command what cargo tells this package about itself: it would make build scripts run
/// again, and so a cargo below it build everything anew.
pub fn without_package(command: &mut std::process::Command) {
    const PACKAGE: [&str; 2] = ["CARGO_MANIFEST_", "CARGO_PKG_"];
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| PACKAGE.iter().any(|of| name.starts_with(of))) {
            command.env_remove(name);
        }
    }
}

/// What an artifact message of cargo's says was built, if it was a program.
fn executable(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    message.get("executable")?.as_str().map(PathBuf::from)
}

/// Why there is no program of ours.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// cargo did not start.
    #[error("cannot run cargo")]
    Cargo(#[from] std::io::Error),
    /// It did not say where it builds.
    #[error("cargo did not say where it builds this workspace")]
    Metadata,
    /// It failed, and said why.
    #[error("cargo could not build {0}")]
    Build(&'static str),
}
