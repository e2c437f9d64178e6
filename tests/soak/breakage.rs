//! What breaks: the network, the server, locks, grants, the pace of the tables.

use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::task::block_in_place;
use tokio::time::sleep;
use tokio_postgres::Client;

use crate::World;
use crate::harness::Chance;
use crate::harness::Coder;
use crate::harness::proxy::{Mischief, Way};
use crate::life::note_the_moment;

/// Bytes of a collection, about.
const COLLECTION: u64 = 60_000;

#[derive(Debug, Clone, Copy)]
enum Fault {
    SlowNetwork,
    SilentNetwork,
    CutNetwork,
    ResetNetwork,
    SlowTable,
    LockedTable,
    SessionsEnded,
    StatementsCancelled,
    GrantRevoked,
    RoleShutOut,
    Restart,
    Crash,
    Standstill,
}

const FAULTS: [Fault; 13] = [
    Fault::SlowNetwork,
    Fault::SilentNetwork,
    Fault::CutNetwork,
    Fault::ResetNetwork,
    Fault::SlowTable,
    Fault::LockedTable,
    Fault::SessionsEnded,
    Fault::StatementsCancelled,
    Fault::GrantRevoked,
    Fault::RoleShutOut,
    Fault::Restart,
    Fault::Crash,
    Fault::Standstill,
];

/// Breaks one thing after the other until it is over, and mends each.
pub(crate) async fn run(world: Arc<World>, mut coder: Coder) -> Coder {
    let mut chance = Chance::new(14);
    while world.goes_on() {
        sleep(Duration::from_millis(300 + chance.below(1000))).await;
        let fault = chance.pick(&FAULTS);
        let lasts = Duration::from_millis(50 + chance.below(1000));
        match fault {
            Fault::Restart | Fault::Crash => stop(&world, &mut coder, fault, lasts).await,
            Fault::Standstill => stand_still(&coder, lasts).await,
            _ => disturb(&world, &mut chance, fault, lasts).await,
        }
        world.tally.fault();
    }
    coder
}

async fn stop(world: &World, coder: &mut Coder, fault: Fault, lasts: Duration) {
    if matches!(fault, Fault::Restart) {
        block_in_place(|| coder.own_cluster().stop());
        sleep(lasts).await;
        return block_in_place(|| coder.own_cluster().start_again().unwrap());
    }
    // A crash takes changes along that nobody has written yet: whoever compares must not have
    // seen them.
    let _gate = world.gate.lock().await;
    block_in_place(|| coder.own_cluster().kill());
    sleep(lasts).await;
    block_in_place(|| coder.own_cluster().start_again().unwrap());
    note_the_moment(world, &mut world.admin().await).await;
}

async fn stand_still(coder: &Coder, lasts: Duration) {
    let server = coder.cluster().server_id().expect("it runs").to_string();
    let children = Command::new("pgrep").args(["-P", &server]).output().await;
    let children = String::from_utf8(children.unwrap().stdout).unwrap();
    for signal in ["-STOP", "-CONT"] {
        let mut kill = Command::new("kill");
        kill.arg(signal)
            .arg(&server)
            .args(children.split_whitespace());
        // A session may have ended meanwhile.
        let _ = kill.stderr(std::process::Stdio::null()).status().await;
        if signal == "-STOP" {
            sleep(lasts).await;
        }
    }
}

async fn disturb(world: &World, chance: &mut Chance, fault: Fault, lasts: Duration) {
    let way = chance.pick(&[Way::ToServer, Way::ToExporter]);
    let after = {
        let reach = chance.pick(&[100, 2000, COLLECTION]);
        chance.below(reach)
    };
    let mischief = match fault {
        Fault::SlowNetwork => Mischief::Delay(Duration::from_millis(chance.below(300))),
        Fault::SilentNetwork => Mischief::Swallow { after },
        Fault::CutNetwork => Mischief::Truncate { after },
        Fault::ResetNetwork => Mischief::Reset { after },
        _ => Mischief::None,
    };
    if mischief != Mischief::None {
        world.proxy.set(way, mischief);
        sleep(lasts).await;
        return world.proxy.set(way, Mischief::None);
    }
    let client = world.admin().await;
    let (begin, end) = statements(world, chance, fault);
    run_sql(&client, &begin).await;
    sleep(lasts).await;
    run_sql(&client, &end).await;
}

/// What breaks the database, and what mends it.
fn statements(world: &World, chance: &mut Chance, fault: Fault) -> (String, String) {
    let role = &world.role;
    let sessions = |function: &str| {
        format!("SELECT {function}(pid) FROM pg_stat_activity WHERE usename = '{role}'")
    };
    match fault {
        Fault::SlowTable => {
            let seconds = chance.pick(&["0.05", "0.5", "5"]);
            (
                format!("UPDATE pace SET seconds = {seconds}"),
                "UPDATE pace SET seconds = 0".into(),
            )
        }
        Fault::LockedTable => {
            let tables = [
                "workspace_agents",
                "real_table",
                "provisioner_jobs",
                "users",
            ];
            let table = chance.pick(&tables);
            (
                format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"),
                "ROLLBACK".into(),
            )
        }
        Fault::StatementsCancelled => (sessions("pg_cancel_backend"), String::new()),
        Fault::GrantRevoked => {
            let grant = chance.pick(&[
                "SELECT ON workspace_apps",
                "SELECT (job_status) ON provisioner_jobs",
                "SELECT (username) ON users",
            ]);
            (
                format!("REVOKE {grant} FROM {role}"),
                format!("GRANT {grant} TO {role}"),
            )
        }
        Fault::RoleShutOut => (
            format!(
                "ALTER ROLE {role} NOLOGIN; {}",
                sessions("pg_terminate_backend")
            ),
            format!("ALTER ROLE {role} LOGIN"),
        ),
        _ => (sessions("pg_terminate_backend"), String::new()),
    }
}

async fn run_sql(client: &Client, sql: &str) {
    client.batch_execute(sql).await.unwrap();
}
