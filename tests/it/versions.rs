//! `coder_agents_version` (`docs/spec/metrics.md`): the 20 most common, the rest together.

use crate::harness::exposition::Page;
use crate::harness::fleet::{Agent, literal};
use crate::harness::*;

const FAMILY: &str = "coder_agents_version";

fn of_version(version: &str) -> Agent {
    agent("main").set("version", literal(version))
}

/// Adds a workspace of this template with `count` agents of this version.
async fn add(coder: &Coder, template: &str, version: &str, count: usize) {
    let build = (0..count).fold(start(1), |build, _| build.agent(of_version(version)));
    let name = format!("{template} {version}");
    coder
        .add(workspace(&name).template(template).build(build))
        .await;
}

/// Versions of one template with their counts.
fn versions<'a>(page: &'a Page, labels: &'a [(&str, &str)]) -> Vec<(&'a str, f64)> {
    let samples = page.samples(FAMILY, labels);
    samples
        .map(|it| (it.label("version").unwrap(), it.value))
        .collect()
}

#[tokio::test]
async fn twenty_versions_have_a_series_each_and_nothing_is_other() {
    let coder = Coder::new().await;
    for number in 10..30 {
        add(&coder, "docker", &format!("v2.{number}"), 1).await;
    }
    let page = coder.exporter().await.scrape().await;
    let found = versions(&page, &[]);
    assert_eq!(found.len(), 20, "{}", page.show(FAMILY));
    assert!(
        found
            .iter()
            .all(|&(name, count)| name != "other" && count == 1.0)
    );
}

#[tokio::test]
async fn versions_beyond_the_twentieth_are_other_the_rarest_and_then_the_last_by_name() {
    let coder = Coder::new().await;
    // v2.29 is the most common, v2.05 to v2.24 come up once: of these, the first by name stay.
    add(&coder, "docker", "v2.29", 3).await;
    add(&coder, "docker", "v2.28", 2).await;
    for number in (5..25).rev() {
        add(&coder, "docker", &format!("v2.{number:02}"), 1).await;
    }
    let page = coder.exporter().await.scrape().await;
    let found = versions(&page, &[]);
    assert_eq!(found.len(), 21, "{}", page.show(FAMILY));
    assert!(found.contains(&("v2.29", 3.0)) && found.contains(&("v2.28", 2.0)));
    assert!(found.contains(&("v2.05", 1.0)) && found.contains(&("v2.22", 1.0)));
    assert!(found.contains(&("other", 2.0)), "{}", page.show(FAMILY));
    let gone = ["v2.23", "v2.24"];
    assert!(found.iter().all(|(name, _)| !gone.contains(name)));
    assert_eq!(page.value(FAMILY, &[]), page.value("coder_agents", &[]));
}

/// Else a version would be `other` in one template and have a name in the next.
#[tokio::test]
async fn most_common_are_those_of_the_whole_fleet_not_of_each_template() {
    let coder = Coder::new().await;
    for number in 10..30 {
        add(&coder, "docker", &format!("v2.{number}"), 2).await;
    }
    add(&coder, "podman", "v1.0", 1).await;
    add(&coder, "podman", "v2.10", 1).await;
    let page = coder.exporter().await.scrape().await;
    let podman = [("organization_name", "acme"), ("template_name", "podman")];
    assert_eq!(versions(&page, &podman), [("other", 1.0), ("v2.10", 1.0)]);
    assert_eq!(versions(&page, &[("template_name", "docker")]).len(), 20);
    assert_eq!(page.value(FAMILY, &[]), 42.0);
}

#[tokio::test]
async fn agent_that_has_not_told_its_version_is_of_an_unknown_one() {
    let coder = Coder::new().await;
    add(&coder, "docker", "", 2).await;
    let page = coder.exporter().await.scrape().await;
    assert_eq!(versions(&page, &[]), [("unknown", 2.0)]);
}

#[tokio::test]
async fn version_that_is_called_other_is_one_series_with_the_rest() {
    let coder = Coder::new().await;
    add(&coder, "docker", "other", 5).await;
    for number in 10..31 {
        add(&coder, "docker", &format!("v2.{number}"), 1).await;
    }
    let page = coder.exporter().await.scrape().await;
    // Nineteen names are left besides it; two of twenty-one do not fit.
    assert_eq!(page.value(FAMILY, &[("version", "other")]), 7.0);
    assert_eq!(page.samples(FAMILY, &[]).count(), 20);
    assert_eq!(page.value(FAMILY, &[]), 26.0);
}
