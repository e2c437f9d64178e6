//! What the metrics pages of one collection have in common, for as long as there is the collection.

use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::collect::Incidents;
use crate::fleet::model::activity::Activity;
use crate::fleet::stats::collection::CollectionResult;
use crate::fleet::stats::transitions::TransitionCounts;
use crate::metrics::exposition::Format;
use crate::metrics::page::Budget;
use crate::service_level::ServiceLevel;
use crate::web::joined::{Encoding, FirstPart};

/// What the kept part of a page is made from.
#[derive(Debug, Clone)]
pub(crate) struct Basis {
    pub(crate) collection: Arc<CollectionResult>,
    pub(crate) transitions: Arc<TransitionCounts>,
    pub(crate) service_level: Arc<ServiceLevel>,
    pub(crate) activity: Option<Arc<Activity>>,
}

/// What pages on the same basis share.
#[derive(Debug, Default)]
pub(crate) struct KeptPage {
    /// What their limits left out.
    pub(crate) budget: Arc<Budget>,
    incidents: OnceLock<Option<Incidents>>,
    /// The kept part in each format and encoding that was asked for.
    parts: Mutex<Vec<((Format, Encoding), PartCell)>>,
}

type PartCell = Arc<OnceCell<FirstPart>>;

impl KeptPage {
    /// The incidents; `find` runs once.
    pub(crate) fn incidents(&self, find: impl FnOnce() -> Option<Incidents>) -> Option<Incidents> {
        self.incidents.get_or_init(find).clone()
    }

    /// The kept part. Of all who ask at the same time, one makes it; when it goes, the next one does.
    /// `None` if it cannot be made.
    pub(crate) async fn part<F: Future<Output = Option<FirstPart>>>(
        &self,
        kind: (Format, Encoding),
        make: impl FnOnce() -> F,
    ) -> Option<FirstPart> {
        let cell = self.cell(kind);
        let part = cell.get_or_try_init(|| async { make().await.ok_or(()) });
        part.await.ok().cloned()
    }

    fn cell(&self, kind: (Format, Encoding)) -> PartCell {
        let mut parts = self.parts.lock();
        if let Some((_, cell)) = parts.iter().find(|it| it.0 == kind) {
            return cell.clone();
        }
        let cell = PartCell::default();
        parts.push((kind, cell.clone()));
        cell
    }
}

/// The pages of the collections that there are.
#[derive(Debug, Default)]
pub(crate) struct KeptPages(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    /// Does not keep the collection.
    collection: Weak<CollectionResult>,
    /// Kept, so that their addresses are not used again.
    transitions: Arc<TransitionCounts>,
    service_level: Arc<ServiceLevel>,
    activity: Option<Arc<Activity>>,
    page: Weak<KeptPage>,
    /// Keeps the page where later scrapes may get its collection again.
    _kept: Option<Arc<KeptPage>>,
}

impl KeptPages {
    /// What pages on this basis share. It is kept while there is the collection if that is served
    /// again, otherwise while scrapes use it.
    pub(crate) fn of(&self, basis: Basis, is_served_again: bool) -> Arc<KeptPage> {
        let mut entries = self.0.lock();
        entries.retain(Entry::is_in_use);
        let found = entries.iter().find(|it| it.is_on(&basis));
        if let Some(page) = found.and_then(|it| it.page.upgrade()) {
            return page;
        }
        let collection = Arc::downgrade(&basis.collection);
        // Later scrapes of the collection ask for this one.
        entries.retain(|it| !it.collection.ptr_eq(&collection));
        let page = Arc::<KeptPage>::default();
        entries.push(Entry {
            collection,
            transitions: basis.transitions,
            service_level: basis.service_level,
            activity: basis.activity,
            page: Arc::downgrade(&page),
            _kept: is_served_again.then(|| page.clone()),
        });
        page
    }

    /// Drops what belongs to collections that are gone.
    pub(crate) fn forget_gone(&self) {
        self.0.lock().retain(Entry::is_in_use);
    }
}

impl Entry {
    fn is_in_use(&self) -> bool {
        self.collection.strong_count() > 0 && self.page.strong_count() > 0
    }

    fn is_on(&self, basis: &Basis) -> bool {
        let activity = |it: &Option<Arc<Activity>>| it.as_ref().map(Arc::as_ptr);
        self.collection.as_ptr() == Arc::as_ptr(&basis.collection)
            && Arc::ptr_eq(&self.transitions, &basis.transitions)
            && Arc::ptr_eq(&self.service_level, &basis.service_level)
            && activity(&self.activity) == activity(&basis.activity)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use tokio::task::yield_now;

    use super::*;
    use crate::error::{ErrorKind, Failure};
    use crate::fleet::model::time::Timestamp;

    const KIND: (Format, Encoding) = (Format::Text, Encoding::Gzip);

    fn basis() -> Basis {
        let failure = Failure::new(ErrorKind::Timeout, "too slow");
        Basis {
            collection: Arc::new(CollectionResult::failed(failure, [])),
            transitions: Arc::default(),
            service_level: Arc::default(),
            activity: None,
        }
    }

    fn activity() -> Arc<Activity> {
        Arc::new(Activity {
            now: Timestamp::BEGINNING,
            newest_report: None,
            sessions: HashMap::default(),
            recent: HashMap::default(),
        })
    }

    fn part(text: &str) -> Option<FirstPart> {
        Some(KIND.1.first(text.into()).unwrap())
    }

    #[test]
    fn pages_share_as_long_as_nothing_they_are_made_from_is_replaced() {
        let pages = KeptPages::default();
        let basis = basis();
        let page = pages.of(basis.clone(), true);
        assert!(Arc::ptr_eq(&page, &pages.of(basis.clone(), true)));
        // The same contents elsewhere are something else.
        for changed in [
            Basis {
                transitions: Arc::default(),
                ..basis.clone()
            },
            Basis {
                service_level: Arc::default(),
                ..basis.clone()
            },
            Basis {
                activity: Some(activity()),
                ..basis.clone()
            },
            self::basis(),
        ] {
            assert!(!Arc::ptr_eq(&page, &pages.of(changed.clone(), true)));
            assert!(pages.0.lock().len() <= 2);
        }
    }

    #[test]
    fn page_goes_with_its_collection() {
        let pages = KeptPages::default();
        let basis = basis();
        let page = Arc::downgrade(&pages.of(basis.clone(), true));
        pages.forget_gone();
        assert_eq!(page.strong_count(), 1);
        drop(basis);
        pages.forget_gone();
        assert_eq!(page.strong_count(), 0);
        assert!(pages.0.lock().is_empty());
    }

    #[test]
    fn page_that_no_scrape_will_ask_for_again_goes_with_the_scrapes() {
        let pages = KeptPages::default();
        let basis = basis();
        let first = pages.of(basis.clone(), false);
        let second = pages.of(basis.clone(), false);
        assert!(Arc::ptr_eq(&first, &second));
        let page = Arc::downgrade(&first);
        drop((first, second));
        assert_eq!(page.strong_count(), 0);
    }

    #[tokio::test]
    async fn part_is_made_once_for_all_who_ask_and_once_for_each_kind() {
        let page = KeptPage::default();
        let made = AtomicUsize::new(0);
        let make = async || {
            yield_now().await;
            part(&made.fetch_add(1, Ordering::Relaxed).to_string())
        };
        let parts = join_all((0..10).map(|_| page.part(KIND, make))).await;
        let other = page.part((Format::Text, Encoding::Zstd), make).await;
        assert_eq!(made.load(Ordering::Relaxed), 2);
        let first = parts[0].as_ref().unwrap().bytes.as_ptr();
        let is_first = |it: &Option<FirstPart>| it.as_ref().unwrap().bytes.as_ptr() == first;
        assert!(parts.iter().all(is_first));
        assert!(!is_first(&other));
    }

    #[tokio::test]
    async fn next_one_makes_it_when_the_maker_fails_or_goes() {
        let page = KeptPage::default();
        assert!(page.part(KIND, || ready(None)).await.is_none());
        assert!(page.part(KIND, pending).now_or_never().is_none());
        assert!(page.part(KIND, || ready(part("x"))).await.is_some());
    }
}
