use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use thiserror::Error;
use tokio::process::Command;

/// Where cargo builds this workspace.
pub(crate) fn target() -> Result<PathBuf, ProgramError> {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version=1"]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output()?;
    let metadata: Option<Value> = serde_json::from_slice(&output.stdout).ok();
    let target = metadata.as_ref().and_then(|metadata| metadata["target_directory"].as_str());
    target.map(PathBuf::from).ok_or(ProgramError::Metadata)
}

/// Builds our server and gives the path of the program.
pub(crate) async fn build() -> Result<PathBuf, ProgramError> {
    let mut cargo = Command::new(env!("CARGO"));
    without_package(cargo.as_std_mut());
    cargo.args(["build", "--locked", "--quiet", "--package=federating-server"]);
    cargo.arg("--bin=federating-server");
    cargo.arg("--message-format=json-render-diagnostics");
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).kill_on_drop(true);
    cargo.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let output = cargo.spawn()?.wait_with_output().await?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let program = messages.lines().filter_map(executable).next_back();
    program.filter(|_| output.status.success()).ok_or(ProgramError::Build)
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

/// Why there is no server to put into a container.
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
    #[error("cargo could not build federating-server")]
    Build,
}
