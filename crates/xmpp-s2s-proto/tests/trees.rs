//! What a stanza says is the same before and after it is written, whatever it holds.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceResolver, ResolveResult};
use quick_xml::reader::NsReader;
use xmpp_s2s_proto::{Namespace, Stanza};

/// What a stanza may hold.
#[derive(Clone, Debug)]
enum Node {
    Text(&'static str),
    /// In the namespace around it, which it declares once more or not.
    Inner {
        declares: bool,
        attribute: &'static str,
        nodes: Vec<Self>,
    },
    /// In a namespace of its own, as default.
    Foreign(Vec<Self>),
    /// In a namespace of its own, with a prefix.
    Prefixed(Vec<Self>),
    /// A stanza in another element, which keeps its namespace.
    Forwarded(Namespace, Vec<Self>),
}

impl Node {
    /// Writes it where `default` is the default namespace.
    fn write(&self, default: &str, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Inner { declares, attribute, nodes } => {
                let again = if *declares { format!(" xmlns='{default}'") } else { String::new() };
                let _ = write!(out, "<body{again}{attribute}>");
                Self::write_all(nodes, default, out);
                out.push_str("</body>");
            }
            Self::Foreign(nodes) => {
                out.push_str("<x xmlns=\"urn:x\">");
                Self::write_all(nodes, "urn:x", out);
                out.push_str("</x>");
            }
            Self::Prefixed(nodes) => {
                out.push_str("<p:x xmlns:p='urn:p' p:a='>'>");
                Self::write_all(nodes, default, out);
                out.push_str("</p:x>");
            }
            Self::Forwarded(namespace, nodes) => {
                let name = namespace.as_str();
                let _ = write!(out, "<f xmlns='urn:f'><message xmlns='{name}'>");
                Self::write_all(nodes, name, out);
                out.push_str("</message></f>");
            }
        }
    }

    fn write_all(nodes: &[Self], default: &str, out: &mut String) {
        nodes.iter().for_each(|node| node.write(default, out));
    }
}

fn node() -> impl Strategy<Value = Node> {
    let text = select(vec!["text", "&lt;&#65;", "<![CDATA[<body xmlns='jabber:client'>]]>", "\n>"]);
    text.prop_map(Node::Text).prop_recursive(5, 40, 4, |inner| {
        let nodes = vec(inner, 0..4);
        let namespace = select(vec![Namespace::Client, Namespace::Server]);
        let attribute = select(vec!["", " a='>'", " xml:lang = \"de\"", " xmlns:q='urn:q' q:a=''"]);
        prop_oneof![
            (any::<bool>(), attribute, nodes.clone()).prop_map(|(declares, attribute, nodes)| {
                Node::Inner { declares, attribute, nodes }
            }),
            nodes.clone().prop_map(Node::Foreign),
            nodes.clone().prop_map(Node::Prefixed),
            (namespace, nodes).prop_map(|(namespace, nodes)| Node::Forwarded(namespace, nodes)),
        ]
    })
}

/// A stanza in `namespace`, which it declares or not.
fn write(nodes: &[Node], namespace: &str, declaration: &str) -> String {
    let mut out = format!("<message from='a.example'{declaration} to='b.example'>");
    Node::write_all(nodes, namespace, &mut out);
    out + "</message>"
}

/// One line for each token, names with their namespaces, as another reader sees them.
fn tree(xml: &str) -> Vec<String> {
    let mut reader = NsReader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut lines = Vec::new();
    loop {
        let (namespace, event) = reader.read_resolved_event().unwrap();
        let namespace = describe(&namespace);
        match event {
            Event::Start(tag) => {
                let local = tag.local_name();
                lines.push(format!("<{namespace} {}", AsRef::<str>::as_ref(&local)));
                lines.extend(attributes(&tag, reader.resolver()));
            }
            Event::End(_) => lines.push(">".to_owned()),
            Event::Eof => return lines,
            event => lines.push(format!("{event:?}")),
        }
    }
}

fn attributes(tag: &BytesStart<'_>, resolver: &NamespaceResolver) -> Vec<String> {
    let attributes = tag.attributes().map(Result::unwrap);
    let own = attributes.filter(|attribute| attribute.key.as_namespace_binding().is_none());
    let mut lines: Vec<_> = own
        .map(|attribute| {
            let (namespace, local) = resolver.resolve_attribute(attribute.key);
            let local: &str = local.as_ref();
            format!(" {} {local}={}", describe(&namespace), attribute.value)
        })
        .collect();
    lines.sort();
    lines
}

fn describe(namespace: &ResolveResult<'_>) -> String {
    match namespace {
        ResolveResult::Bound(name) => AsRef::<str>::as_ref(name).to_owned(),
        ResolveResult::Unbound => "-".to_owned(),
        ResolveResult::Unknown(prefix) => panic!("{prefix} is not declared"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_changes_but_the_namespace_of_the_stanza(nodes in vec(node(), 0..4)) {
        for own in [Namespace::Client, Namespace::Server] {
            let declaration = format!(" xmlns='{}'", own.as_str());
            let stanza = Stanza::parse(write(&nodes, own.as_str(), &declaration)).unwrap();
            for wanted in [Namespace::Client, Namespace::Server] {
                let declaration = format!(" xmlns='{}'", wanted.as_str());
                let expected = write(&nodes, wanted.as_str(), &declaration);
                let written = stanza.to_xml(wanted);
                prop_assert_eq!(tree(&written), tree(&expected));
                let again = Stanza::parse(written.into_owned()).unwrap();
                prop_assert_eq!(tree(&again.to_xml(own)), tree(&stanza.to_xml(own)));
            }
        }
    }

    #[test]
    fn a_stanza_without_namespace_gets_the_wanted_one(nodes in vec(node(), 0..4)) {
        let stanza = Stanza::parse(write(&nodes, "", "")).unwrap();
        for wanted in [Namespace::Client, Namespace::Server] {
            let declaration = format!(" xmlns='{}'", wanted.as_str());
            let expected = write(&nodes, wanted.as_str(), &declaration);
            prop_assert_eq!(tree(&stanza.to_xml(wanted)), tree(&expected));
        }
    }
}
