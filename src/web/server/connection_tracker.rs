//! Who has been at something, since when, and how to end it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Ends one connection, from wherever that is decided.
pub(crate) type Cut = Arc<Notify>;

/// Connections that are at the same thing, the longest at it first.
#[derive(Default)]
pub(crate) struct ConnectionTracker {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    /// Numbers only go up, so the first entry is the oldest.
    next: u64,
    by_number: BTreeMap<u64, (Instant, IpAddr, Cut)>,
}

impl ConnectionTracker {
    /// From now until the entry is dropped, the connection of `client` behind `cut` is at it.
    pub(crate) fn enter(self: &Arc<Self>, cut: &Cut, client: IpAddr) -> Entry {
        let mut entries = self.entries.lock();
        let number = entries.next;
        entries.next += 1;
        let since = Instant::now();
        entries
            .by_number
            .insert(number, (since, client, cut.clone()));
        Entry {
            tracker: self.clone(),
            number,
        }
    }

    /// Ends the connection that has been at it for longest, if that is for at least `least`.
    /// Says whether there was one.
    pub(crate) fn cut_longest(&self, least: Duration) -> bool {
        let mut entries = self.entries.lock();
        let Some(longest) = entries.by_number.first_entry() else {
            return false;
        };
        if longest.get().0.elapsed() < least {
            return false;
        }
        // Out at once: the next one asked to go is another.
        let (_, _, cut) = longest.remove();
        cut.notify_one();
        true
    }

    /// As [`cut_longest`](Self::cut_longest), of this client's connections.
    pub(crate) fn cut_longest_of(&self, client: IpAddr, least: Duration) -> bool {
        let mut entries = self.entries.lock();
        let mut all = entries.by_number.iter();
        let longest = all.find(|(_, (since, of, _))| *of == client && since.elapsed() >= least);
        let number = longest.map(|it| *it.0);
        let removed = number.and_then(|number| entries.by_number.remove(&number));
        removed.inspect(|(_, _, cut)| cut.notify_one()).is_some()
    }

    /// Ends every connection that has been at it for `limit`.
    pub(crate) fn cut_after(&self, limit: Duration) {
        while self.cut_longest(limit) {}
    }
}

/// One connection's being at it.
pub(crate) struct Entry {
    tracker: Arc<ConnectionTracker>,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.tracker.entries.lock().by_number.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn is_cut(cut: &Cut) -> bool {
        cut.notified().now_or_never().is_some()
    }

    #[tokio::test(start_paused = true)]
    async fn longest_goes_first_and_only_once() {
        let tracker = Arc::new(ConnectionTracker::default());
        let (first, second) = (Cut::default(), Cut::default());
        let _entries = (tracker.enter(&first, HERE), tracker.enter(&second, HERE));
        assert!(tracker.cut_longest(Duration::ZERO));
        assert!(is_cut(&first) && !is_cut(&second));
        assert!(tracker.cut_longest(Duration::ZERO));
        assert!(is_cut(&second));
        assert!(!tracker.cut_longest(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_goes_before_the_limit() {
        let tracker = Arc::new(ConnectionTracker::default());
        let limit = Duration::from_secs(5);
        let (old, young) = (Cut::default(), Cut::default());
        let _old = tracker.enter(&old, HERE);
        tokio::time::advance(Duration::from_millis(4999)).await;
        let _young = tracker.enter(&young, HERE);
        tracker.cut_after(limit);
        assert!(!is_cut(&old));
        tokio::time::advance(Duration::from_millis(1)).await;
        tracker.cut_after(limit);
        assert!(is_cut(&old) && !is_cut(&young));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_done_is_not_on_the_roster() {
        let tracker = Arc::new(ConnectionTracker::default());
        let cut = Cut::default();
        drop(tracker.enter(&cut, HERE));
        assert!(!tracker.cut_longest(Duration::ZERO));
        assert!(!is_cut(&cut));
    }
}
