//! What of a story is shown: no more lines than people can read.

use std::time::Duration;

use super::fleet::{Message, Weight};

/// Something to show to the viewer of a demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// So much of the fleet is made up, in percent.
    MadeUp(usize),
    /// Something happened in the fleet.
    Happened {
        /// A sentence.
        text: String,
        /// How much it matters.
        weight: Weight,
    },
    /// So many more things happened.
    More(usize),
    /// Something is wrong with the demo itself: a sentence.
    Amiss(String),
    /// It is right again: a sentence.
    Mended(String),
}

/// How long the events are counted together.
const WINDOW: Duration = Duration::from_secs(2);
/// Lines shown in it. Headlines are shown beyond that: they are as rare as what they report.
const LINES: usize = 5;

/// Lets through so many events, and counts the others.
#[derive(Debug, Default)]
pub(super) struct Bound {
    window_ends: Duration,
    shown: usize,
    left_out: usize,
}

impl Bound {
    /// What is shown at `at` of these events: what matters most first, in the order in which it
    /// happened. How many were left out is shown when the window is over.
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

    /// Where not all have room, what is less than trouble gives way to it, if there is any.
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
