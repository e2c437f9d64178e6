use uuid::Uuid;

use crate::fleet::fixtures::{agent, at};
use crate::fleet::model::agent::{Lifecycle, ScopeId};
use crate::fleet::model::label_value::DbEnum;
use crate::fleet::model::snapshot::Snapshot;
use crate::fleet::rules::health::Limits;
use crate::fleet::select::selection::*;

/// An agent with `owner/workspace`, template, and the time at which it was lost; `None` for a
/// healthy one.
fn one(place: &str, template: u32, lost: Option<i64>) -> Agent {
    let (owner, workspace) = place.split_once('/').unwrap();
    Agent {
        id: Uuid::new_v4(),
        owner: owner.into(),
        workspace: workspace.into(),
        scope: ScopeId(template),
        last_connected_at: Some(at(lost.unwrap_or(0))),
        ..agent()
    }
}

fn fleet(agents: Vec<Agent>) -> FleetStats {
    let mut snapshot = Snapshot::at(at(0));
    for (organization, template) in [("acme", "aws"), ("acme", "gcp"), ("labs", "aws")] {
        snapshot.scopes.intern(Scope {
            organization: organization.into(),
            template: template.into(),
        });
    }
    snapshot.agents = Some(agents);
    FleetStats::of(snapshot, &Limits::default())
}

fn fixture() -> FleetStats {
    let failed = Agent {
        lifecycle: DbEnum::Known(Lifecycle::StartError),
        ready_at: Some(at(-500)),
        ..one("cleo/box", 0, None)
    };
    fleet(vec![
        one("ada/box", 0, Some(-300)),
        one("bob/Build", 1, Some(-900)),
        failed,
        one("dan/lab", 2, Some(-600)),
        one("eve/well", 0, None),
    ])
}

#[track_caller]
fn check(selection: &Selection, expected: &str) {
    let fleet = fixture();
    let owners: Vec<_> = selection
        .of(&fleet)
        .iter()
        .map(|it| it.agent.owner.to_string())
        .collect();
    assert_eq!(owners.join(" "), expected, "{selection:?}");
}

#[test]
fn by_default_it_is_every_problem_the_oldest_first() {
    check(&Selection::default(), "bob dan cleo ada");
    assert!(!Selection::default().is_narrowed());
}

#[test]
fn organization_and_template_narrow_by_their_exact_names() {
    let selection = Selection::default().with(Facet::Template, Some("aws"));
    check(&selection, "dan cleo ada");
    let selection = selection.with(Facet::Organization, Some("labs"));
    check(&selection, "dan");
    check(&selection.with(Facet::Organization, Some("LABS")), "");
}

#[test]
fn several_values_of_a_field_are_alternatives_and_fields_narrow_each_other() {
    let mut selection = Selection::default().with(Facet::Owner, Some("ada"));
    selection.facets.push((Facet::Owner, "dan".to_owned()));
    check(&selection, "dan ada");
    check(&selection.clone().with(Facet::Template, Some("gcp")), "");
    check(&selection.with(Facet::Owner, None), "bob dan cleo ada");
}

#[test]
fn all_selects_those_without_a_problem_too() {
    let all = Selection {
        all: true,
        ..Selection::default()
    };
    check(&all, "bob dan cleo ada eve");
}

#[test]
fn groups_are_of_every_agent_that_fits_the_other_fields_the_worst_share_first() {
    let fleet = fixture();
    let of = |selection: &Selection, facet| -> Vec<(String, u64, u64)> {
        let groups = selection.groups(&fleet, facet);
        let groups = groups.iter();
        groups
            .map(|it| (it.value.to_string(), it.problems(), it.agents()))
            .collect()
    };
    let by = |name: &str, problems, agents| (name.to_owned(), problems, agents);
    let expected = vec![
        by("acme/gcp", 1, 1),
        by("labs/aws", 1, 1),
        by("acme/aws", 2, 3),
    ];
    let selection = Selection::default();
    assert_eq!(of(&selection, Facet::Template), expected);
    // The field itself and the health leave nothing out.
    let mut narrow = selection.with(Facet::Template, Some("gcp"));
    narrow.health = vec![Health::StartError];
    assert_eq!(of(&narrow, Facet::Template), expected);
    assert_eq!(of(&narrow, Facet::Owner), [by("bob", 1, 1)]);
    assert_eq!(of(&narrow, Facet::Provisioner), [by("", 1, 1)]);
}

#[test]
fn classes_narrow_and_those_that_are_no_problem_can_be_asked_for() {
    let of = |health: &[Health]| Selection {
        health: health.to_vec(),
        ..Selection::default()
    };
    check(&of(&[Health::StartError]), "cleo");
    check(&of(&[Health::Healthy]), "eve");
    check(&of(&[Health::Healthy, Health::StartError]), "cleo eve");
    check(&of(&[Health::Starting]), "");
}

#[test]
fn every_word_must_occur_in_any_case() {
    let of = |text: &str| Selection {
        text: text.into(),
        ..Selection::default()
    };
    check(&of("  "), "bob dan cleo ada");
    check(
        &of("https://coder.example/@ada/box.main/terminal?x=1"),
        "ada",
    );
    check(&of("http://coder.example/@bob"), "bob");
    check(&of("@ada/box"), "ada");
    check(&of("https://coder.example/@ada/other"), "");
    check(&of("BOX"), "cleo ada");
    check(&of("build"), "bob");
    check(&of("ada/box.main"), "ada");
    check(&of("box ada"), "ada");
    check(&of("box bob"), "");
    let fleet = fixture();
    let wanted = &fleet.snapshot.agents.as_ref().unwrap()[1];
    for id in [wanted.id.to_string(), wanted.id.to_string().to_uppercase()] {
        let found = of(&id).of(&fleet);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].agent.id, wanted.id);
    }
}

#[test]
fn sorting_goes_both_ways_and_what_is_well_stays_last() {
    let by = |sort, direction| Selection {
        sort,
        direction,
        ..Selection::default()
    };
    use Direction::{Ascending, Descending};
    check(&by(SortKey::Since, Descending), "ada cleo dan bob");
    check(&by(SortKey::Owner, Ascending), "ada bob cleo dan");
    check(&by(SortKey::Owner, Descending), "dan cleo bob ada");
    check(&by(SortKey::Template, Ascending), "ada cleo bob dan");
    check(&by(SortKey::Template, Descending), "dan bob ada cleo");
    check(&by(SortKey::Health, Ascending), "ada bob dan cleo");
    let mut all = by(SortKey::Since, Descending);
    all.health = Health::ALL.to_vec();
    check(&all, "ada cleo dan bob eve");
}

#[test]
fn nothing_is_selected_of_agents_nobody_knows() {
    let fleet = FleetStats::of(Snapshot::at(at(0)), &Limits::default());
    let mut selection = Selection::default();
    assert!(selection.of(&fleet).is_empty());
    selection.health = Health::ALL.to_vec();
    assert!(selection.of(&fleet).is_empty());
}
