//! The sample cannot go stale.

use super::super::keys::{DOMAIN, OF_DOMAIN, OF_PEER, PEER, TOP};
use super::super::table::Key;
use super::{load, sample};

/// The sample with some of its optional lines, told by their numbers.
fn sample_with(chosen: impl Fn(usize) -> bool) -> String {
    let lines = sample();
    let lines = lines.lines().enumerate().map(|(number, line)| match line.strip_prefix('#') {
        Some(optional) if is_key(line) && chosen(number) => optional,
        _ => line,
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// Whether the line is a key or a table that is optional, and no explanation.
fn is_key(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|text| !text.is_empty() && !text.starts_with(' '))
}

#[test]
fn the_sample_is_a_file_that_can_be_used() {
    let settings = load(&sample()).unwrap();
    assert_eq!(settings.domains.len(), 1);
}

#[test]
fn every_optional_key_of_the_sample_can_be_used_alone() {
    let sample = sample();
    let optional = sample.lines().enumerate().filter(|(_, line)| is_key(line));
    let (peer, alone): (Vec<_>, Vec<_>) = optional.map(|(number, _)| number).partition(|&number| {
        sample.lines().position(|line| line == "#[[peer]]").unwrap() <= number
    });
    assert_eq!((peer.len(), alone.len()), (1 + OF_PEER.len(), TOP.len() - 3));
    for number in alone {
        load(&sample_with(|at| at == number)).unwrap();
    }
    let settings = load(&sample_with(|at| peer.contains(&at))).unwrap();
    assert_eq!(settings.peers.len(), 1);
}

#[test]
fn every_key_that_the_reader_knows_is_in_the_sample_and_none_besides() {
    let all = sample_with(|_| true);
    load(&all).unwrap();
    let table: toml::Table = all.parse().unwrap();
    let names = |table: &toml::Table| table.keys().cloned().collect::<Vec<_>>();
    let known = |keys: &[&Key]| {
        let mut names: Vec<_> = keys.iter().map(|key| key.name.to_owned()).collect();
        names.sort_unstable();
        names
    };
    let of = |name: &str| names(table[name][0].as_table().unwrap());
    assert_eq!(names(&table), known(&TOP));
    assert_eq!(of(DOMAIN.name), known(&OF_DOMAIN));
    assert_eq!(of(PEER.name), known(&OF_PEER));
}

#[test]
fn the_sample_fits_a_plain_page() {
    let sample = sample();
    assert!(sample.is_ascii() && sample.lines().all(|line| line.len() <= 100), "{sample}");
}
