//! Connecting to agents that are routable, and choosing between the dialers.

use coder_agent_exporter::config::probe_args::Dialing;
use coder_agent_exporter::config::tcp_address::TcpAddress;
use coder_agent_exporter::dialer::tcp::Tcp;
use coder_agent_exporter::dialer::{AnyDialer, Reached};
use coder_agent_exporter::resolver::{DialError, Dialer, Target};
use futures_util::FutureExt;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::harness::coderd::{Answer, StandIn};

use super::{target, token};

fn tcp(port: u16) -> Tcp {
    Tcp::new(here(port).allowing_special())
}

/// The workspaces of these tests are called localhost.
fn here(port: u16) -> TcpAddress {
    format!("{{workspace}}:{port}").parse().unwrap()
}

#[tokio::test]
async fn name_that_leads_to_this_machine_is_not_dialed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dialer = Tcp::new(here(port));
    let refused = dialer.dial(&target(Uuid::new_v4())).await.unwrap_err();
    let DialError::Unaddressable(message) = refused else {
        panic!("{refused:?}");
    };
    assert!(
        message.contains("--probe.allow-special-addresses"),
        "{message}"
    );
    assert!(listener.accept().now_or_never().is_none());
}

#[tokio::test]
async fn tcp_dial_connects_to_what_the_names_make_of_the_template() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stream = tcp(port).dial(&target(Uuid::new_v4())).await.unwrap();
    let (_, client) = listener.accept().await.unwrap();
    assert_eq!(stream.local_addr().unwrap(), client);
}

#[tokio::test]
async fn tcp_dial_that_is_refused_is_the_agents_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = tcp(port).dial(&target(Uuid::new_v4())).await.unwrap_err();
    let DialError::Failed(message) = refused else {
        panic!("{refused:?}");
    };
    assert!(message.contains(&format!("localhost:{port}")), "{message}");

    let nowhere = Target {
        workspace: "no-such-host-anywhere".into(),
        ..target(Uuid::new_v4())
    };
    let unknown = Tcp::new("{workspace}.invalid:22".parse().unwrap());
    let unknown = unknown.dial(&nowhere).await.unwrap_err();
    assert!(matches!(unknown, DialError::Failed(_)), "{unknown:?}");
}

#[tokio::test]
async fn tcp_dial_goes_nowhere_for_a_name_that_is_no_part_of_a_hosts() {
    for name in ["127.0.0.1", "a:22", "2130706433", ""] {
        let odd = Target {
            workspace: name.into(),
            ..target(Uuid::new_v4())
        };
        let refused = tcp(1).dial(&odd).await.unwrap_err();
        assert!(
            matches!(refused, DialError::Unaddressable(_)),
            "{name:?}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn dialer_of_the_settings_is_the_one_that_dials() {
    let coderd = StandIn::start().await;
    let agent = Uuid::new_v4();
    coderd.answer(agent, Answer::ports());
    let url = coderd.url("127.0.0.1").parse().unwrap();
    let dialer = AnyDialer::new(Dialing::Coderd(url, token())).unwrap();
    let reached = dialer.dial(&target(agent)).await.unwrap();
    assert!(matches!(reached, Reached::ByCoderd));
    assert_eq!(coderd.requests().len(), 1);

    let address = here(coderd.address.port()).allowing_special();
    let dialer = AnyDialer::new(Dialing::Tcp(address)).unwrap();
    let Reached::Directly(stream) = dialer.dial(&target(agent)).await.unwrap() else {
        panic!("another dialer has dialed");
    };
    assert_eq!(stream.peer_addr().unwrap(), coderd.address);
    assert_eq!(coderd.requests().len(), 1);
}
