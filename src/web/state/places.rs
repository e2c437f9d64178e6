//! Places: how many answers are written and read at a time.
//!
//! A scrape that waits for the database needs none, so a database that hangs takes no place away.
//! What is bounded is the memory of answers on their way.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::web::server::connection_tracker::ConnectionTracker;

/// Who waits for a place longer than this is answered without one. A slow reader whose place is
/// needed is gone within it, too.
const PATIENCE: Duration = Duration::from_secs(1);

/// The places there are.
pub(crate) struct Places {
    most: usize,
    /// Who reads for longer than this makes room when there is none.
    slow_reader: Duration,
    state: Mutex<Taken>,
    changed: Notify,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
    /// Who waits for a place.
    waiting: HashMap<IpAddr, usize>,
}

/// A place, until it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    client: IpAddr,
}

/// A wait for a place, until it is dropped.
struct Waiting<'a> {
    places: &'a Places,
    client: IpAddr,
}

impl Places {
    /// This many, all of them free.
    pub(crate) fn new(most: usize, slow_reader: Duration) -> Self {
        Self {
            most,
            slow_reader,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// A place for this client, now or within [`PATIENCE`], but not after its `deadline`. While another address waits, a client
    /// holds at most half of the places: beyond it, it gets no other, and the answer that it has
    /// taken longest to read is cut off. So is any reader that is too slow.
    pub(crate) async fn take(
        self: &Arc<Self>,
        client: IpAddr,
        answering: &ConnectionTracker,
        deadline: Instant,
    ) -> Option<Place> {
        if let Some(place) = self.try_take(client) {
            return Some(place);
        }
        let _waiting = Waiting::new(self, client);
        match self.greediest() {
            Some(other) if other != client => answering.cut_longest_of(other, Duration::ZERO),
            _ => answering.cut_longest(self.slow_reader),
        };
        let waiting = async {
            loop {
                // Before looking, so that no change is missed.
                let changed = self.changed.notified();
                if let Some(place) = self.try_take(client) {
                    return place;
                }
                changed.await;
            }
        };
        let patience = deadline.min(Instant::now() + PATIENCE);
        timeout_at(patience, waiting).await.ok()
    }

    fn try_take(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let mut state = self.state.lock();
        let others_wait = state.waiting.keys().any(|it| *it != client);
        let held = state.by_client.get(&client).copied().unwrap_or_default();
        if state.all >= self.most || others_wait && held >= self.half() {
            return None;
        }
        state.all += 1;
        *state.by_client.entry(client).or_default() += 1;
        let places = self.clone();
        Some(Place { places, client })
    }

    /// The client that holds more than half of the places.
    fn greediest(&self) -> Option<IpAddr> {
        let state = self.state.lock();
        let mut clients = state.by_client.iter();
        clients.find(|it| *it.1 > self.half()).map(|it| *it.0)
    }

    fn half(&self) -> usize {
        (self.most / 2).max(1)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.state.lock();
        state.all -= 1;
        one_less(&mut state.by_client, self.client);
        drop(state);
        self.places.changed.notify_waiters();
    }
}

impl<'a> Waiting<'a> {
    fn new(places: &'a Places, client: IpAddr) -> Self {
        *places.state.lock().waiting.entry(client).or_default() += 1;
        Self { places, client }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        one_less(&mut self.places.state.lock().waiting, self.client);
        self.places.changed.notify_waiters();
    }
}

fn one_less(counts: &mut HashMap<IpAddr, usize>, client: IpAddr) {
    if let Some(count) = counts.get_mut(&client) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&client);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::FutureExt;

    use super::*;
    use crate::web::server::connection_tracker::Cut;

    const SLOW: Duration = Duration::from_secs(5);

    fn client(number: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, number).into()
    }

    fn places(most: usize) -> Arc<Places> {
        Arc::new(Places::new(most, SLOW))
    }

    fn far() -> Instant {
        Instant::now() + 2 * SLOW
    }

    async fn take(places: &Arc<Places>, number: u8) -> Option<Place> {
        places
            .take(client(number), &ConnectionTracker::default(), far())
            .await
    }

    #[tokio::test(start_paused = true)]
    async fn one_client_has_all_places_while_no_other_waits() {
        let places = places(4);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(take(&places, 1).await.unwrap());
        }
        assert!(take(&places, 1).await.is_none());
        held.pop();
        assert!(take(&places, 1).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn while_another_waits_who_has_half_of_them_gets_no_more() {
        let places = places(4);
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(take(&places, 1).await.unwrap());
        }
        let other = tokio::spawn({
            let places = places.clone();
            async move { take(&places, 2).await }
        });
        tokio::task::yield_now().await;
        let greedy = tokio::spawn({
            let places = places.clone();
            async move { take(&places, 1).await }
        });
        tokio::task::yield_now().await;
        held.pop();
        let other = other.await.unwrap().unwrap();
        assert!(greedy.await.unwrap().is_none());
        drop(other);
        assert_eq!(places.state.lock().all, 3);
        assert!(places.state.lock().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn reader_of_more_than_half_makes_room_for_another_at_once() {
        let (places, tracker) = (places(2), Arc::new(ConnectionTracker::default()));
        let cut = Cut::default();
        let _entry = tracker.enter(&cut, client(1));
        let _held = [take(&places, 1).await, take(&places, 1).await];
        assert!(places.take(client(1), &tracker, far()).await.is_none());
        assert!(cut.notified().now_or_never().is_none(), "not for its own");
        assert!(places.take(client(2), &tracker, far()).await.is_none());
        assert!(cut.notified().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn wait_for_a_place_ends_at_the_deadline() {
        let places = places(1);
        let _held = take(&places, 1).await;
        let began = Instant::now();
        let deadline = began + PATIENCE / 4;
        let tracker = ConnectionTracker::default();
        assert!(places.take(client(2), &tracker, deadline).await.is_none());
        assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn slow_reader_of_few_places_makes_room_too() {
        let (places, tracker) = (places(2), Arc::new(ConnectionTracker::default()));
        let cut = Cut::default();
        let _entry = tracker.enter(&cut, client(1));
        let _held = [take(&places, 1).await, take(&places, 2).await];
        assert!(places.take(client(3), &tracker, far()).await.is_none());
        assert!(
            cut.notified().now_or_never().is_none(),
            "it is not slow yet"
        );
        tokio::time::advance(SLOW).await;
        assert!(places.take(client(3), &tracker, far()).await.is_none());
        assert!(cut.notified().now_or_never().is_some());
    }
}
