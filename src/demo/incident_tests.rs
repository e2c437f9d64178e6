//! Each scenario injects a cause, and the exporter's own analysis finds it in the rows: exactly that
//! one. The story runs in memory, and both clocks stand still while the exporter reads.

use tokio::time::{Duration, Instant};

use super::cluster::Cluster;
use super::schema::Era;
use super::store;
use super::testing::{cluster, fresh_database};
use crate::demo::fleet::{Cause, Fleet, Pace, Scenario, Tables, Time};
use crate::fleet::model::agent::Kind;
use crate::fleet::rules::health::Limits;
use crate::fleet::stats::collection::Collector;
use crate::incident::facts::incidents_of;
use crate::incident::model::IncidentSettings;
use crate::postgres::database::{CollectionRequest, Database};
use crate::postgres::grants::{USUAL_SCHEMA, role_sql};

const ROLE: &str = "reader";
const SEEDS: u64 = 4;

struct Story {
    fleet: Fleet,
    tables: Tables,
    now: Time,
    causes: Vec<Cause>,
}

impl Story {
    fn of(scenario: Scenario, seed: u64) -> Self {
        let (fleet, tables, now) = Fleet::of(200, seed, scenario, Pace::REAL);
        let causes = Vec::new();
        Self {
            fleet,
            tables,
            now,
            causes,
        }
    }

    fn go_on(&mut self, seconds: Time) {
        for _ in 0..seconds {
            self.now += 1;
            let changes = self.fleet.tick(self.now);
            self.tables.apply(&changes, self.now);
            for cause in changes.causes {
                let named = cause.to_string();
                let is_told = changes.messages.iter().any(|it| it.text.contains(&named));
                assert!(is_told, "{named} is in no message");
                self.causes.push(cause);
            }
        }
    }

    /// Goes on until the next cause, and then for so long.
    fn go_on_after_cause(&mut self, seconds: Time) -> Cause {
        let known = self.causes.len();
        for _ in 0..1800 {
            self.go_on(1);
            if self.causes.len() > known {
                self.go_on(seconds);
                return self.causes[known].clone();
            }
        }
        panic!("no cause within half an hour");
    }

    /// The incidents that the exporter finds.
    async fn incidents(&mut self, cluster: &Cluster, name: &str) -> Vec<(Kind, Cause)> {
        self.tables.prune();
        let mut client = fresh_database(cluster, name).await;
        client.batch_execute(&Era::NEWEST.sql()).await.unwrap();
        let role = role_sql(ROLE, USUAL_SCHEMA, Collector::DEFAULT);
        client.batch_execute(&role).await.unwrap();
        let transaction = client.transaction().await.unwrap();
        store::insert_scenery(&transaction, Era::NEWEST, self.fleet.seed_data())
            .await
            .unwrap();
        let at = (Era::NEWEST, self.now);
        store::insert(&transaction, &self.tables.rows(), at)
            .await
            .unwrap();
        // From now on the reader's clock stands still.
        let moment = transaction.query_one("SELECT now()::text", &[]).await;
        let moment: String = moment.unwrap().get(0);
        let stop = format!(
            "CREATE FUNCTION public.now() RETURNS timestamptz STABLE LANGUAGE sql
                 AS $$SELECT '{moment}'::timestamptz$$;
             ALTER ROLE {ROLE} IN DATABASE {name} SET search_path = public, pg_catalog;"
        );
        transaction.batch_execute(&stop).await.unwrap();
        transaction.commit().await.unwrap();
        read(&cluster.url(ROLE, name)).await
    }
}

async fn read(url: &str) -> Vec<(Kind, Cause)> {
    let database = Database::new(&url.parse().unwrap(), 1).unwrap();
    let limits = Limits::default();
    let wanted = CollectionRequest {
        collectors: Collector::DEFAULT,
        limits: &limits,
        named_apps: false,
        metadata_keys: &[],
    };
    let deadline = Instant::now() + Duration::from_secs(120);
    let collection = database.collection(wanted, deadline).await;
    let fleet = collection.fleet.unwrap();
    let incidents = incidents_of(&fleet, IncidentSettings::default());
    let causes = incidents.into_iter().map(|it| {
        let (family, common) = (it.family, it.common);
        (it.kind, Cause { family, common })
    });
    causes.collect()
}

/// Without those of prebuilt workspaces, of which there are only four.
fn of_people(incidents: Vec<(Kind, Cause)>) -> Vec<(Kind, Cause)> {
    let is_root = |it: &(Kind, Cause)| it.0 == Kind::Root;
    incidents.into_iter().filter(is_root).collect()
}

/// After the scenario's first cause, and so long after it, the exporter finds exactly that; and so
/// long after that, nothing.
async fn names_its_cause(scenario: Scenario, seen_after: Time, over_after: Time) {
    let cluster = cluster();
    for seed in 0..SEEDS {
        let mut story = Story::of(scenario, seed);
        let cause = story.go_on_after_cause(seen_after);
        let found = story.incidents(&cluster, &format!("seen_{seed}")).await;
        // Coder's own end takes prebuilt workspaces along.
        let found = match scenario {
            Scenario::Replica | Scenario::CoderDown => of_people(found),
            _ => found,
        };
        assert_eq!(found, [(Kind::Root, cause)], "seed {seed}");
        story.go_on(over_after);
        let found = story.incidents(&cluster, &format!("over_{seed}")).await;
        assert_eq!(found, [], "seed {seed}");
    }
}

#[tokio::test]
async fn outage_is_of_its_template_and_then_of_its_kind_of_machine() {
    names_its_cause(Scenario::Outage, 75, 240).await;
    let cluster = cluster();
    let mut story = Story::of(Scenario::Outage, 9);
    story.go_on_after_cause(1);
    let network = story.go_on_after_cause(75);
    assert_eq!(
        network.to_string(),
        "lost, resource_type kubernetes_deployment"
    );
    let found = story.incidents(&cluster, "network").await;
    assert_eq!(found, [(Kind::Root, network)]);
}

#[tokio::test]
async fn machines_that_stick_are_of_an_agent_version() {
    names_its_cause(Scenario::Stuck, 200, 1300).await;
}

#[tokio::test]
async fn rebuild_that_never_connects_is_of_a_template_version() {
    names_its_cause(Scenario::Rebuild, 260, 600).await;
}

#[tokio::test]
async fn crash_of_a_coderd_is_of_its_replica() {
    names_its_cause(Scenario::Replica, 80, 180).await;
}

#[tokio::test]
async fn broken_startup_script_is_of_a_template_version() {
    names_its_cause(Scenario::BadVersion, 400, 600).await;
}

#[tokio::test]
async fn crash_of_all_of_coder_is_coders() {
    names_its_cause(Scenario::CoderDown, 60, 120).await;
}

#[tokio::test]
async fn calm_fleet_has_no_incident() {
    let cluster = cluster();
    for seed in 0..SEEDS {
        let mut story = Story::of(Scenario::Calm, seed);
        for hour in 0..3 {
            let name = format!("calm_{seed}_{hour}");
            assert_eq!(story.incidents(&cluster, &name).await, [], "{name}");
            story.go_on(3600);
        }
        assert_eq!(story.causes, []);
    }
}
