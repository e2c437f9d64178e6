use proptest::prelude::*;

use super::*;

fn filled(template: &str, name: &str) -> Result<(String, u16), FillError> {
    let address: TcpAddress = template.parse().unwrap();
    address.fill(|_| name)
}

#[test]
fn every_placeholder_is_filled_with_its_own_name() {
    let address = "{agent}-{workspace}.{owner}.x:22".parse::<TcpAddress>();
    let host = address.unwrap().fill(|placeholder| match placeholder {
        Placeholder::Agent => "main",
        Placeholder::Workspace => "box",
        Placeholder::Owner => "ada",
        Placeholder::AgentId => "unused",
    });
    assert_eq!(host, Ok(("main-box.ada.x".into(), 22)));
    let id = "3f0c1d1e-7a52-4f4e-9c7b-0d9f3a1b2c4d";
    assert_eq!(filled("{agent_id}:1", id), Ok((id.into(), 1)));
}

#[test]
fn template_is_shown_as_it_was_written() {
    for text in ["{agent}:1", "a-{workspace}.b_c.{owner}.example.:65535"] {
        let address: TcpAddress = text.parse().unwrap();
        assert_eq!(address.to_string(), text);
    }
}

#[test]
fn template_that_is_no_host_and_port_is_refused() {
    for wrong in [
        "",
        "{agent}",
        "{agent}:",
        "{agent}:ssh",
        "{agent}:0",
        "{agent}:65536",
        "{agent}:{owner}",
        "agent.example:22",
        "{agents}:22",
        "{agent:22",
        "{agent}..example:22",
        ".{agent}:22",
        "{agent}@example:22",
        "http://{agent}:22",
        "{agent}/x:22",
        "[{agent}]:22",
        "{agent}:1:22",
        "{agent} .example:22",
        // The name would choose among addresses.
        "{agent}.0.0.1:22",
        "{agent}.0x7f:22",
    ] {
        assert!(wrong.parse::<TcpAddress>().is_err(), "{wrong:?}");
    }
}

#[test]
fn name_that_means_more_than_a_label_is_refused() {
    let long = "x".repeat(64);
    for name in [
        "", ".", "a.b", "a:22", "a/b", "a@b", "[::1]", "a b", "-a", "a-", "a_b", "a%b", "a\n", "ä",
        "{owner}", &long,
    ] {
        let error = filled("{agent}.example:22", name).unwrap_err();
        assert!(matches!(error, FillError::NotALabel { .. }), "{name:?}");
    }
}

#[test]
fn name_that_would_be_an_address_is_refused() {
    for name in ["2130706433", "0x7f000001", "0X7F000001", "127", "0x"] {
        let error = filled("{agent}:22", name).unwrap_err();
        assert!(matches!(error, FillError::NotAHost(_)), "{name:?}");
        assert!(filled("{agent}.example:22", name).is_ok(), "{name:?}");
    }
}

#[test]
fn names_that_are_too_long_together_are_refused() {
    let name = "x".repeat(40);
    assert!(filled("{agent}.{owner}:22", &name).is_ok());
    assert!(filled("{agent}-{owner}:22", &name).is_err());
    let many = "{agent}.".repeat(7);
    assert!(filled(&format!("{many}example:22"), &name).is_err());
}

proptest! {
    #[test]
    fn no_name_changes_what_stands_around_it(name in any::<String>()) {
        if let Ok((host, port)) = filled("a.{agent}.agents.example:22", &name) {
            prop_assert_eq!(port, 22);
            let inner = host.strip_prefix("a.").and_then(|it| it.strip_suffix(".agents.example"));
            prop_assert_eq!(inner, Some(name.as_str()));
            prop_assert!(!name.contains(['.', ':', '/', '@', '[', '%']));
        }
    }

    #[test]
    fn no_name_becomes_an_address(name in "[0-9a-fxX]{1,12}|[a-z0-9-]{1,20}") {
        if let Ok((host, _)) = filled("{agent}:22", &name) {
            prop_assert!(host.parse::<std::net::IpAddr>().is_err());
            prop_assert!(!host.bytes().all(|it| it.is_ascii_digit()));
        }
    }
}
