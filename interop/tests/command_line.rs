//! What the program says and exits with where there is no lab.
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use interop::Scenario;
use tempfile::TempDir;

#[test]
fn list_has_every_scenario_in_a_line_of_its_own() {
    let listed = run(&["list"]);
    assert_eq!(listed.status.code(), Some(0));
    let names: Vec<String> = stdout(&listed).lines().map(first_word).collect();
    let all: Vec<&str> = Scenario::all().iter().map(|scenario| scenario.name).collect();
    assert_eq!(names, all);
}

#[test]
fn a_name_that_no_scenario_has_brings_those_that_contain_it() {
    let unknown = run(&["run", "fingerprints"]);
    assert_eq!(unknown.status.code(), Some(2));
    let said = stderr(&unknown);
    assert!(said.contains("no scenario is called `fingerprints`"), "{said}");
    assert!(
        said.contains("fingerprints_prove_it, fingerprints_prove_it_over_direct_tls"),
        "{said}"
    );
}

#[test]
fn without_docker_it_says_how_to_get_it() {
    let folder = TempDir::new().unwrap();
    let refused = in_folder(folder.path());
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    assert!(said.contains("no Docker engine answers at /nowhere/docker.sock"), "{said}");
    assert!(said.contains("`apt-get install docker.io`"), "{said}");
}

#[test]
fn where_another_lab_is_it_says_what_to_wait_for() {
    let folder = TempDir::new().unwrap();
    let lock = folder.path().canonicalize().unwrap().join("lock");
    let _another = File::create(&lock).and_then(|file| file.lock().map(|()| file)).unwrap();
    let refused = in_folder(folder.path());
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    let wait = format!("another run of the lab holds {}; wait for it", lock.display());
    assert!(said.contains(&wait), "{said}");
}

/// Runs a scenario in `folder`, with an engine that is not there.
fn in_folder(folder: &Path) -> Output {
    let folder = folder.to_str().unwrap();
    run(&["run", "fingerprints_prove_it", "--folder", folder])
}

fn run(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_interop"));
    program.args(arguments).env("DOCKER_HOST", "unix:///nowhere/docker.sock").output().unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn first_word(line: &str) -> String {
    line.split_whitespace().next().unwrap_or_default().to_owned()
}
