//! Long work on a blocking thread, so that it does not delay other requests.
//!
//! All requests share a few threads; on a small machine there is only one. Judging 100,000 agents
//! takes a tenth of a second, and writing a series for each takes a second. A health check must not
//! wait that long.

use std::panic::resume_unwind;

use tokio::task::spawn_blocking;

/// Work on up to this many agents or rows is not moved to another thread. Judging an agent takes
/// 0.3 µs and writing its series 3 µs, so other requests wait 15 ms at most.
pub(crate) const INLINE: usize = 5000;

/// Runs `work` on `size` agents or rows: directly up to [`INLINE`], otherwise on a blocking thread.
/// A caller that is cancelled does not stop work on a blocking thread.
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
            // The runtime is shutting down and did not start the work.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// On a single-threaded runtime this work only ends if it does not block that thread.
    #[tokio::test]
    async fn other_tasks_run_during_long_work() {
        let (answer, answered) = mpsc::channel();
        let request = tokio::spawn(async move { answer.send("healthy").unwrap() });
        let work = offload(INLINE + 1, move || answered.recv().unwrap());
        assert_eq!(work.await, "healthy");
        request.await.unwrap();
    }

    #[tokio::test]
    async fn short_work_stays_on_its_thread() {
        let here = thread::current().id();
        assert_eq!(offload(INLINE, || thread::current().id()).await, here);
        let elsewhere = offload(INLINE + 1, || thread::current().id()).await;
        assert_ne!(elsewhere, here);
    }

    #[tokio::test]
    #[should_panic(expected = "the work's own words")]
    async fn panic_of_the_work_is_passed_on() {
        offload(INLINE + 1, || panic!("the work's own words")).await
    }
}
