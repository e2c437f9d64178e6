use crate::fleet::fixtures::at;
use crate::fleet::model::agent::{Kind, Label};
use crate::incident::population::Column;

use super::*;

/// A fleet in which all is well, each agent in a workspace of its own.
fn fleet(size: u32) -> Population {
    Population {
        kind: Kind::Root,
        size,
        problems: Vec::new(),
        columns: Vec::new(),
    }
}

impl Population {
    fn with(mut self, dimension: Dimension, value: impl Fn(u32) -> String) -> Self {
        let mut column = Column::new(dimension, 0);
        (0..self.size).for_each(|it| column.push(&Label::from(value(it))));
        self.columns.push(column);
        self
    }

    /// These have had this problem for so many seconds.
    fn broken(mut self, family: Family, members: impl IntoIterator<Item = (u32, i64)>) -> Self {
        for (member, ago) in members {
            self.problems.retain(|it| it.member != member);
            self.problems.push(Problem {
                member,
                family,
                since: at(-ago),
                workspace: member.into(),
            });
        }
        self.problems.sort_unstable_by_key(|it| it.member);
        self
    }

    fn lost(self, members: impl IntoIterator<Item = u32>) -> Self {
        self.broken(Family::Lost, members.into_iter().map(|it| (it, 60)))
    }

    fn incidents(&self) -> Vec<Incident> {
        analyze(self, IncidentSettings::default(), None, at(0))
    }

    /// Of each incident what its agents have in common, how many they are, and of how many.
    fn found(&self) -> Vec<(String, usize, u32)> {
        let incidents = self.incidents();
        let name = |it: &Incident| format!("{} {}", it.common.factor(), it.common.value());
        let found = incidents
            .iter()
            .map(|it| (name(it), it.members.len(), it.expected));
        found.collect()
    }
}

/// A hundred agents of ten templates.
fn of_ten_templates() -> Population {
    let fleet = fleet(100).with(Dimension::Owner, |it| format!("o{it}"));
    fleet.with(Dimension::Template, |it| format!("t{}", it % 10))
}

fn one(name: &str, members: usize, expected: u32) -> Vec<(String, usize, u32)> {
    vec![(name.to_owned(), members, expected)]
}

#[test]
fn longer_time_than_the_gap_begins_a_new_wave() {
    let problems = [(at(0), 0), (at(120), 1), (at(241), 2)];
    let waves = waves(&problems, Duration::from_secs(120));
    assert_eq!(waves, [&problems[..2], &problems[2..]]);
}

#[test]
fn template_whose_agents_are_lost_is_the_factor() {
    let lost = of_ten_templates().lost((0..10).map(|it| 10 * it + 3));
    assert_eq!(lost.found(), one("template t3", 10, 10));
    let incident = &lost.incidents()[0];
    assert_eq!((incident.workspaces, incident.owners), (10, 10));
    assert_eq!(
        (incident.first, incident.last),
        (Some(at(-60)), Some(at(-60)))
    );
    assert!(incident.score > 20.0, "{}", incident.score);
}

#[test]
fn families_are_explained_apart() {
    let template = |number: u32| (0..10).map(move |it| (10 * it + number, 60));
    let broken = of_ten_templates()
        .broken(Family::Lost, template(1))
        .broken(Family::StartFailed, template(2));
    let families: Vec<_> = broken.incidents().iter().map(|it| it.family).collect();
    assert_eq!(families, [Family::Lost, Family::StartFailed]);
}

#[test]
fn value_needs_three_agents() {
    let owners = |it: u32| format!("o{}", it / 3);
    let fleet = || fleet(99).with(Dimension::Owner, owners);
    assert_eq!(fleet().lost([6, 7]).found(), []);
    assert_eq!(fleet().lost([6, 7, 8]).found(), one("owner o2", 3, 3));
}

#[test]
fn three_agents_of_one_workspace_are_an_incident_of_their_owner_only() {
    let in_one = |dimension| {
        let fleet = fleet(99).with(dimension, |it| format!("v{}", it / 3));
        let mut fleet = fleet.lost([6, 7, 8]);
        fleet.problems.iter_mut().for_each(|it| it.workspace /= 3);
        fleet.found()
    };
    assert_eq!(in_one(Dimension::Template), []);
    assert_eq!(in_one(Dimension::Owner), one("owner v2", 3, 3));
}

#[test]
fn two_agents_are_enough_in_a_fleet_of_fewer_than_ten() {
    let of = |size| fleet(size).with(Dimension::Template, |it| format!("t{}", it / 2));
    assert_eq!(of(9).lost([2, 3]).found(), one("template t1", 2, 2));
    assert_eq!(of(10).lost([2, 3]).found(), []);
}

#[test]
fn half_of_all_without_a_factor_is_the_deployment() {
    let half = |size| of_ten_templates().lost(0..size).found();
    assert_eq!(half(50), one("deployment ", 50, 100));
    assert_eq!(half(49), one("none ", 49, 100));
}

#[test]
fn wave_that_keeps_to_one_value_is_that_values_however_many_have_it() {
    // 9 of 14, and none of the 4 others.
    let lost = fleet(18)
        .with(Dimension::CoderdReplica, |it| format!("r{}", it % 3))
        .with(Dimension::Architecture, |it| format!("a{}", it / 14))
        .with(Dimension::Template, |it| format!("t{}", it % 5))
        .lost(0..9);
    assert_eq!(lost.found(), one("architecture a0", 9, 14));
}

#[test]
fn agents_of_a_value_with_too_little_evidence_stay_with_the_deployment() {
    // All 16 of a template are lost, and 7 of 10 everywhere else.
    let is_lost = |it: &u32| it % 12 == 3 || it % 10 < 7;
    let lost = fleet(192)
        .with(Dimension::Template, |it| format!("t{}", it % 12))
        .lost((0..192).filter(is_lost));
    let gone = (0..192).filter(is_lost).count();
    assert_eq!(lost.found(), one("deployment ", gone, 192));
}

#[test]
fn outage_that_spares_a_template_is_the_deployments() {
    let spared = (0..100).filter(|it| it % 10 != 4);
    let lost = of_ten_templates().lost(spared);
    assert_eq!(lost.found(), one("deployment ", 90, 90));
}

#[test]
fn five_agents_and_one_percent_within_ten_minutes_are_a_wave_without_a_factor() {
    let wave = |size, members: &[(u32, i64)]| {
        let members = members.iter().copied();
        fleet(size).broken(Family::Lost, members).found()
    };
    let five = [(0, 60), (1, 60), (2, 60), (3, 60), (4, 60)];
    assert_eq!(wave(500, &five), one("none ", 5, 500));
    assert_eq!(wave(501, &five), []);
    assert_eq!(wave(100, &five[..4]), []);
    let within = |seconds: i64| {
        let problems = (0..7).map(|it| (it, 60 + seconds * i64::from(it) / 6));
        wave(100, &problems.collect::<Vec<_>>()).len()
    };
    assert_eq!((within(600), within(601)), (1, 0));
}

#[test]
fn coder_down_takes_what_was_lost_with_it() {
    let lost = [(0, 160), (1, 145), (2, 144), (3, 60)];
    let fleet = fleet(100)
        .broken(Family::Lost, lost)
        .broken(Family::StartFailed, [(4, 60)]);
    let down = Some(CoderDown { since: at(-100) });
    let incidents = analyze(&fleet, IncidentSettings::default(), down, at(0));
    let [incident] = incidents.as_slice() else {
        panic!("{incidents:?}")
    };
    assert_eq!(incident.common, Common::Coder);
    assert_eq!(incident.members, [2, 3]);
    assert_eq!(incident.first, Some(at(-100)));
}

#[test]
fn coder_down_is_an_incident_without_any_agent() {
    let down = Some(CoderDown { since: at(-100) });
    let incidents = analyze(&fleet(0), IncidentSettings::default(), down, at(0));
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0].members, [0; 0]);
}

#[test]
fn same_value_in_two_waves_is_one_incident() {
    let members = (0..10).map(|it| (10 * it + 3, if it < 5 { 3600 } else { 60 }));
    let broken = of_ten_templates().broken(Family::Lost, members);
    assert_eq!(broken.found(), one("template t3", 10, 10));
    let incident = &broken.incidents()[0];
    assert_eq!(
        (incident.first, incident.last),
        (Some(at(-3600)), Some(at(-60)))
    );
}

#[test]
fn agents_that_were_gone_before_are_not_expected() {
    // Three of the template have been lost since yesterday.
    let old = [3, 13, 23].map(|it| (it, 86_400));
    let new = (3..10).map(|it| (10 * it + 3, 60));
    let broken = of_ten_templates()
        .broken(Family::StartFailed, old)
        .broken(Family::Lost, new);
    assert_eq!(broken.found()[0], ("template t3".to_owned(), 7, 7));
}

#[test]
fn bad_version_that_shows_over_hours_is_found() {
    let members = (0..10).map(|it| (10 * it + 3, 600 * i64::from(it) + 60));
    let broken = of_ten_templates().broken(Family::StartFailed, members);
    assert_eq!(broken.found(), one("template t3", 10, 10));
}

#[test]
fn old_problems_with_nothing_in_common_are_no_incident() {
    let members = (0..10).map(|it| (11 * it % 100, 600 * i64::from(it) + 60));
    assert_eq!(of_ten_templates().broken(Family::Lost, members).found(), []);
}

#[test]
fn incident_grows_for_two_minutes_after_its_last_agent() {
    let is_growing = |ago| {
        let members = (0..10).map(|it| (10 * it + 3, ago));
        let broken = of_ten_templates().broken(Family::Lost, members);
        broken.incidents()[0].is_growing
    };
    assert!(is_growing(120));
    assert!(!is_growing(121));
}

#[test]
fn of_values_that_name_the_same_agents_the_broader_is_shown() {
    let lost = of_ten_templates()
        .with(Dimension::TemplateVersion, |it| format!("t{}/v1", it % 10))
        .lost((0..10).map(|it| 10 * it + 3));
    let incident = &lost.incidents()[0];
    assert_eq!(lost.found(), one("template t3", 10, 10));
    assert_eq!(
        incident.also,
        [(Dimension::TemplateVersion, "t3/v1".into())]
    );
}

#[test]
fn two_causes_at_once_are_two_incidents() {
    let lost = of_ten_templates()
        .with(Dimension::CoderdReplica, |it| format!("r{}", it / 20))
        .lost((0..100).filter(|it| it % 10 == 3 || it / 20 == 2));
    let expected = [("coderd_replica r2", 20), ("template t3", 8)];
    let found = lost.found();
    let found: Vec<_> = found.iter().map(|it| (&*it.0, it.1)).collect();
    assert_eq!(found, expected);
}
