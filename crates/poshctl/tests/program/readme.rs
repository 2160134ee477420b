//! What the READMEs show is what happens.

use crate::scenery::{Ended, Scenery};

#[tokio::test]
async fn the_sessions_in_the_readme_are_true() {
    are_true(include_str!("../../README.md")).await;
}

#[tokio::test]
async fn the_sessions_in_the_readme_of_the_workspace_are_true() {
    are_true(include_str!("../../../../README.md")).await;
}

async fn are_true(readme: &str) {
    let mut scenery = Scenery::build().await;
    let hosting = scenery.certificate("hosting.crt");
    scenery.open_web_host("hosted.example");
    let _hosted = scenery.serve("hosted.example", &hosting).await;
    let renewed = scenery.certificate("renewed.crt");
    scenery.publish("renewed.example", posh::Profile::Rfc7711, &[&hosting]);
    let _renewed = scenery.serve("renewed.example", &renewed).await;

    let sessions = sessions(readme);
    let shown = |command: &str| sessions.iter().any(|(line, _)| line.starts_with(command));
    for command in ["gen", "verify", "lint", "check"] {
        assert!(shown(&format!("poshctl {command} ")), "{command}: {sessions:?}");
    }
    let mut last = None;
    for (command, expected) in sessions {
        let ended = match command.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["echo", "$?"] => {
                let code = last.take().and_then(|ended: Ended| ended.code);
                assert_eq!(code, expected.trim().parse().ok(), "before {command}");
                continue;
            }
            ["poshctl", arguments @ ..] if is_online(arguments) => scenery.run(arguments).await,
            ["poshctl", arguments @ ..] => scenery.offline(arguments).await,
            _ => panic!("not a command of the program: {command}"),
        };
        assert_eq!(gist(&ended.stdout), gist(&expected), "{command}\n{}", ended.stdout);
        assert_eq!(ended.stderr, "", "{command}");
        scenery.deploy("hosted.example");
        last = Some(ended);
    }
}

fn is_online(arguments: &[&str]) -> bool {
    arguments[0] == "check" || arguments.iter().any(|argument| argument.starts_with("https:"))
}

/// Every command in the blocks that begin with one, and what it prints.
fn sessions(readme: &str) -> Vec<(String, String)> {
    let mut sessions: Vec<(String, String)> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        for line in block.lines() {
            match (line.strip_prefix("$ "), sessions.last_mut()) {
                (Some(command), _) => sessions.push((command.to_owned(), String::new())),
                (None, Some((_, output))) => output.extend([line, "\n"]),
                (None, None) => panic!("output without a command: {line}"),
            }
        }
    }
    sessions
}

/// A text without what differs from run to run: numbers, digests, and where lines break.
fn gist(text: &str) -> Vec<String> {
    let mut gist: Vec<_> = text.split_whitespace().map(word_gist).collect();
    // How long a step took stands where there is room for it.
    while let Some(at) = gist.windows(2).position(|pair| pair == ["#", "ms"]) {
        gist.drain(at..at + 2);
    }
    gist
}

fn word_gist(word: &str) -> String {
    if word.len() == 44 && word.ends_with('=') {
        return "digest".to_owned();
    }
    let mut gist = String::new();
    for character in word.chars() {
        match character {
            '0'..='9' | '.' if gist.ends_with('#') => {}
            '0'..='9' => gist.push('#'),
            character => gist.push(character),
        }
    }
    gist
}
