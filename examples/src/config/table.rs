//! Tables of TOML, read key by key, so that what is wrong can be told in words of ours.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Error};

use super::fault::{Fault, Problem};

/// A key, and what it has to have.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it is for, to whoever writes the file.
    pub(super) about: &'static str,
    /// A value, as it is written.
    pub(super) example: &'static str,
    pub(super) need: Need,
    /// What is expected of the value.
    pub(super) whole: &'static str,
    /// What is expected of each entry, where the value is a list.
    pub(super) item: &'static str,
}

/// Whether a key has to be there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// A table; reading a key takes it out.
pub(super) struct Table<'a> {
    span: Range<usize>,
    entries: DeTable<'a>,
}

impl<'a> Table<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Fault> {
        let table = DeTable::parse(text).map_err(|error| not_toml(text, &error))?;
        Ok(Self { span: table.span(), entries: table.into_inner() })
    }

    /// Refuses keys that are not `known` in this table, which has this name, and tells of those
    /// that belong `above`.
    pub(super) fn has_only(
        &self,
        table: &'static str,
        known: &'static [&Key],
        above: &'static [&Key],
    ) -> Result<(), Fault> {
        let is = |keys: &[&Key], name: &str| keys.iter().any(|key| key.name == name);
        let others = self.entries.keys().filter(|key| !is(known, key.get_ref()));
        let Some(key) = others.min_by_key(|key| key.span().start) else { return Ok(()) };
        let name = key.get_ref().clone().into_owned();
        Err(Fault::at(
            key,
            match is(above, &name) {
                true => Problem::Below { name, table },
                false => Problem::Unknown { name, known },
            },
        ))
    }

    pub(super) fn string(&mut self, key: &'static Key) -> Result<Option<Spanned<String>>, Fault> {
        self.entries.remove(key.name).map(|value| string(key, key.whole, value)).transpose()
    }

    pub(super) fn strings(
        &mut self,
        key: &'static Key,
    ) -> Result<Option<Spanned<Vec<Spanned<String>>>>, Fault> {
        self.list(key, |value| string(key, key.item, value))
    }

    pub(super) fn tables(
        &mut self,
        key: &'static Key,
    ) -> Result<Option<Spanned<Vec<Self>>>, Fault> {
        self.list(key, |value| {
            let span = value.span();
            match value.into_inner() {
                DeValue::Table(entries) => Ok(Self { span, entries }),
                other => Err(wrong_type(key, key.item, span, &other)),
            }
        })
    }

    /// `value`, of a key that has to be there.
    pub(super) fn required<T>(&self, key: &'static Key, value: Option<T>) -> Result<T, Fault> {
        let missing = || Fault { span: self.span.clone(), problem: Problem::Missing { key } };
        value.ok_or_else(missing)
    }

    fn list<T>(
        &mut self,
        key: &'static Key,
        item: impl Fn(Spanned<DeValue<'a>>) -> Result<T, Fault>,
    ) -> Result<Option<Spanned<Vec<T>>>, Fault> {
        let Some(value) = self.entries.remove(key.name) else { return Ok(None) };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(items) => {
                let items: Result<_, _> = DeArray::into_iter(items).map(item).collect();
                Ok(Some(Spanned::new(span, items?)))
            }
            other => Err(wrong_type(key, key.whole, span, &other)),
        }
    }
}

fn string(
    key: &'static Key,
    expected: &'static str,
    value: Spanned<DeValue<'_>>,
) -> Result<Spanned<String>, Fault> {
    let span = value.span();
    match value.into_inner() {
        DeValue::String(text) => Ok(Spanned::new(span, text.into_owned())),
        other => Err(wrong_type(key, expected, span, &other)),
    }
}

fn wrong_type(
    key: &'static Key,
    expected: &'static str,
    span: Range<usize>,
    found: &DeValue<'_>,
) -> Fault {
    let found = match found {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "one table",
    };
    Fault { span, problem: Problem::Type { key, found, expected } }
}

fn not_toml(text: &str, error: &Error) -> Fault {
    let span = error.span().unwrap_or_default();
    let problem = match (error.message(), text.get(span.clone())) {
        ("duplicate key", Some(key)) => Problem::Repeated { name: key.to_owned() },
        // What was expected is ours to say.
        (message, _) => {
            let found = message.split([',', '\n']).next().unwrap_or_default();
            Problem::Toml(found.to_owned())
        }
    };
    Fault { span, problem }
}
