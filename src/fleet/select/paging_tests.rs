use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::fleet::fixtures::{agent, at, fleet_of};
use crate::fleet::model::agent::{Kind, Lifecycle};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::rules::health::Health;
use crate::fleet::rules::status::Status;
use crate::fleet::select::paging::*;

fn agent_of(number: u128) -> Agent {
    Agent {
        id: Uuid::from_u128(number),
        ..agent()
    }
}

fn ids(selection: &Slice<'_>) -> Vec<u128> {
    let agents = selection.agents.iter();
    agents.map(|(agent, _)| agent.id.as_u128()).collect()
}

fn check(filter: Filter, expected: &[u128]) {
    let mut agents = vec![agent_of(3), agent_of(1), agent_of(2)];
    // The second is lost; the third, a sub-agent, starts elsewhere.
    agents[2].last_connected_at = Some(at(-100));
    agents[0].kind = Kind::Sub;
    agents[0].lifecycle = DbEnum::Known(Lifecycle::Starting);
    agents[0].started_at = Some(at(-1));
    agents[0].owner = "Grace".into();
    agents[0].workspace = "Straße".into();
    let fleet = fleet_of(agents);
    let selection = select(&fleet, &filter, None, 10).unwrap();
    assert_eq!(ids(&selection), expected, "{filter:?}");
    assert_eq!(selection.total, expected.len(), "{filter:?}");
    assert_eq!(selection.next, None);
}

#[test]
fn every_list_and_the_text_have_to_fit() {
    let all = Filter::default;
    check(all(), &[1, 2, 3]);
    let lost = vec![Health::Disconnected];
    check(
        Filter {
            health: lost.clone(),
            ..all()
        },
        &[2],
    );
    let several = vec![Health::Disconnected, Health::Starting];
    check(
        Filter {
            health: several,
            ..all()
        },
        &[2, 3],
    );
    let status = vec![Status::Connected];
    check(
        Filter {
            status: status.clone(),
            ..all()
        },
        &[1, 3],
    );
    check(
        Filter {
            health: lost,
            status,
            ..all()
        },
        &[],
    );
    let kind = vec![Kind::Sub];
    check(Filter { kind, ..all() }, &[3]);
    for (organization, template, owner, workspace, expected) in [
        ("acme", "docker", "ada", "build-box", &[1, 2][..]),
        ("acme", "docker", "Grace", "Straße", &[3]),
        ("Acme", "docker", "ada", "build-box", &[]),
        ("acme", "dock", "ada", "build-box", &[]),
        ("acme", "docker", "ada", "", &[]),
    ] {
        let names = |name: &str| vec!["another".to_owned(), name.to_owned()];
        let filter = Filter {
            organization: names(organization),
            template: names(template),
            owner: names(owner),
            workspace: names(workspace),
            ..all()
        };
        check(filter, expected);
    }
}

#[test]
fn text_is_looked_for_in_names_and_ids_whatever_the_case() {
    for (text, expected) in [
        ("", &[1, 2, 3][..]),
        ("ADA/build-box.MAIN", &[1, 2]),
        ("grace/STRAßE.m", &[3]),
        ("ock", &[1, 2, 3]),
        ("ACME", &[1, 2, 3]),
        ("00000000-0000-0000-0000-000000000003", &[3]),
        ("nobody", &[]),
    ] {
        let text = text.to_owned();
        check(
            Filter {
                text,
                ..Filter::default()
            },
            expected,
        );
    }
}

#[test]
fn agents_that_are_unknown_are_not_none() {
    let mut fleet = fleet_of(Vec::new());
    assert!(select(&fleet, &Filter::default(), None, 1).is_some());
    fleet.agents = None;
    assert!(select(&fleet, &Filter::default(), None, 1).is_none());
}

/// The fleet at the time of each page: the set of agents that come and go.
fn changing_fleets() -> impl Strategy<Value = Vec<BTreeSet<u128>>> {
    let passers_by = prop::collection::btree_set(0..60_u128, 0..30);
    prop::collection::vec(passers_by, 1..20)
}

proptest! {
    /// A client that requests all pages while agents come and go gets each permanent agent exactly
    /// once and no agent twice, and reaches the last page.
    #[test]
    fn agent_that_stays_is_met_exactly_once_whatever_comes_and_goes(
        stayers in prop::collection::btree_set(0..60_u128, 0..30),
        passers_by in changing_fleets(),
        limits in prop::collection::vec(1..9_usize, 1..5),
    ) {
        let mut met = Vec::new();
        let mut after = None;
        for page in 0.. {
            let present = &passers_by[page % passers_by.len()];
            let present: BTreeSet<_> = stayers.union(present).copied().collect();
            // The database knows no order.
            let agents = present.iter().rev().map(|it| agent_of(*it)).collect();
            let fleet = fleet_of(agents);
            let limit = limits[page % limits.len()];
            let selection = select(&fleet, &Filter::default(), after, limit).unwrap();
            prop_assert_eq!(selection.total, present.len());
            prop_assert!(selection.agents.len() <= limit);
            met.extend(ids(&selection));
            after = selection.next;
            if after.is_none() {
                break;
            }
            prop_assert!(page < 61, "no end");
        }
        prop_assert!(met.windows(2).all(|two| two[0] < two[1]), "{:?}", met);
        let missed: Vec<_> = stayers.iter().filter(|it| !met.contains(it)).collect();
        prop_assert!(missed.is_empty(), "{:?} of {:?}", missed, met);
    }
}
