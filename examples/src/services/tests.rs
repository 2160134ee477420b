use super::*;
use xmpp_s2s::Namespace;

fn stanza(xml: &str) -> Stanza {
    Stanza::parse(xml.to_owned()).unwrap()
}

fn request(kind: &str, to: &str, payload: &str) -> Stanza {
    stanza(&format!(
        "<iq xmlns='jabber:server' type='{kind}' id='1&amp;2' from='juliet@a.example/&lt;' \
         to='{to}'>{payload}</iq>"
    ))
}

fn get(to: &str, payload: &str) -> String {
    answer(&request("get", to, payload)).unwrap().to_xml(Namespace::Server).into_owned()
}

fn message(attributes: &str, content: &str) -> Stanza {
    stanza(&format!("<message xmlns='jabber:server' {attributes}>{content}</message>"))
}

const ADDRESSED: &str = "from='juliet@a.example/balcony' to='echo@b.example'";

#[test]
fn a_ping_is_answered_from_the_address_that_was_pinged() {
    for address in ["b.example", "echo@b.example", "echo@b.example/x"] {
        let answer = answer(&request("get", address, "<ping xmlns='urn:xmpp:ping'/>")).unwrap();
        assert_eq!(answer.stanza_type(), Some("result"));
        assert_eq!(answer.id(), Some("1&2"));
        assert_eq!(answer.sender(), address);
        assert_eq!(answer.recipient(), "juliet@a.example/<");
    }
}

#[test]
fn accounts_that_do_not_exist_are_unavailable() {
    for address in ["anybody@b.example", "anybody@b.example/x", "b.example/echo@b.example"] {
        for payload in ["<ping xmlns='urn:xmpp:ping'/>", "<query xmlns='jabber:iq:version'/>"] {
            let answer = get(address, payload);
            assert!(answer.contains("service-unavailable"), "{address}: {answer}");
        }
    }
}

#[test]
fn an_echo_has_the_quotes_of_its_message() {
    let message = message(ADDRESSED, "<body>it's &lt;\"&amp;&gt;</body>");
    let echo = answer(&message).unwrap();
    let xml = echo.to_xml(Namespace::Server);
    assert!(xml.contains("<body>it's &lt;\"&amp;&gt;</body>"), "{xml}");
}

#[test]
fn a_ping_by_any_prefix_is_a_ping() {
    let answer = get("b.example", "<p:ping xmlns:p='urn:xmpp:ping'/>");
    assert!(answer.contains("type=\"result\""), "{answer}");
}

#[test]
fn version_names_the_program() {
    let answer = get("b.example", "<query xmlns='jabber:iq:version'/>");
    assert!(answer.contains("<name>federating-server</name>"), "{answer}");
    assert!(answer.contains(concat!("<version>", env!("CARGO_PKG_VERSION"))), "{answer}");
}

#[test]
fn disco_info_lists_what_is_answered() {
    let answer = get("b.example", "<query xmlns='http://jabber.org/protocol/disco#info'/>");
    assert!(answer.contains("category=\"server\" type=\"im\""), "{answer}");
    for feature in [PING, VERSION, DISCO_INFO, DISCO_ITEMS] {
        assert!(answer.contains(&format!("<feature var=\"{feature}\"/>")), "{feature} {answer}");
    }
}

#[test]
fn disco_info_of_a_node_is_not_found() {
    let query = "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>";
    let answer = get("b.example", query);
    assert!(answer.contains("item-not-found"), "{answer}");
}

#[test]
fn disco_items_of_the_domain_are_the_echo_account() {
    let answer = get("b.example", "<query xmlns='http://jabber.org/protocol/disco#items'/>");
    assert!(answer.contains("<item jid=\"echo@b.example\"/>"), "{answer}");
}

#[test]
fn disco_items_of_an_account_are_none() {
    let answer = get("echo@b.example", "<query xmlns='http://jabber.org/protocol/disco#items'/>");
    assert!(answer.contains("type=\"result\"") && !answer.contains("<item"), "{answer}");
}

#[test]
fn unknown_requests_are_unavailable() {
    for (kind, payload) in [
        ("get", "<query xmlns='jabber:iq:roster'/>"),
        ("set", "<query xmlns='jabber:iq:private'/>"),
        ("get", "<ping/>"),
    ] {
        let answer = answer(&request(kind, "b.example", payload)).unwrap();
        assert_eq!(answer.stanza_type(), Some("error"));
        assert!(answer.to_xml(Namespace::Server).contains("service-unavailable"), "{payload}");
    }
}

#[test]
fn a_request_without_one_payload_is_bad() {
    for payload in ["", "<ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/>"] {
        assert!(get("b.example", payload).contains("bad-request"), "{payload}");
    }
}

#[test]
fn results_and_errors_are_not_answered() {
    for kind in ["result", "error"] {
        let stanza = request(kind, "b.example", "<ping xmlns='urn:xmpp:ping'/>");
        assert_eq!(answer(&stanza), None, "{kind}");
    }
}

#[test]
fn a_message_to_echo_comes_back_with_the_same_body() {
    for kind in ["", "type='chat'", "type='normal'"] {
        let body = "a &lt;b&gt; &amp;&#x41; <![CDATA[<c>]]>\n&quot;";
        let content = format!("<active xmlns='x'/><body>{body}</body>");
        let message = message(&format!("{ADDRESSED} id='m' {kind}"), &content);
        let echo = answer(&message).unwrap();
        assert_eq!(echo.sender(), "echo@b.example");
        assert_eq!(echo.recipient(), "juliet@a.example/balcony");
        assert_eq!((echo.id(), echo.stanza_type()), (Some("m"), message.stanza_type()));
        assert_eq!(children(&echo)[0].text, "a <b> &A <c>\n\"");
    }
}

#[test]
fn messages_that_are_not_for_echo_are_left_alone() {
    for (attributes, content) in [
        ("from='j@a.example' to='romeo@b.example' type='chat'", "<body>hi</body>"),
        ("from='j@a.example' to='b.example/echo@b.example'", "<body>hi</body>"),
        ("from='j@a.example' to='echo@b.example' type='error'", "<body>hi</body>"),
        ("from='j@a.example' to='echo@b.example' type='groupchat'", "<body>hi</body>"),
        ("from='j@a.example' to='echo@b.example' type='headline'", "<body>hi</body>"),
        ("from='j@a.example' to='echo@b.example' type='chat'", "<active xmlns='x'/>"),
        ("from='j@a.example' to='echo@b.example' type='chat'", "<body/>"),
        ("from='j@a.example' to='echo@b.example' type='chat'", "<body xmlns='x'>hi</body>"),
    ] {
        assert_eq!(answer(&message(attributes, content)), None, "{attributes} {content}");
    }
}

#[test]
fn echo_does_not_answer_another_echo() {
    let attributes = "from='echo@a.example' to='echo@b.example' type='chat'";
    assert_eq!(answer(&message(attributes, "<body>hi</body>")), None);
}

#[test]
fn no_answer_has_an_answer() {
    let requests = [
        request("get", "b.example", "<ping xmlns='urn:xmpp:ping'/>"),
        request("get", "b.example", "<unknown xmlns='x'/>"),
        message(&format!("{ADDRESSED} type='chat'"), "<body>hi</body>"),
    ];
    for request in requests {
        let first = answer(&request).unwrap();
        assert_eq!(answer(&first), None, "{request:?}");
    }
}

#[test]
fn presence_is_left_alone() {
    let xml = "<presence xmlns='jabber:server' from='j@a.example' to='echo@b.example'/>";
    assert_eq!(answer(&stanza(xml)), None);
}
