//! What the documents of the repository say, as far as a test can tell.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// Longest program that is still the smallest.
const LINES: usize = 20;

#[test]
fn the_readme_has_the_program_of_the_front_page() {
    let readme = program(&read("README.md"), "```rust");
    let source = read("crates/xmpp-s2s/src/lib.rs");
    let docs = source.lines().filter_map(|line| line.strip_prefix("//!"));
    let docs: Vec<_> = docs.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let front = program(&docs.join("\n"), "```");
    assert_eq!(readme, front);
    assert!(readme.len() <= LINES, "{} lines", readme.len());
}

#[test]
fn links_to_files_lead_somewhere() {
    for document in ["README.md", ".github/CHANGELOG.md", ".github/CONTRIBUTING.md"] {
        let text = read(document);
        let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        for link in links.filter(|link| !link.contains("://")) {
            let target = root().join(document).with_file_name(link);
            assert!(target.exists(), "{document} links to {link}");
        }
    }
}

#[test]
fn the_readme_names_every_program_of_one_idea() {
    let readme = read("README.md");
    let folder = fs::read_dir(root().join("examples/src/bin")).unwrap();
    let paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    let programs = paths.iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let names: Vec<_> = programs.map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert!(!names.is_empty());
    for name in names {
        assert!(readme.contains(&format!("(examples/src/bin/{name})")), "{name}");
    }
}

/// The first block behind the heading that announces a program, without what rustdoc hides.
fn program(text: &str, fence: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| !is_announcement(line));
    let block = lines.skip_while(|line| *line != fence).skip(1).take_while(|line| *line != "```");
    block.filter(|line| *line != "#" && !line.starts_with("# ")).map(str::to_owned).collect()
}

fn is_announcement(line: &str) -> bool {
    ["## Embed it", "# The smallest program"].contains(&line)
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
