//! `/-/ready`: is the database reached, its Coder supported, and every grant there?

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::collect::Collect;
use crate::postgres::catalog::ColumnSet;

/// Ready stands for this long: however often it is asked, a database that works is asked once
/// a second. One that does not is asked anew, one look at a time, so that its return shows.
const FRESH: Duration = Duration::from_secs(1);

/// Ready, or why not and what to do, a line for each reason.
pub(crate) type ReadyResult = Result<(), String>;

/// One look at the database for everybody who asks at the same time.
#[derive(Default)]
pub(crate) struct ReadyCheck {
    state: Mutex<ReadyState>,
}

#[derive(Default)]
struct ReadyState {
    /// Weak: a look without a waiting request is dropped.
    look: Option<WeakShared<BoxFuture<'static, ReadyResult>>>,
    was_ready: Option<Instant>,
}

impl ReadyCheck {
    /// The verdict, by `deadline` or that of the first request.
    ///
    /// What is to be read is the same for all who ask.
    pub(crate) async fn ask(
        &self,
        collect: &Collect,
        reads: Vec<ColumnSet>,
        deadline: Instant,
    ) -> ReadyResult {
        let look = match self.join_or_start(collect, reads, deadline) {
            Ok(verdict) => return verdict,
            Err(look) => look,
        };
        let verdict = look.await;
        self.state.lock().was_ready = verdict.is_ok().then(Instant::now);
        verdict
    }

    fn join_or_start(
        &self,
        collect: &Collect,
        reads: Vec<ColumnSet>,
        deadline: Instant,
    ) -> Result<ReadyResult, Shared<BoxFuture<'static, ReadyResult>>> {
        let mut state = self.state.lock();
        if state.was_ready.is_some_and(|it| it.elapsed() < FRESH) {
            return Ok(Ok(()));
        }
        if let Some(look) = state.look.as_ref().and_then(WeakShared::upgrade)
            && look.peek().is_none()
        {
            return Err(look);
        }
        let look = look(collect.clone(), reads, deadline).boxed().shared();
        state.look = look.downgrade();
        Err(look)
    }

    /// A new look is needed, whatever was seen a moment ago.
    pub(crate) fn forget(&self) {
        *self.state.lock() = ReadyState::default();
    }
}

/// Ready means: the database is reached, its Coder is supported, and all that is to be read may
/// be read.
async fn look(collect: Collect, reads: Vec<ColumnSet>, deadline: Instant) -> ReadyResult {
    let catalog = collect.database().catalog(&reads, deadline).await;
    let catalog = catalog.map_err(|failure| format!("not ready: {failure}\n"))?;
    let checks = [catalog.check_supported(), catalog.check(&reads)];
    let reasons = checks.into_iter().filter_map(Result::err);
    let reasons: Vec<_> = reasons
        .map(|failure| format!("not ready: {failure}\n"))
        .collect();
    if reasons.is_empty() {
        Ok(())
    } else {
        Err(reasons.concat())
    }
}
