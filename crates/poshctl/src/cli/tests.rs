use super::*;

#[test]
fn the_definition_of_the_command_line_is_sound() {
    Arguments::command().debug_assert();
}

/// The lines of `help` that can be pasted.
fn examples(help: &str) -> Vec<Vec<&str>> {
    let mut examples: Vec<Vec<_>> = Vec::new();
    let mut goes_on = false;
    for line in help.lines() {
        let words = line.split_whitespace().filter(|word| *word != "\\");
        if line.starts_with("  poshctl ") {
            examples.push(words.collect());
        } else if goes_on {
            examples.last_mut().unwrap().extend(words);
        }
        goes_on = line.ends_with('\\');
    }
    examples
}

#[test]
fn the_examples_in_every_help_are_commands() {
    let program = Arguments::command();
    let shown = |command: &&clap::Command| !command.is_hide_set();
    for command in program.get_subcommands().filter(shown).chain([&program]) {
        let help = command.get_after_help().unwrap().to_string();
        let examples = examples(&help);
        assert!(!examples.is_empty(), "{help}");
        for example in examples {
            let parsed = Arguments::try_parse_from(&example);
            assert!(parsed.is_ok(), "{example:?}: {parsed:?}");
        }
    }
}

#[test]
fn certificates_keep_the_order_of_the_command_line() {
    let line = ["poshctl", "gen", "--pem", "a", "--live", "l.example", "--der", "b", "--pem", "c"];
    let Command::Gen(arguments) = Arguments::parse_from(line).command else { panic!("not gen") };
    let [a, b, c] = ["a", "b", "c"].map(|path| Source::File(path.into()));
    let live = Source::Live(Live { domain: "l.example".parse().unwrap(), port: None });
    assert_eq!(arguments.sources.0, [a, live, b, c]);
}
