//! What is shown: the row, the rule, what happened, its kin, the builds before.

use std::time::Duration;

use coder_agent_exporter::demo::schema::Era;
use uuid::Uuid;

use crate::harness::reports::report;

use super::*;

#[tokio::test]
async fn lost_agent_is_shown_with_the_numbers_that_decided_and_what_to_do() {
    let coder = Coder::new().await;
    coder.stop_clock("timestamptz '2026-03-01 12:00:00Z'").await;
    let lost = agent("main")
        .set("created_at", "timestamptz '2026-03-01 08:59:00Z'")
        .set("first_connected_at", "timestamptz '2026-03-01 09:00:00Z'")
        .set("last_connected_at", "timestamptz '2026-03-01 11:59:12.8Z'")
        .null("started_at")
        .null("ready_at");
    coder.add(workspace("box").agent(lost.clone())).await;
    let exporter = coder
        .exporter_with(|it| it.web.links.coder = "https://coder.example".parse().ok())
        .await;
    let page = page(&exporter, &format!("/agents/{}", lost.id)).await;
    let shown = text(&page);
    assert_says(
        &shown,
        &[
            "ada/box.main disconnected",
            "For 47s",
            "Check the agent's machine and network first",
            "As of 2026-03-01 12:00:00 UTC",
            "Status last heartbeat 47.2 s before now, limit 30 s → disconnected (rule silent)",
            "Health status is disconnected, and no shutdown was requested → disconnected (rule disconnected)",
            "Connection closed never",
            "Last heartbeat 47s ago 2026-03-01 11:59:12 UTC",
            "Template docker, version v1",
            "Latest build 1, start: succeeded",
        ],
    );
    let timeline = text(part(&page, "timeline"));
    assert_says(
        &timeline,
        &[
            "created by a build, 3h 1m ago 2026-03-01 08:59:00 UTC 1m 0s later: connected for the \
             first time, 3h 0m ago 2026-03-01 09:00:00 UTC 2h 59m later: last heartbeat, 47s ago",
        ],
    );
    assert_says(
        &page,
        &[
            "href=\"https://coder.example/@ada/box\"",
            "href=\"/?organization=acme&amp;template=docker\"",
        ],
    );
}

#[tokio::test]
async fn survived_build_shows_in_the_builds_before() {
    let coder = Coder::new().await;
    let stuck = agent("main")
        .lifecycle("created")
        .null("started_at")
        .null("ready_at")
        .ago("first_connected_at", 600.0);
    let before = agent("main");
    let it = workspace("box")
        .build(
            start(1)
                .agent(before.clone().soft_deleted())
                .agent(agent("other")),
        )
        .build(stop(2))
        .build(start(3).agent(stuck.clone()));
    coder.add(it).await;
    let exporter = coder.exporter().await;
    let page = page(&exporter, &format!("/agents/{}", stuck.id)).await;
    assert_says(
        &text(&page),
        &[
            "survived_build",
            "its process is still running",
            "(rule stuck_created)",
        ],
    );
    let builds = part(&page, "builds");
    let rows: Vec<_> = builds.split("<tr").skip(2).map(text).collect();
    assert_eq!(rows.len(), 2, "{builds}");
    assert_says(
        &rows[0],
        &["Build 3 start succeeded main connected, never reported its state"],
    );
    assert_says(&rows[1], &["Build 1 start succeeded main ready"]);
    assert!(rows[0].ends_with("never"), "{rows:?}");
    assert!(!rows[1].contains("never"), "{rows:?}");
    assert_says(builds, &[&format!("/agents/{}", before.id)]);
}

#[tokio::test]
async fn sub_agents_stand_under_their_parent() {
    let coder = Coder::new().await;
    let main = agent("main").sub(agent("dev").closed_ago(5405.0));
    let zeta = agent("zeta");
    let it = workspace("box").build(start(1).agent(zeta.clone()).agent(main));
    coder.add(it).await;
    let page = page(&coder.exporter().await, &format!("/agents/{}", zeta.id)).await;
    let kin = part(&page, "kin");
    let rows: Vec<_> = kin.split("<tr").skip(2).map(text).collect();
    assert_eq!(rows.len(), 3, "{kin}");
    assert_says(&rows[0], &["main connected healthy"]);
    assert_says(
        &rows[1],
        &["↳ dev sub-agent disconnected disconnected 1h 30m ready 1h 30m ago"],
    );
    assert_says(&rows[2], &["zeta connected healthy"]);
    assert_eq!(kin.matches("aria-current").count(), 1, "{kin}");
}

#[tokio::test]
async fn agent_of_an_earlier_build_counts_nowhere_and_leads_to_todays() {
    let coder = Coder::new().await;
    let old = agent("main").closed_ago(3600.0);
    let it = workspace("box")
        .build(start(6).agent(old.clone()))
        .build(start(7).agent(agent("main")));
    coder.add(it.clone()).await;
    let page = page(&coder.exporter().await, &format!("/agents/{}", old.id)).await;
    assert_says(
        &text(&page),
        &[
            "This agent belongs to an earlier build and is not counted. The workspace's latest build is 7: its agents.",
            "(rule closed)",
            "Verdict ready: agent main is connected",
        ],
    );
    assert_says(&page, &[&format!("href=\"/agents/{}\"", it.id)]);
}

#[tokio::test]
async fn failed_build_is_told_with_its_error() {
    let coder = Coder::new().await;
    let main = agent("main");
    let it = workspace("box").build(start(1).job(Job::Failed).agent(main.clone()));
    coder.add(it).await;
    coder
        .sql("UPDATE provisioner_jobs SET error = E'terraform:\\n <b>no space</b>'")
        .await;
    let page = page(&coder.exporter().await, &format!("/agents/{}", main.id)).await;
    assert!(!page.contains("<b>"), "{page}");
    let facts = text(part(&page, "workspace"));
    assert_says(
        &facts,
        &["Latest build 1, start: failed", "<b>no space</b>"],
    );
}

#[tokio::test]
async fn names_are_no_markup_and_turn_nothing_round() {
    let coder = Coder::new().await;
    let hostile = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "\u{202e}desrever\u{200f}",
        "a\x1b[31mb\nc",
        "",
    ];
    let mut ids = Vec::new();
    for name in hostile {
        let main = agent(name).set("version", literal(name)).sub(agent(name));
        ids.push(main.id);
        let it = workspace(name)
            .owner(name)
            .organization(name)
            .template(name)
            .agent(main);
        coder.add(it).await;
    }
    let change = |it: &mut Settings| it.web.links.coder = "https://coder.example".parse().ok();
    let exporter = coder.exporter_with(change).await;
    for id in ids {
        let page = page(&exporter, &format!("/agents/{id}")).await;
        assert!(
            !page.contains("<script>") && !page.contains("<img"),
            "{page}"
        );
        let odd = ['\u{202e}', '\u{200f}', '\x1b'];
        assert!(!page.contains(odd), "{page}");
    }
}

const HELP: &str = "https://help.example/gpu";

/// An agent with scripts of each sort, monitors, and an address.
async fn equipped(coder: &Coder) -> Uuid {
    let main = agent("main").set("troubleshooting_url", literal(HELP));
    coder.add(workspace("box").agent(main.clone())).await;
    coder
        .sql(
            "INSERT INTO workspace_agent_scripts (workspace_agent_id, display_name, run_on_start)
                 SELECT agent.id, script, script <> 'Backup'
                 FROM workspace_agents AS agent, unnest(ARRAY['Tools', '<b>Dotfiles', 'Watch', 'Backup']) AS script;
             INSERT INTO workspace_agent_script_timings
                 SELECT script.id, coalesce(agent.started_at, now()) + age, coalesce(agent.started_at, now()) + age + took, code,
                     stage::workspace_agent_script_timing_stage, status::workspace_agent_script_timing_status
                 FROM workspace_agent_scripts AS script
                 JOIN workspace_agents AS agent ON agent.id = script.workspace_agent_id
                 JOIN (VALUES
                     ('Tools', interval '-1 h', interval '9 s', 9, 'start', 'exit_failure'),
                     ('Tools', interval '1 s', interval '12.34 s', 0, 'start', 'ok'),
                     ('<b>Dotfiles', interval '1 s', interval '200 s', 3, 'start', 'exit_failure'),
                     ('Watch', interval '-1 h', interval '9 s', 0, 'start', 'ok'),
                     ('Backup', interval '-1 h', interval '2 s', 1, 'cron', 'timed_out')
                 ) AS run (name, age, took, code, stage, status) ON run.name = script.display_name;
             INSERT INTO workspace_agent_memory_resource_monitors (agent_id, threshold, state)
                 SELECT id, 80, 'NOK' FROM workspace_agents;
             INSERT INTO workspace_agent_volume_resource_monitors (agent_id, path, enabled)
                 SELECT id, path, path = '/home' FROM workspace_agents, unnest(ARRAY['/home', '/tmp']) AS path",
        )
        .await;
    main.id
}

#[tokio::test]
async fn scripts_monitors_and_the_templates_own_page_are_shown() {
    let coder = Coder::new().await;
    let id = equipped(&coder).await;
    let page = page(&coder.exporter().await, &format!("/agents/{id}")).await;
    let parts = part(&page, "parts");
    let rows: Vec<_> = parts.split("<tr").skip(1).map(text).collect();
    let expected = [
        "Script",
        "<b>Dotfiles exit failure 3 3m 20s start",
        "Backup timed out 1 2.0 s cron",
        "Tools succeeded 0 12.3 s start",
        "Watch has not ended",
        "Monitor",
        "memory above the threshold 80 %",
        "volume /home below the threshold 90 %",
        "volume /tmp off 90 %",
    ];
    assert_eq!(rows.len(), expected.len(), "{rows:#?}");
    for (row, expected) in rows.iter().zip(expected) {
        assert!(row.contains(expected), "{expected}: {row}");
    }
    assert!(!parts.contains("<b>"), "{parts}");
    assert_says(
        parts,
        &[&format!("<a href=\"{HELP}\" rel=\"noopener noreferrer\"")],
    );
}

#[tokio::test]
async fn address_that_is_none_of_the_web_is_no_link_and_a_cut_one_is_not_shown() {
    let coder = Coder::new().await;
    let id = equipped(&coder).await;
    let exporter = coder
        .exporter_with(|it| it.web.collect_timeout = Duration::from_secs(20))
        .await;
    let path = format!("/agents/{id}");
    coder
        .sql("UPDATE workspace_agents SET troubleshooting_url = 'javascript:alert(1)'")
        .await;
    let shown = page(&exporter, &path).await;
    let parts = part(&shown, "parts");
    assert_says(parts, &["javascript:alert(1)", "no address of the web"]);
    assert!(!parts.contains("<a "), "{parts}");
    coder
        .sql("UPDATE workspace_agents SET troubleshooting_url = 'https://help.example/' || repeat('x', 3000)")
        .await;
    eventually("the page is read again", async || {
        !part(&page(&exporter, &path).await, "parts").contains("where to look")
    })
    .await;
}

/// As after an upgrade of the exporter: the role has last year's grants.
#[tokio::test]
async fn parts_that_may_not_be_read_cost_no_more_than_their_section() {
    let coder = Coder::new().await;
    let id = equipped(&coder).await;
    let role = &coder.role;
    coder
        .sql(&format!(
            "REVOKE SELECT (troubleshooting_url) ON workspace_agents FROM {role}"
        ))
        .await;
    let page = page(&coder.exporter().await, &format!("/agents/{id}")).await;
    assert_says(
        &text(part(&page, "parts")),
        &["the role has no grant for them"],
    );
    assert_says(&page, &["data-key=\"why\"", "data-key=\"builds\""]);
}

#[tokio::test]
async fn coder_without_these_tables_is_not_said_to_have_no_scripts() {
    let coder = Coder::of(Era::V2_9).await;
    let main = agent("main").set("troubleshooting_url", literal(HELP));
    coder.add(workspace("box").agent(main.clone())).await;
    let page = page(&coder.exporter().await, &format!("/agents/{}", main.id)).await;
    assert_says(
        &text(part(&page, "parts")),
        &[
            "where to look: https://help.example/gpu",
            "This Coder records no runs of scripts. This Coder has no monitors.",
        ],
    );
}

#[tokio::test]
async fn page_and_explain_say_how_the_workspace_is_used() {
    let coder = Coder::new().await;
    let main = agent("main");
    let id = main.id;
    coder.add(workspace("box").agent(main)).await;
    let session = report().connections(2).session("vscode", 1);
    coder.report(id, session.ago(20.0)).await;
    coder
        .sql(
            "UPDATE workspaces SET last_used_at = now() - interval '90 seconds';
             UPDATE workspace_builds SET deadline = now() + interval '3601 seconds'",
        )
        .await;
    let exporter = coder.exporter().await;
    let page = page(&exporter, &format!("/agents/{id}")).await;
    let shown = text(part(&page, "activity"));
    let url = format!("--postgres.url={}", coder.url());
    let explained = run(&["explain", &id.to_string(), &url]).await.stdout;
    let explained = explained.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [shown, explained] {
        assert_says(
            &text,
            &[
                "in use open sessions: 1 vscode (reported 2",
                "last used ",
                " 1m 3",
                "autostop ",
                "in 1h 0m",
            ],
        );
    }
}
