//! Cached details of workspaces and agents, for pages.
//!
//! Details of one workspace or agent are read at most once in [`MAX_AGE`], for any number of
//! viewers. Only one of them is read at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::response::Response;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::details::{Unclear, WorkspaceDetails, read_details};
use crate::error::{ErrorKind, Failure};
use crate::fleet::model::reference::Reference;
use crate::web::state::App;
use crate::web::state::cached_collection::{MAX_AGE, no_place};

/// So many answers are remembered; most are some kilobytes.
const REMEMBERED: usize = 64;

/// Answers take no more memory than this together: a workspace may have had very many agents.
const REMEMBERED_BYTES: usize = 8 << 20;

/// The result of one lookup.
type Answer = Result<Arc<WorkspaceDetails>, Unclear>;

/// The latest result of a lookup. It is locked during the lookup, so concurrent requests wait for
/// the result.
#[derive(Debug, Default)]
struct Question {
    answer: tokio::sync::Mutex<Option<(Instant, Answer)>>,
    /// How much memory the answer takes, to be read while it is locked.
    bytes: AtomicUsize,
}

/// The latest lookups with their results, by reference.
#[derive(Debug, Default)]
pub(crate) struct DetailsCache {
    questions: Mutex<HashMap<Reference, (Instant, Arc<Question>)>>,
}

impl DetailsCache {
    /// The cache entry of this reference, shared by all its requests.
    fn question(&self, reference: &Reference) -> Arc<Question> {
        let mut questions = self.questions.lock();
        let now = Instant::now();
        if let Some((asked, question)) = questions.get_mut(reference) {
            *asked = now;
            return question.clone();
        }
        let is_wanted = |asked: &Instant| now.duration_since(*asked) < MAX_AGE;
        questions.retain(|_, (asked, it)| is_wanted(asked) || Arc::strong_count(it) > 1);
        let question = Arc::<Question>::default();
        // Beyond it, who asks is answered all the same, and shares with no other.
        if questions.len() < REMEMBERED {
            questions.insert(reference.clone(), (now, question.clone()));
        }
        question
    }

    /// Notes how much memory the answer to `question` takes. The questions asked longest ago are
    /// forgotten until there is room; the answer to this one is last, and goes where it alone
    /// is too large.
    fn account(&self, question: &Arc<Question>, bytes: usize) {
        question.bytes.store(bytes, Ordering::Relaxed);
        let mut questions = self.questions.lock();
        let mut oldest_first: Vec<_> = questions
            .iter()
            .map(|(reference, (asked, it))| (Arc::ptr_eq(it, question), *asked, reference.clone()))
            .collect();
        oldest_first.sort_unstable_by_key(|(is_this, asked, _)| (*is_this, *asked));
        let sizes = questions
            .values()
            .map(|it| it.1.bytes.load(Ordering::Relaxed));
        let mut all: usize = sizes.sum();
        for (_, _, reference) in oldest_first {
            if all <= REMEMBERED_BYTES {
                break;
            }
            if let Some((_, forgotten)) = questions.remove(&reference) {
                all = all.saturating_sub(forgotten.bytes.load(Ordering::Relaxed));
            }
        }
    }
}

impl App {
    /// Everything about what is meant by `reference`, as it was a moment ago. Takes a place
    /// among the pages while it is read.
    ///
    /// # Errors
    ///
    /// 503 when there is no place.
    pub(crate) async fn read_details(&self, reference: &Reference) -> Result<Answer, Response> {
        let Ok(_place) = self.pages.try_acquire() else {
            return Err(no_place());
        };
        let arrived = Instant::now();
        let deadline = arrived + self.settings.collect_timeout;
        let question = self.details_cache.question(reference);
        let asking = async {
            let mut known = question.answer.lock().await;
            if let Some((at, answer)) = &*known
                && is_good(*at, answer, arrived)
            {
                return answer.clone();
            }
            let _turn = self.collect.turn().await;
            let limits = self.collect.settings().limits;
            let database = self.collect.database();
            let details = read_details(&database, reference, limits, deadline).await;
            let answer = details.map(|mut details| {
                if let Some(usage) = &mut details.usage {
                    let (workspace, now) = (details.latest.workspace_id, details.latest.now);
                    self.deadlines.lock().compare(workspace, usage, now);
                }
                Arc::new(details)
            });
            *known = Some((Instant::now(), answer.clone()));
            let bytes = answer.as_ref().map_or(0, |it| it.memory_bytes());
            self.details_cache.account(&question, bytes);
            answer
        };
        let answer = timeout_at(deadline, asking).await;
        Ok(answer.unwrap_or_else(|_| Err(too_late().into())))
    }
}

/// Whether a result of the time `at` is recent enough for a request that came at `arrived`. A
/// failure is only used for requests that waited for it; the next request tries again.
fn is_good(at: Instant, answer: &Answer, arrived: Instant) -> bool {
    match answer {
        Err(Unclear::Failed(_)) => at > arrived,
        _ => at.elapsed() < MAX_AGE,
    }
}

fn too_late() -> Failure {
    let message = "the database did not answer in time: see --collect.timeout";
    Failure::new(ErrorKind::Timeout, message)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn by_id(id: u128) -> Reference {
        Reference::Id(Uuid::from_u128(id))
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_whatever_is_asked_for() {
        let details_cache = DetailsCache::default();
        for id in 0..1000 {
            details_cache.question(&by_id(id));
        }
        assert_eq!(details_cache.questions.lock().len(), REMEMBERED);
        tokio::time::advance(MAX_AGE).await;
        details_cache.question(&by_id(2000));
        assert_eq!(details_cache.questions.lock().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn large_answers_push_out_the_oldest_and_too_large_ones_are_not_kept() {
        let details_cache = DetailsCache::default();
        let known = || details_cache.questions.lock().len();
        for (id, bytes) in [(1, REMEMBERED_BYTES / 2), (2, REMEMBERED_BYTES / 2)] {
            let question = details_cache.question(&by_id(id));
            details_cache.account(&question, bytes);
            tokio::time::advance(MAX_AGE / 10).await;
        }
        assert_eq!(known(), 2);
        let third = details_cache.question(&by_id(3));
        details_cache.account(&third, 1);
        assert!(!details_cache.questions.lock().contains_key(&by_id(1)));
        assert_eq!(known(), 2);
        details_cache.account(&third, REMEMBERED_BYTES + 1);
        assert_eq!(known(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_the_same_shares_the_answer_and_question_under_way_is_kept() {
        let details_cache = DetailsCache::default();
        let first = details_cache.question(&by_id(1));
        tokio::time::advance(MAX_AGE * 2).await;
        details_cache.question(&by_id(2));
        assert!(Arc::ptr_eq(&first, &details_cache.question(&by_id(1))));
    }

    #[tokio::test(start_paused = true)]
    async fn failure_does_for_those_who_waited_for_it_alone() {
        let arrived = Instant::now();
        let answered = arrived + MAX_AGE / 5;
        tokio::time::advance(MAX_AGE / 5).await;
        let failed: Answer = Err(too_late().into());
        assert!(is_good(answered, &failed, arrived));
        assert!(!is_good(answered, &failed, answered));
        let nothing: Answer = Err(Unclear::Nothing(Vec::new()));
        assert!(is_good(answered, &nothing, answered));
        tokio::time::advance(MAX_AGE).await;
        assert!(!is_good(answered, &nothing, answered));
    }
}
