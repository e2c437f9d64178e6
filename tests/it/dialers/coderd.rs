//! What each answer of coderd's means, and each way to fail to answer.

use std::sync::Arc;
use std::time::Duration;

use coder_agent_exporter::coder_api::CoderApi;
use coder_agent_exporter::config::coder_token::Token;
use coder_agent_exporter::dialer::coderd::Coderd;
use coder_agent_exporter::resolver::{DialError, Dialer};
use rustls::RootCertStore;
use tokio::time::timeout;
use uuid::Uuid;

use crate::harness::coderd::{Answer, StandIn, TOKEN};
use crate::harness::*;

use super::{target, token};

fn dialer(url: &str, token: Token) -> Coderd {
    Coderd::new(Arc::new(api(url, token)))
}

fn api(url: &str, token: Token) -> CoderApi {
    CoderApi::trusting(url.parse().unwrap(), Some(token), RootCertStore::empty()).unwrap()
}

/// What a dial of an agent comes to about which coderd answers so.
async fn dial(answer: Answer) -> Result<(), DialError> {
    let coderd = StandIn::start().await;
    let agent = Uuid::new_v4();
    coderd.answer(agent, answer);
    let dialer = dialer(&coderd.url("127.0.0.1"), token());
    let dialed = timeout(Duration::from_secs(20), dialer.dial(&target(agent))).await;
    assert_eq!(coderd.requests().len(), 1, "asked once, never again");
    dialed.expect("an answer, however bad, ends the dial")
}

#[track_caller]
fn assert_ours(dialed: &Result<(), DialError>, hint: &str) {
    match dialed {
        Err(DialError::Exporter(it)) => assert!(it.message.contains(hint), "{it}"),
        other => panic!("an agent is blamed, or nobody: {other:?}"),
    }
}

#[tokio::test]
async fn agent_whose_ports_coderd_lists_is_reached() {
    assert_eq!(dial(Answer::ports()).await, Ok(()));
    let null = Answer::Json(200, r#"{"ports":null}"#.into());
    assert_eq!(dial(null).await, Ok(()));
}

#[tokio::test]
async fn agent_whose_state_coderd_names_is_unreachable_for_it() {
    for state in ["disconnected", "timeout", "connecting"] {
        let state = state.to_owned();
        let dialed = dial(Answer::in_state(&state)).await;
        assert_eq!(dialed, Err(DialError::Unreachable { state }));
    }
}

#[tokio::test]
async fn agent_that_coderd_does_not_get_through_to_failed() {
    let dialed = dial(Answer::error(
        500,
        "Internal error dialing workspace agent.",
    ))
    .await;
    assert!(matches!(dialed, Err(DialError::Failed(_))), "{dialed:?}");
}

#[tokio::test]
async fn agent_whose_ports_coderd_could_not_fetch_was_reached() {
    for what in ["listening ports", "workspace apps"] {
        let message = format!("Internal error fetching {what}.");
        assert_eq!(dial(Answer::error(500, &message)).await, Ok(()));
    }
}

#[tokio::test]
async fn errors_of_coders_own_blame_no_agent() {
    for (status, message) in [
        (400, "Agent is busy."),
        (500, "Internal error fetching workspace agent."),
        (503, "Not now."),
    ] {
        assert_ours(&dial(Answer::error(status, message)).await, message);
    }
}

#[tokio::test]
async fn coder_that_does_not_say_that_it_is_healthy_is_not_up() {
    let coderd = StandIn::start().await;
    let api = api(&coderd.url("127.0.0.1"), token());
    assert!(api.healthz().await.is_ok());
    for (answer, hint) in [
        (Answer::Page(200), "login page"),
        (Answer::Page(502), "502"),
        (Answer::Redirect("http://elsewhere".into()), "302"),
        (Answer::HangUp, "did not finish"),
        (Answer::Never, "within 2 s"),
    ] {
        coderd.set_health(answer);
        let failure = api.healthz().await.unwrap_err();
        assert!(failure.message.contains(hint), "{failure}");
    }
    assert_eq!(coderd.requests().len(), 0);
}

#[tokio::test]
async fn agent_that_coderd_does_not_know_is_no_such_agent() {
    let unknown = dial(Answer::error(404, "Resource not found")).await;
    assert_eq!(unknown, Err(DialError::NoSuchAgent));
}

#[tokio::test]
async fn answers_of_others_than_coder_blame_no_agent() {
    for (answer, hint) in [
        (Answer::Page(200), "login page"),
        (Answer::Json(200, "{}".into()), "login page"),
        (Answer::Page(400), "400"),
        (Answer::Page(401), "token"),
        (Answer::error(403, "Forbidden."), "token"),
        (Answer::Page(404), "is not Coder"),
        (Answer::error(429, "Slow down."), "429"),
        (Answer::Page(500), "500"),
        (Answer::Page(502), "is down"),
        (Answer::Page(503), "is down"),
        (Answer::Page(504), "is down"),
    ] {
        assert_ours(&dial(answer).await, hint);
    }
}

#[tokio::test]
async fn answer_that_breaks_off_blames_no_agent() {
    for answer in [
        Answer::HangUp,
        Answer::CutInHeaders,
        Answer::CutInBody,
        Answer::Garbage,
    ] {
        assert_ours(&dial(answer).await, "did not finish its response");
    }
}

#[tokio::test]
async fn body_without_an_end_is_not_read_to_it() {
    let coderd = StandIn::start().await;
    let agent = Uuid::new_v4();
    coderd.answer(agent, Answer::EndlessBody);
    let dialer = dialer(&coderd.url("127.0.0.1"), token());
    assert_ours(&dialer.dial(&target(agent)).await, "login page");
    eventually("the connection is closed", async || {
        coderd.connections().0 == 0
    })
    .await;
}

#[tokio::test]
async fn redirect_is_not_followed_and_the_token_stays_here() {
    let elsewhere = StandIn::start().await;
    let dialed = dial(Answer::Redirect(elsewhere.url("127.0.0.1"))).await;
    assert_ours(&dialed, "302");
    assert_eq!(elsewhere.connections().1, 0);
}

#[tokio::test]
async fn coderd_that_is_not_there_blames_no_agent() {
    let coderd = StandIn::start().await;
    let gone = coderd.url("127.0.0.1");
    drop(coderd);
    for (url, hint) in [
        (gone.as_str(), "cannot be reached"),
        ("http://coder.invalid", "cannot"),
    ] {
        eventually("it is refused", async || {
            let dialed = dialer(url, token()).dial(&target(Uuid::new_v4())).await;
            matches!(&dialed, Err(DialError::Exporter(it)) if it.message.contains(hint))
        })
        .await;
    }
}

/// A socket whose backlog is full takes no connection and refuses none.
#[tokio::test]
async fn coderd_that_takes_no_connection_is_given_up_long_before_a_dial_would_be() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let connect = || tokio::net::TcpStream::connect(address);
    while let Ok(Ok(stream)) = timeout(Duration::from_millis(500), connect()).await {
        waiting.push(stream);
        assert!(waiting.len() < 200, "the backlog never fills");
    }
    let dialer = dialer(&format!("http://{address}"), token());
    let dialed = timeout(
        Duration::from_secs(15),
        dialer.dial(&target(Uuid::new_v4())),
    )
    .await;
    assert_ours(&dialed.expect("given up within 15 s"), "cannot be reached");
}

#[tokio::test]
async fn path_prefix_and_trailing_slash_of_the_url_are_kept_and_dropped() {
    let coderd = StandIn::start().await;
    let agent = Uuid::new_v4();
    coderd.answer(agent, Answer::ports());
    let url = coderd.url("127.0.0.1");
    let with_slash = dialer(&format!("{url}/"), token());
    assert_eq!(with_slash.dial(&target(agent)).await, Ok(()));
    let with_prefix = dialer(&format!("{url}/dev/"), token());
    assert_ours(&with_prefix.dial(&target(agent)).await, "is not Coder");
    let asked = format!("GET /dev/api/v2/workspaceagents/{agent}/listening-ports ");
    assert!(coderd.requests()[1].starts_with(&asked));
}

#[tokio::test]
async fn token_is_read_again_when_its_file_is_replaced() {
    let coderd = StandIn::start().await;
    let agent = Uuid::new_v4();
    coderd.answer(agent, Answer::ports());
    let path = std::env::temp_dir().join(format!("token-{}", Uuid::new_v4()));
    std::fs::write(&path, format!("{TOKEN}\n")).unwrap();
    let dialer = dialer(&coderd.url("127.0.0.1"), Token::File(path.clone()));
    assert_eq!(dialer.dial(&target(agent)).await, Ok(()));

    coderd.expect_token("another-token");
    assert_ours(&dialer.dial(&target(agent)).await, "token");
    std::fs::write(&path, "another-token").unwrap();
    assert_eq!(dialer.dial(&target(agent)).await, Ok(()));

    std::fs::remove_file(&path).unwrap();
    assert_ours(&dialer.dial(&target(agent)).await, "cannot be read");
    assert_eq!(
        coderd.requests().len(),
        3,
        "without a token nothing is asked"
    );
}

#[tokio::test]
async fn dial_that_is_dropped_ends_at_coderd_too() {
    let coderd = StandIn::start().await;
    let (slow, silent) = (Uuid::new_v4(), Uuid::new_v4());
    coderd.answer_after(slow, Answer::ports(), Duration::from_secs(600));
    coderd.answer(silent, Answer::Never);
    let dialer = dialer(&coderd.url("127.0.0.1"), token());
    for agent in [slow, silent] {
        let target = target(agent);
        let dialed = timeout(Duration::from_millis(300), dialer.dial(&target)).await;
        assert!(dialed.is_err(), "it keeps no time of its own: {dialed:?}");
        eventually("its connection is closed", async || {
            coderd.connections().0 == 0
        })
        .await;
    }
    assert_eq!(coderd.connections().1, 1);
}

#[tokio::test]
async fn slow_answer_counts_all_the_same() {
    let coderd = StandIn::start().await;
    let agent = Uuid::new_v4();
    coderd.answer_after(agent, Answer::ports(), Duration::from_millis(800));
    let dialer = dialer(&coderd.url("127.0.0.1"), token());
    assert_eq!(dialer.dial(&target(agent)).await, Ok(()));
}
