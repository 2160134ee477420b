//! JSON in which every member can be named in an error, and none stands twice.
//!
//! `serde_json::Value` keeps the last of two members of one name, so that two parsers could see two
//! documents. Here only what is asked for is looked at, and nothing nests.

use std::fmt;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::document_error::DocumentError;
use crate::target::excerpt;

/// Whether it is JSON in UTF-8, of whatever type.
#[cfg(feature = "client")]
pub(crate) fn is_json(json: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(json).is_ok()
}

/// The text behind a byte order mark, which no JSON text may begin with (RFC 8259 §8.1).
pub(crate) fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json)
}

/// A JSON object, each of whose members stands in it once.
pub(crate) struct Object<'a> {
    path: String,
    members: Vec<(String, &'a RawValue)>,
}

/// A value, and the path that names it.
pub(crate) struct Member<'a> {
    path: String,
    value: &'a str,
}

impl<'a> Object<'a> {
    /// Reads a whole document, which must be one JSON object in UTF-8 and nothing else.
    pub(crate) fn document(json: &'a [u8]) -> Result<Self, DocumentError> {
        let not_json = |why: &dyn fmt::Display| DocumentError::NotJson(why.to_string());
        let text = std::str::from_utf8(json).map_err(|error| not_json(&error))?;
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| not_json(&error))?;
        let document = Member { path: String::new(), value: text.trim_ascii() };
        if !document.value.starts_with('{') {
            return Err(DocumentError::NotAnObject);
        }
        document.object(MEMBERS)
    }

    /// The member of this name, if it is there.
    pub(crate) fn member(&self, name: &str) -> Option<Member<'a>> {
        let (_, value) = self.members.iter().find(|(other, _)| other == name)?;
        Some(Member { path: self.path_of(name), value: value.get() })
    }

    /// The member of this name, which must be there.
    pub(crate) fn required(&self, name: &str) -> Result<Member<'a>, DocumentError> {
        let missing = || DocumentError::member(self.path_of(name), "is missing");
        self.member(name).ok_or_else(missing)
    }

    /// The names of all members.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

impl<'a> Member<'a> {
    /// The error that this member is not what `rule` says.
    pub(crate) fn wrong(&self, rule: &'static str) -> DocumentError {
        DocumentError::member(self.path.clone(), rule)
    }

    /// The path that names it.
    pub(crate) fn into_path(self) -> String {
        self.path
    }

    /// Reads a string.
    pub(crate) fn text(&self) -> Result<String, DocumentError> {
        serde_json::from_str(self.value).map_err(|_| {
            let is_string = self.value.starts_with('"');
            self.wrong(if is_string { "must be Unicode text" } else { "must be a string" })
        })
    }

    /// Reads a non-negative integer, written as one: not `-0`, `1.0` or `1e3`.
    pub(crate) fn integer(&self) -> Result<u64, DocumentError> {
        self.value.parse().map_err(|_| self.wrong("must be a non-negative integer"))
    }

    /// Reads an array of at most `most` values.
    pub(crate) fn list(&self, most: usize) -> Result<Vec<Self>, DocumentError> {
        let mut json = serde_json::Deserializer::from_str(self.value);
        let values = json.deserialize_seq(List { most }).map_err(|_| self.wrong(ARRAY))?;
        if values.len() > most {
            return Err(self.wrong("has too many entries"));
        }
        let item = |(index, value): (usize, &'a RawValue)| Member {
            path: format!("{}[{index}]", self.path),
            value: value.get(),
        };
        Ok(values.into_iter().enumerate().map(item).collect())
    }

    /// Reads an object of at most `most` members.
    pub(crate) fn object(&self, most: usize) -> Result<Object<'a>, DocumentError> {
        let mut json = serde_json::Deserializer::from_str(self.value);
        match json.deserialize_map(Members { most }) {
            Ok(Ok(members)) => Ok(Object { path: self.path.clone(), members }),
            Ok(Err(Fault::Twice(name))) => {
                let object = Object { path: self.path.clone(), members: Vec::new() };
                Err(DocumentError::member(object.path_of(&excerpt(&name)), "stands there twice"))
            }
            Ok(Err(Fault::TooMany)) => Err(self.wrong("has too many members")),
            // What is JSON, and an object, can be wrong only in a name.
            Err(_) if self.value.starts_with('{') => {
                Err(self.wrong("has a member whose name is not Unicode text"))
            }
            Err(_) => Err(self.wrong("must be an object")),
        }
    }
}

/// Collects one value more than there may be, and ignores what follows.
struct List {
    most: usize,
}

impl<'de> Visitor<'de> for List {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ARRAY)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while values.len() <= self.most {
            let Some(value) = list.next_element()? else { return Ok(values) };
            values.push(value);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(values)
    }
}

struct Members {
    most: usize,
}

enum Fault {
    Twice(String),
    TooMany,
}

impl<'de> Visitor<'de> for Members {
    type Value = Result<Vec<(String, &'de RawValue)>, Fault>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::<(String, &RawValue)>::new();
        let fault = loop {
            let Some(name) = map.next_key::<String>()? else { return Ok(Ok(members)) };
            let value = map.next_value()?;
            if members.iter().any(|(other, _)| *other == name) {
                break Fault::Twice(name);
            }
            if members.len() == self.most {
                break Fault::TooMany;
            }
            members.push((name, value));
        };
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Err(fault))
    }
}

const ARRAY: &str = "must be an array";
/// Most members of an object, known or not.
pub(crate) const MEMBERS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn member_error(result: Result<impl Sized, DocumentError>) -> String {
        result.err().unwrap().to_string()
    }

    #[test]
    fn a_member_is_named_by_its_path() {
        let object = Object::document(br#"{"a":[{"b":1},{"b":2}]}"#).unwrap();
        let list = object.member("a").unwrap().list(2).unwrap();
        let entry = list[1].object(1).unwrap();
        assert_eq!(member_error(entry.member("b").unwrap().text()), "`a[1].b`: must be a string");
    }

    #[test]
    fn pd12_a_member_that_stands_twice_is_refused_at_every_level() {
        let document = Object::document(br#"{"x":1,"x":2}"#);
        assert_eq!(member_error(document), "`x`: stands there twice");
        let document = Object::document(br#"{"a":{"\u0078":1,"x":2}}"#).unwrap();
        let inner = document.member("a").unwrap().object(8);
        assert_eq!(member_error(inner), "`a.x`: stands there twice");
    }

    #[test]
    fn half_a_surrogate_pair_is_named_as_what_it_is() {
        let document = Object::document(br#"{"a":{"\ud800":1},"b":"\ud800"}"#).unwrap();
        let inner = document.member("a").unwrap().object(8);
        assert_eq!(member_error(inner), "`a`: has a member whose name is not Unicode text");
        let text = document.member("b").unwrap().text();
        assert_eq!(member_error(text), "`b`: must be Unicode text");
    }

    #[test]
    fn pd18_what_is_not_one_object_in_utf_8_is_not_json() {
        let utf_16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for json in [
            &b""[..],
            b"\xef\xbb\xbf{}",
            &utf_16,
            b"{\"x\":\"\xff\"}",
            b"{} x",
            b"{}{}",
            b"{\"a\":01}",
            b"<html>",
        ] {
            let document = Object::document(json);
            assert!(matches!(document, Err(DocumentError::NotJson(_))), "{json:?}");
        }
    }

    #[test]
    fn json_that_is_no_object_is_json_all_the_same() {
        for json in ["[]", "null", "1", "\"x\""] {
            let document = Object::document(json.as_bytes());
            assert!(matches!(document, Err(DocumentError::NotAnObject)), "{json}");
        }
    }

    #[test]
    fn pd19_what_nobody_asks_for_may_be_as_deep_or_long_as_it_likes() {
        let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
        assert!(Object::document(deep.as_bytes()).is_ok());
        let long = format!(r#"{{"x":{}}}"#, "9".repeat(50_000));
        assert!(Object::document(long.as_bytes()).is_ok());
    }

    #[test]
    fn pd06_only_digits_are_a_non_negative_integer() {
        for number in [
            "-1",
            "-0",
            "1.5",
            "1e3",
            "1.0",
            "\"60\"",
            "null",
            "[]",
            "18446744073709551616",
            "1e400",
        ] {
            let json = format!(r#"{{"n":{number}}}"#);
            let object = Object::document(json.as_bytes()).unwrap();
            assert!(object.member("n").unwrap().integer().is_err(), "{number}");
        }
    }

    #[test]
    fn an_object_of_too_many_members_is_refused() {
        let members: Vec<String> = (0..=MEMBERS).map(|n| format!(r#""{n}":0"#)).collect();
        let document =
            Object::document(format!("{{{}}}", members.join(",")).as_bytes()).map(|_| ());
        assert_eq!(member_error(document), "`the document`: has too many members");
    }
}
