use super::*;
use crate::error::ErrorKind;

const MESSAGE: &str = r#"{"message":"No.","detail":"Because."}"#;
const HTML: &str = "<html>Sign in</html>";

fn judged_after(seconds: f64, status: u16, body: &str) -> Result<(), DialError> {
    let took = Duration::from_secs_f64(seconds);
    judge(Answer::new(status, body.as_bytes(), "hunter2", took))
}

fn judged(status: u16, body: &str) -> Result<(), DialError> {
    judged_after(0.1, status, body)
}

fn error(message: &str) -> String {
    serde_json::json!({ "message": message, "detail": "" }).to_string()
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
fn state_in_the_refusal_is_the_reason_and_an_unknown_one_blames_no_agent() {
    let in_state = |state: &str| {
        error(&format!(
            "Agent state is \"{state}\", it must be in the \"connected\" state."
        ))
    };
    for state in STATES {
        let state = state.to_owned();
        assert_eq!(
            judged(400, &in_state(&state)),
            Err(DialError::Unreachable { state })
        );
    }
    for odd in ["", "a b", "<b>", "some_new_state"] {
        blames_us(400, &in_state(odd), "400");
    }
}

#[test]
fn error_after_the_dial_is_an_agent_that_answered() {
    for message in [
        "Internal error fetching listening ports.",
        "Internal error fetching workspace apps.",
    ] {
        assert_eq!(judged(500, &error(message)), Ok(()), "{message}");
        // Only Coder's own 500 comes after the dial.
        blames_us(503, &error(message), "503");
    }
}

#[test]
fn error_of_the_dial_itself_is_coderds_deadline_once_it_took_that_long() {
    let body = error("Internal error dialing workspace agent.");
    let message = "coderd: Internal error dialing workspace agent.".to_owned();
    for seconds in [0.1, 29.999] {
        let failed = DialError::Failed(message.clone());
        assert_eq!(judged_after(seconds, 500, &body), Err(failed));
    }
    let after = Duration::from_secs(30);
    let gave_up = DialError::GaveUp { after, message };
    assert_eq!(judged_after(30.0, 500, &body), Err(gave_up));
}

#[test]
fn any_other_error_of_coders_blames_no_agent() {
    for message in [
        "Internal error fetching workspace agent.",
        "Internal error fetching API key by id.",
        "No.",
    ] {
        for status in [500, 502, 503, 504] {
            blames_us(status, &error(message), message);
        }
    }
    blames_us(400, &error("Agent is busy."), "Agent is busy.");
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
        blames_us(403, body, "template admin");
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
