//! One answer of Coder's, or of something in its place.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::{ErrorKind, Failure};

/// What of a message is passed on.
const MOST_CHARACTERS: usize = 200;
/// How Coder answers for a path it does not serve, in its own JSON.
const NO_ROUTE: &str = "Route not found";
/// All that Coder says at `/healthz`.
const HEALTHY: &[u8] = b"OK";

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// What came with it.
    pub body: Body,
    /// From the question to the end of the answer.
    pub took: Duration,
    is_healthy: bool,
}

/// What a body turns out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Coder's own words about what went wrong, fit to be shown.
    Message(String),
    /// Any other object: what was asked for, if it has the fields that belong to it.
    Object(Map<String, Value>),
    /// Nothing of Coder's: something else stands at CODER_URL, or in the way.
    Foreign,
}

impl Answer {
    /// Reads an answer; what Coder or a proxy may repeat of `token` is taken out.
    pub fn new(status: u16, bytes: &[u8], token: &str, took: Duration) -> Self {
        Self {
            status,
            body: Body::read(bytes, token),
            took,
            is_healthy: bytes.trim_ascii() == HEALTHY,
        }
    }

    pub(super) fn is_healthz(&self) -> bool {
        self.status == 200 && self.is_healthy
    }

    /// The object that was asked for.
    ///
    /// # Errors
    ///
    /// What stands in the way, as a failure of ours: no agent is to blame.
    pub fn object(self) -> Result<Map<String, Value>, Failure> {
        match self.body {
            Body::Object(object) if self.status == 200 => Ok(object),
            body => Err(trouble(self.status, &body)),
        }
    }
}

impl Body {
    /// Reads a body.
    fn read(bytes: &[u8], token: &str) -> Self {
        let Ok(Value::Object(json)) = serde_json::from_slice(bytes) else {
            return Self::Foreign;
        };
        let text = |key| json.get(key).and_then(Value::as_str).map(str::trim);
        match (text("message"), text("detail")) {
            (Some(message), Some(detail)) if !detail.is_empty() => {
                Self::Message(presentable(&format!("{message} {detail}"), token))
            }
            (Some(message), _) => Self::Message(presentable(message, token)),
            (None, _) => Self::Object(json),
        }
    }

    /// Whether Coder itself says that there is no such thing, and not that there is no such path.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Message(message) if !message.starts_with(NO_ROUTE))
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

/// What is wrong with an answer that is not what was asked for: our token, the way to Coder,
/// Coder itself. Never an agent.
pub fn trouble(status: u16, body: &Body) -> Failure {
    use Body::Message;
    let problem = match (status, body) {
        (200, _) => "does not answer like Coder: check for a login page in front of it".into(),
        (300..=399, _) => {
            format!("answers {status}, a redirect: use the address it redirects to")
        }
        (401, _) => {
            "refuses the token (401): if it has expired, write a new one to --coder.token-file"
                .into()
        }
        (403, _) => {
            "does not allow the token to read agents (403): use the token of a user with the role \
             template admin"
                .into()
        }
        (404, _) => "is not Coder (404): use the access URL of Coder".into(),
        (429, _) => {
            "limits the request rate (429): lower --probe.sample or raise --probe.interval".into()
        }
        (_, Message(message)) => format!("answers {status}: {message}"),
        (502..=504, _) => format!("is down: a proxy answers {status} instead"),
        _ => format!("answers {status}, but not like Coder"),
    };
    let kind = match status {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        _ => ErrorKind::Connect,
    };
    Failure::new(kind, format!("the server at --coder.url {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> Answer {
        Answer::new(status, text.as_bytes(), "hunter2", Duration::ZERO)
    }

    #[test]
    fn only_coders_own_word_is_a_healthy_coder() {
        for healthy in ["OK", "OK\n"] {
            assert!(answer(200, healthy).is_healthz());
        }
        for (status, body) in [(200, "<html>OK</html>"), (200, ""), (503, "OK")] {
            assert!(!answer(status, body).is_healthz(), "{status} {body}");
        }
    }

    #[test]
    fn messages_are_one_short_line_without_the_token() {
        let long = "x".repeat(500);
        let body = answer(
            500,
            &format!(r#"{{"message":"a\nb\u0007 hunter2 {long}"}}"#),
        )
        .body;
        let Body::Message(message) = body else {
            panic!("no message: {body:?}");
        };
        assert!(message.starts_with("a b  [token] xxx"), "{message}");
        assert_eq!(message.len(), MOST_CHARACTERS);
        let escaped = answer(400, r#"{"message":"\u0068unter2"}"#);
        assert!(!format!("{escaped:?}").contains("hunter2"));
    }

    #[test]
    fn object_is_what_was_asked_for_and_nothing_else_is() {
        let object = answer(200, r#"{"version":"v2.35.1"}"#).object().unwrap();
        assert_eq!(object["version"], "v2.35.1");
        for (status, body, hint) in [
            (200, "<html>", "login page"),
            (200, r#"{"message":"Hm."}"#, "login page"),
            (401, "", "--coder.token-file"),
            (404, "{}", "access URL"),
            (500, r#"{"message":"No."}"#, "answers 500: No."),
            (502, "<html>", "a proxy"),
        ] {
            let failure = answer(status, body).object().unwrap_err();
            assert!(failure.message.contains(hint), "{failure}");
        }
    }
}
