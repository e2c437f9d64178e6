//! What an answer says, and of whom: the agent, or us and the way to Coder.

use serde_json::Value;

use crate::error::{ErrorKind, Failure};
use crate::resolver::DialError;

/// What of a message is passed on.
const MOST_CHARACTERS: usize = 200;
/// How Coder begins when it does not dial an agent, with the state in quotes.
const STATE_PREFIX: &str = "Agent state is \"";
/// How Coder answers for a path it does not serve, in its own JSON.
const NO_ROUTE: &str = "Route not found";

/// What a body turns out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body {
    /// The list that was asked for.
    Ports,
    /// Coder's own words, fit to be shown.
    Message(String),
    /// Nothing of Coder's: something else stands at CODER_URL, or in the way.
    Foreign,
}

impl Body {
    /// Reads a body; what Coder or a proxy may repeat of `token` is taken out.
    pub(super) fn read(bytes: &[u8], token: &str) -> Self {
        let Ok(Value::Object(json)) = serde_json::from_slice(bytes) else {
            return Self::Foreign;
        };
        // A list that is empty may be null.
        if let Some(Value::Array(_) | Value::Null) = json.get("ports") {
            return Self::Ports;
        }
        let text = |key| json.get(key).and_then(Value::as_str).map(str::trim);
        match (text("message"), text("detail")) {
            (Some(message), Some(detail)) if !detail.is_empty() => {
                Self::Message(presentable(&format!("{message} {detail}"), token))
            }
            (Some(message), _) => Self::Message(presentable(message, token)),
            (None, _) => Self::Foreign,
        }
    }
}

/// One short line without the token.
pub(super) fn presentable(text: &str, token: &str) -> String {
    let text = match token.is_empty() {
        true => text.to_owned(),
        false => text.replace(token, "[token]"),
    };
    let plain = |it: char| if it.is_control() { ' ' } else { it };
    text.chars().take(MOST_CHARACTERS).map(plain).collect()
}

/// Whether the agent was reached, by the status of the answer and its body.
pub(super) fn judge(status: u16, body: Body) -> Result<(), DialError> {
    use Body::{Foreign, Message, Ports};
    let problem = match (status, body) {
        (200, Ports) => return Ok(()),
        (400, Message(message)) => return Err(not_dialed(message)),
        (404, Message(message)) if !message.starts_with(NO_ROUTE) => {
            return Err(DialError::NoSuchAgent);
        }
        (500..=599, Message(message)) => {
            return Err(DialError::Failed(format!("coderd: {message}")));
        }
        (200, _) => "does not answer like Coder: check for a login page in front of it".into(),
        (300..=399, _) => {
            format!("answers {status}, a redirect: use the address it redirects to")
        }
        (401, _) => {
            "refuses the token (401): if it has expired, write a new one to --coder.token-file"
                .into()
        }
        (403, _) => "does not allow the token to read agents (403): use the token of a user with that permission".into(),
        (404, _) => "is not Coder (404): use the access URL of Coder".into(),
        (429, _) => {
            "limits the request rate (429): lower --probe.sample or raise --probe.interval"
                .into()
        }
        (502..=504, _) => format!("is down: a proxy answers {status} instead"),
        (_, Message(message)) => format!("answers {status}: {message}"),
        (_, Ports | Foreign) => format!("answers {status}, but not like Coder"),
    };
    let kind = match status {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        _ => ErrorKind::Connect,
    };
    let message = format!("the server at --coder.url {problem}");
    Err(DialError::Exporter(Failure::new(kind, message)))
}

/// Coder asked for another state than the agent is in, or else the dial went wrong.
fn not_dialed(message: String) -> DialError {
    let state = message
        .strip_prefix(STATE_PREFIX)
        .and_then(|it| it.split_once('"'))
        .map(|(state, _)| state)
        .filter(|it| !it.is_empty() && it.len() <= 32)
        .filter(|it| it.bytes().all(|it| it.is_ascii_lowercase() || it == b'_'));
    match state {
        Some(state) => DialError::Unreachable {
            state: state.to_owned(),
        },
        None => DialError::Failed(format!("coderd: {message}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> Result<(), DialError> {
        judge(status, Body::read(body.as_bytes(), "hunter2"))
    }

    #[track_caller]
    fn blames_us(status: u16, body: &str, hint: &str) {
        match judged(status, body) {
            Err(DialError::Exporter(failure)) => {
                assert!(failure.message.contains(hint), "{failure}");
                let expected = match status {
                    401 => ErrorKind::Authentication,
                    403 => ErrorKind::Permission,
                    _ => ErrorKind::Connect,
                };
                assert_eq!(failure.kind, expected, "{failure}");
            }
            other => panic!("{status} {body}: {other:?}"),
        }
    }

    const MESSAGE: &str = r#"{"message":"No.","detail":"Because."}"#;
    const HTML: &str = "<html>Sign in</html>";

    #[test]
    fn list_of_ports_is_an_agent_that_answered() {
        for body in [
            r#"{"ports":[]}"#,
            r#"{"ports":null}"#,
            r#"{"ports":[{"process_name":"sshd","network":"tcp","port":22}],"new":1}"#,
        ] {
            assert_eq!(judged(200, body), Ok(()), "{body}");
        }
    }

    #[test]
    fn success_without_the_list_is_not_coder() {
        for body in ["", "{}", "[]", "null", HTML, r#"{"ports":7}"#, MESSAGE] {
            blames_us(200, body, "login page");
        }
        for status in [201, 204] {
            blames_us(status, r#"{"ports":[]}"#, "not like Coder");
        }
    }

    #[test]
    fn state_in_the_refusal_is_the_reason() {
        for state in ["disconnected", "timeout", "connecting", "some_new_state"] {
            let message = format!(
                r#"{{"message":"Agent state is \"{state}\", it must be in the \"connected\" state."}}"#
            );
            let state = state.to_owned();
            assert_eq!(judged(400, &message), Err(DialError::Unreachable { state }));
        }
        for odd in ["", "a b", "<b>"] {
            let message = format!(r#"{{"message":"Agent state is \"{odd}\", it must"}}"#);
            assert!(matches!(judged(400, &message), Err(DialError::Failed(_))));
        }
    }

    #[test]
    fn other_refusals_of_coders_are_dials_that_failed() {
        for status in [400, 500, 502, 503, 504] {
            let expected = DialError::Failed("coderd: No. Because.".into());
            assert_eq!(judged(status, MESSAGE), Err(expected), "{status}");
        }
    }

    #[test]
    fn only_coder_can_say_that_there_is_no_such_agent() {
        assert_eq!(judged(404, MESSAGE), Err(DialError::NoSuchAgent));
        blames_us(404, HTML, "is not Coder");
        blames_us(404, r#"{"message":"Route not found."}"#, "is not Coder");
    }

    #[test]
    fn what_is_between_us_and_coder_blames_no_agent() {
        for body in [MESSAGE, HTML, r#"{"ports":[]}"#, ""] {
            blames_us(401, body, "--coder.token-file");
            blames_us(403, body, "token");
            blames_us(302, body, "redirect");
            blames_us(429, body, "--probe.sample");
        }
        blames_us(
            400,
            "Client sent an HTTP request to an HTTPS server.",
            "400",
        );
        blames_us(418, MESSAGE, "No. Because.");
        blames_us(500, HTML, "500");
        for status in 502..=504 {
            blames_us(status, HTML, "is down");
        }
    }

    #[test]
    fn messages_are_one_short_line_without_the_token() {
        let body = format!(r#"{{"message":"a\nb\u0007 hunter2 {}"}}"#, "x".repeat(500));
        let Err(DialError::Failed(message)) = judged(500, &body) else {
            panic!("no failure");
        };
        assert!(message.starts_with("coderd: a b  [token] xxx"), "{message}");
        assert!(message.len() < 250, "{message}");
        let escaped = r#"{"message":"\u0068unter2"}"#;
        assert!(!format!("{:?}", judged(400, escaped)).contains("hunter2"));
    }
}
