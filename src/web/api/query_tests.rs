use proptest::prelude::*;

use crate::fleet::model::agent::Kind;
use crate::fleet::rules::status::Status;

use super::*;

fn filter(query: &str) -> Filter {
    wanted(query).unwrap().filter
}

#[test]
fn nothing_asked_for_is_everything() {
    let all = wanted("").unwrap();
    assert_eq!(all.filter, Filter::default());
    assert_eq!((all.limit, all.after), (100, None));
    assert_eq!(wanted("&&").unwrap(), all);
}

#[test]
fn sets_are_given_with_commas_or_again_and_again() {
    let both = vec![Status::Connected, Status::Timeout];
    assert_eq!(filter("status=connected,timeout").status, both);
    assert_eq!(filter("status=connected&status=timeout").status, both);
    assert_eq!(filter("kind=sub").kind, [Kind::Sub]);
    let problems = filter("health=problem").health;
    assert_eq!(problems.len(), 7);
    assert!(problems.iter().all(|it| it.is_problem()));
    let more = filter("health=problem%2Cstarting").health;
    assert_eq!(more.len(), 8);
}

#[test]
fn names_are_taken_as_they_are_commas_and_all() {
    let filter = filter("owner=a%2Cb&owner=&workspace=%26+%C3%BC&template=x&organization=y&q=A+b");
    assert_eq!(filter.owner, ["a,b", ""]);
    assert_eq!(filter.workspace, ["& ü"]);
    assert_eq!(filter.template, ["x"]);
    assert_eq!(filter.organization, ["y"]);
    assert_eq!(filter.text, "A b");
}

#[test]
fn fields_of_incidents_are_parameters_with_the_names_that_the_page_has() {
    use crate::fleet::select::facet::Facet;
    let names = [
        Facet::TemplateVersion,
        Facet::AgentVersion,
        Facet::CoderdReplica,
        Facet::Provisioner,
        Facet::ResourceType,
    ];
    for facet in names {
        let name = facet.as_str();
        let wanted = filter(&format!("{name}=a%2Cb&{name}="));
        let expected = [(facet, "a,b".to_owned()), (facet, String::new())];
        assert_eq!(wanted.facets, expected);
    }
}

#[test]
fn what_cannot_be_used_is_refused_by_name_and_with_what_can() {
    let check = |query: &str, parameter: &str, says: &str| {
        let problem = wanted(query).unwrap_err();
        let body = serde_json::to_value(&problem).unwrap();
        assert_eq!(body["parameter"], parameter, "{query}");
        assert_eq!(body["status"], 400, "{query}");
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{query}: {detail}");
    };
    let sets = "allowed values: shutdown, ";
    for value in [
        "",
        "nonsense",
        "Healthy",
        "healthy,",
        "healthy,,starting",
        " healthy",
    ] {
        check(&format!("health={value}"), "health", sets);
    }
    check("health=x", "health", "healthy, problem");
    check("status=problem", "status", "connected, connecting");
    check("kind=", "kind", "root, sub");
    for value in [
        "",
        "0",
        "1001",
        "-1",
        "+1",
        "1.0",
        "1e2",
        "0x1",
        "99999999999999999999",
    ] {
        check(&format!("limit={value}"), "limit", "from 1 to 1000");
    }
    for value in [
        "",
        "x",
        "AAEAAAAAAAAAAAAAAAAAAAA",
        "AAIAAAAAAAAAAAAAAAAAAAAA",
    ] {
        check(&format!("cursor={value}"), "cursor", "`next`");
    }
    for value in [
        "",
        "0123456789ABCDEF",
        "+123456789abcdef",
        "0123456789abcde",
    ] {
        check(
            &format!("incident={value}"),
            "incident",
            "the id of an incident",
        );
    }
    let known = "health, status, kind, organization, template, owner, workspace, template_version, \
                 agent_version, coderd_replica, provisioner, resource_type, q, incident, format, limit, cursor";
    check("helath=problem", "helath", known);
    check("=", "", known);
    check("Health=healthy", "Health", known);
    for twice in [
        "limit=1&limit=1",
        "q=&q=",
        "incident=0123456789abcdef&incident=",
        "cursor=AAEAAAAAAAAAAAAAAAAAAAAA&cursor=",
    ] {
        let name = twice.split('=').next().unwrap();
        check(twice, name, "once");
    }
}

#[test]
fn next_page_is_asked_for_as_this_one() {
    let cursor = "AAEAAAAAAAAAAAAAAAAAAAAA";
    let next = with_cursor(
        "q=a%0d%0aX%3A+b&cursor=old&health=problem%2Cstarting&owner=ü",
        cursor,
    );
    assert_eq!(
        next,
        "q=a%0D%0AX%3A+b&health=problem%2Cstarting&owner=%C3%BC&cursor=AAEAAAAAAAAAAAAAAAAAAAAA"
    );
    assert_eq!(with_cursor("", cursor), format!("cursor={cursor}"));
}

#[test]
fn path_without_parameters_says_so() {
    assert!(nothing("").is_ok());
    assert!(nothing("a=b").is_err());
    assert!(nothing("a").is_err());
}

proptest! {
    #[test]
    fn any_query_is_read_or_refused(query in "\\PC{0,60}|((health|q|limit|status)=[a-z0-9,%]{0,8}&?){0,4}") {
        if let Ok(found) = wanted(&query) {
            prop_assert!((1..=1000).contains(&found.limit));
            let next = with_cursor(&query, "AAEAAAAAAAAAAAAAAAAAAAAA");
            prop_assert!(next.is_ascii());
            let next = wanted(&next).unwrap();
            prop_assert_eq!(next.filter, found.filter);
            prop_assert_eq!(next.after, Some(Uuid::nil()));
        }
    }
}

#[test]
fn fuzzed_parameters_are_a_query_or_a_problem() {
    let good = [
        "health=problem&status=connected&limit=100",
        "owner=ada&workspace=box&q=a%20b&kind=sub",
        "cursor=AAAA&organization=acme&template=docker",
    ];
    crate::fuzzing::fuzz(&good, |input| {
        if let Ok(wanted) = wanted(&String::from_utf8_lossy(input)) {
            assert!((1..=MAX_LIMIT).contains(&wanted.limit));
        }
    });
}

#[test]
fn format_is_json_unless_csv_is_asked_for() {
    assert!(!wanted("").unwrap().csv);
    assert!(!wanted("format=json").unwrap().csv);
    assert!(wanted("format=csv").unwrap().csv);
    for wrong in [
        "format=",
        "format=CSV",
        "format=xml",
        "format=csv&format=csv",
    ] {
        assert!(wanted(wrong).is_err(), "{wrong}");
    }
}
