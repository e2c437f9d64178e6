//! Work that would keep others waiting, on a thread where nothing else waits.
//!
//! All requests share a few threads, on a small machine a single one. A fleet of a hundred thousand
//! is judged in a tenth of a second and written in a whole one; meanwhile a health check, or a
//! scrape that has its answer already, would not be served.

use std::panic::resume_unwind;

use tokio::task::spawn_blocking;

/// So many agents, or rows, are worked on where they are: judging takes 0.3 µs each and writing
/// 3 µs at most, so that others wait 15 ms, and handing the work over would gain them nothing.
pub(crate) const INLINE: usize = 5000;

/// Does `work` on this many agents or rows: at once where they are few, else on a thread for work
/// that blocks. There it goes on to its end even when nothing waits for it any more.
pub(crate) async fn offload<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if size <= INLINE {
        return work();
    }
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // Never begun, because the runtime ends. So does this.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// On a runtime of one thread, work that waits for another task ends only beside it.
    #[tokio::test]
    async fn others_are_served_while_many_are_worked_on() {
        let (answer, answered) = mpsc::channel();
        let request = tokio::spawn(async move { answer.send("healthy").unwrap() });
        let work = offload(INLINE + 1, move || answered.recv().unwrap());
        assert_eq!(work.await, "healthy");
        request.await.unwrap();
    }

    #[tokio::test]
    async fn few_are_worked_on_where_they_are() {
        let here = thread::current().id();
        assert_eq!(offload(INLINE, || thread::current().id()).await, here);
        let elsewhere = offload(INLINE + 1, || thread::current().id()).await;
        assert_ne!(elsewhere, here);
    }

    #[tokio::test]
    #[should_panic(expected = "the work's own words")]
    async fn panic_is_that_of_the_work() {
        offload(INLINE + 1, || panic!("the work's own words")).await
    }
}
