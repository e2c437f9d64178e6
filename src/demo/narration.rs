//! Limits the messages of a demo to what people can read.

use std::time::Duration;

use super::fleet::{Message, Weight};

/// News of a demo for its viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Progress of the creation of the fleet, in percent.
    MadeUp(usize),
    /// An event of the fleet.
    Happened {
        /// One sentence without a time.
        text: String,
        /// How important the event is.
        weight: Weight,
    },
    /// Number of events that were not shown.
    More(usize),
    /// A problem of the demo itself: one sentence.
    Amiss(String),
    /// The end of such a problem: one sentence.
    Mended(String),
}

/// Period over which events are limited.
const WINDOW: Duration = Duration::from_secs(2);
/// Maximum number of events in a period. Headlines are always shown, because they are rare.
const LINES: usize = 5;

/// Passes a limited number of events, and counts the others.
#[derive(Debug, Default)]
pub(super) struct Bound {
    window_ends: Duration,
    shown: usize,
    left_out: usize,
}

impl Bound {
    /// The news to show at `at` for these events, the most important ones, in the order in which
    /// they happened. The number of dropped events follows when the period ends.
    pub(super) fn tell(&mut self, messages: Vec<Message>, at: Duration) -> Vec<News> {
        let mut news = Vec::new();
        if at >= self.window_ends {
            if self.left_out > 0 {
                news.push(News::More(self.left_out));
            }
            *self = Self {
                window_ends: at + WINDOW,
                ..Self::default()
            };
        }
        let least = self.least_weight(&messages);
        for Message { text, weight } in messages {
            let has_room = self.shown < LINES && least.is_none_or(|least| weight >= least);
            if has_room || weight == Weight::Headline {
                self.shown += 1;
                news.push(News::Happened { text, weight });
            } else {
                self.left_out += 1;
            }
        }
        news
    }

    /// The lowest weight to show when there is no room for all events: trouble, if there is any.
    fn least_weight(&self, messages: &[Message]) -> Option<Weight> {
        let room = LINES.saturating_sub(self.shown);
        let has_trouble = messages
            .iter()
            .any(|message| message.weight >= Weight::Trouble);
        (messages.len() > room && has_trouble).then_some(Weight::Trouble)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(weight: Weight) -> Message {
        let text = format!("{weight:?}");
        Message { text, weight }
    }

    fn text(news: &[News]) -> Vec<String> {
        let line = |news: &News| match news {
            News::Happened { text, .. } => text.clone(),
            News::More(count) => format!("and {count} more"),
            other => format!("{other:?}"),
        };
        news.iter().map(line).collect()
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn few_events_are_all_told() {
        let mut bound = Bound::default();
        for second in 0..10 {
            let news = bound.tell(vec![message(Weight::Everyday); 2], second * SECOND);
            assert_eq!(news.len(), 2, "{news:?}");
        }
    }

    #[test]
    fn many_events_are_counted_when_their_window_is_over() {
        let mut bound = Bound::default();
        assert_eq!(
            bound.tell(vec![message(Weight::Everyday); 9], SECOND).len(),
            LINES
        );
        assert_eq!(bound.tell(vec![message(Weight::Everyday)], 2 * SECOND), []);
        let news = bound.tell(vec![message(Weight::Everyday)], 3 * SECOND);
        assert_eq!(text(&news), ["and 5 more", "Everyday"]);
        assert_eq!(bound.tell(Vec::new(), 9 * SECOND), []);
    }

    #[test]
    fn trouble_is_told_before_everyday_life_and_a_headline_always() {
        let mut bound = Bound::default();
        let mut messages = vec![message(Weight::Everyday); 9];
        messages.push(message(Weight::Trouble));
        let news = bound.tell(messages, SECOND);
        assert_eq!(text(&news), ["Trouble"]);
        bound.tell(vec![message(Weight::Trouble); 9], SECOND);
        let news = bound.tell(
            vec![message(Weight::Headline), message(Weight::Trouble)],
            SECOND,
        );
        assert_eq!(text(&news), ["Headline"]);
    }
}
