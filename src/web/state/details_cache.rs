//! All about one workspace or agent, for a page.
//!
//! However many look at the same one, the database is asked once in [`MAX_AGE`]; however many
//! are looked at, one is asked about at a time.

use std::collections::HashMap;
use std::sync::Arc;

use axum::response::Response;
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::details::{Unclear, WorkspaceDetails, read_details};
use crate::error::{ErrorKind, Failure};
use crate::fleet::model::reference::Reference;
use crate::web::state::App;
use crate::web::state::cached_collection::{MAX_AGE, no_place};

/// So many answers are remembered; each is some kilobytes.
const REMEMBERED: usize = 64;

/// What was answered.
type Answer = Result<Arc<WorkspaceDetails>, Unclear>;

/// The newest answer to one question. Locked while it is asked: who comes meanwhile waits for it.
#[derive(Debug, Default)]
struct Question {
    answer: tokio::sync::Mutex<Option<(Instant, Answer)>>,
}

/// The questions of late.
#[derive(Debug, Default)]
pub(crate) struct DetailsCache {
    questions: Mutex<HashMap<Reference, (Instant, Arc<Question>)>>,
}

impl DetailsCache {
    /// The place of this question, shared by all who ask it.
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
}

impl App {
    /// Everything about what is meant by `reference`, as it was a moment ago. Takes a place
    /// among the scrapes while it is read.
    ///
    /// # Errors
    ///
    /// 503 when there is no place.
    pub(crate) async fn read_details(&self, reference: &Reference) -> Result<Answer, Response> {
        let Ok(_place) = self.scrapes.try_acquire() else {
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
            let answer = details.map(Arc::new);
            *known = Some((Instant::now(), answer.clone()));
            answer
        };
        let answer = timeout_at(deadline, asking).await;
        Ok(answer.unwrap_or_else(|_| Err(too_late().into())))
    }
}

/// Whether what was answered `at` that moment does for who came at `arrived`. A failure does for
/// those who waited for it and for no other: the next one tries again.
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
