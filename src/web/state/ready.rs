//! `/-/ready`: checks that the database answers, that its Coder is supported, and that all grants
//! exist.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::collect::Collect;
use crate::postgres::catalog::ColumnSet;

/// How long a success is cached, so that a working database is queried at most once a second. A
/// failure is not cached, but only one check runs at a time.
const FRESH: Duration = Duration::from_secs(1);

/// Success, or one line for each problem with what to do.
pub(crate) type ReadyResult = Result<(), String>;

/// A check of the database that concurrent requests share.
#[derive(Default)]
pub(crate) struct ReadyCheck {
    state: Mutex<ReadyState>,
}

#[derive(Default)]
struct ReadyState {
    /// Weak: a check without a waiting request is dropped.
    look: Option<WeakShared<BoxFuture<'static, ReadyResult>>>,
    was_ready: Option<Instant>,
}

impl ReadyCheck {
    /// The result of a check, by the deadline of this request or of the one that started the check.
    ///
    /// `reads` must be the same for all requests.
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

    /// Discards the cached success.
    pub(crate) fn forget(&self) {
        *self.state.lock() = ReadyState::default();
    }
}

/// Runs the check: the database answers, its Coder is supported, and all columns can be read.
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
