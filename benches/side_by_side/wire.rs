//! As much of Postgres's protocol as counting takes.

use std::time::{Duration, Instant};

/// What has passed a relay.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    /// Statements: simple queries, and executions of prepared ones.
    pub(crate) statements: u64,
    /// How often the client waited for the server.
    pub(crate) round_trips: u64,
    /// From the agents' statement to its first row.
    pub(crate) first_row: Option<Duration>,
    asked_for_agents: Option<Instant>,
    /// Questions that the server has not answered to their end.
    outstanding: i64,
}

impl Tally {
    /// What has passed so far; it begins anew.
    pub(super) fn take(&mut self) -> Self {
        let new = Self {
            outstanding: self.outstanding,
            ..Self::default()
        };
        std::mem::replace(self, new)
    }

    pub(super) fn sent(&mut self, bytes: &[u8], kinds: Kinds) {
        self.bytes_sent += bytes.len() as u64;
        // What follows a question that is not answered yet was sent without waiting.
        self.round_trips += u64::from(kinds.begins_with_a_message && self.outstanding == 0);
        self.outstanding += kinds.questions;
        self.statements += kinds.statements;
        let asks = |name: &[u8]| bytes.windows(name.len()).any(|it| it == name);
        if self.asked_for_agents.is_none() && asks(b"FROM workspace_agents AS its") {
            self.asked_for_agents = Some(Instant::now());
        }
    }

    pub(super) fn received(&mut self, length: usize, kinds: Kinds) {
        self.bytes_received += length as u64;
        self.outstanding -= kinds.answers;
        if let (None, Some(asked), true) = (self.first_row, self.asked_for_agents, kinds.rows > 0) {
            self.first_row = Some(asked.elapsed());
        }
    }
}

/// Of the messages in some bytes, those that matter.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Kinds {
    statements: u64,
    rows: u64,
    /// What the server answers, and says when it has done so: simple queries, and groups of
    /// messages that end with a Sync; and the greeting.
    questions: i64,
    answers: i64,
    /// Not so where they go on with a message that is too long to be sent at once.
    begins_with_a_message: bool,
}

/// Cuts one direction of a connection into messages.
pub(super) struct Messages {
    /// The first message of a client has no kind.
    has_kind: bool,
    is_client: bool,
    head: Vec<u8>,
    /// Bytes of the present message that are still to come.
    rest: usize,
}

impl Messages {
    pub(super) fn of_a_client() -> Self {
        Self {
            has_kind: false,
            is_client: true,
            head: Vec::new(),
            rest: 0,
        }
    }

    pub(super) fn of_a_server() -> Self {
        Self {
            has_kind: true,
            is_client: false,
            ..Self::of_a_client()
        }
    }

    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Kinds {
        let mut kinds = Kinds {
            begins_with_a_message: self.rest == 0 && self.head.is_empty(),
            ..Kinds::default()
        };
        while !bytes.is_empty() {
            if self.rest > 0 {
                let skipped = self.rest.min(bytes.len());
                self.rest -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            let kind_length = usize::from(self.has_kind);
            if self.head.len() < kind_length + 4 {
                continue;
            }
            let kind = if self.has_kind { self.head[0] } else { 0 };
            let length = &self.head[kind_length..];
            let length = length
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            // The length counts itself.
            self.rest = length.saturating_sub(4);
            self.head.clear();
            self.has_kind = true;
            match (self.is_client, kind) {
                (true, b'Q') => {
                    kinds.statements += 1;
                    kinds.questions += 1;
                }
                (true, b'E') => kinds.statements += 1,
                (true, 0 | b'S') => kinds.questions += 1,
                (false, b'Z') => kinds.answers += 1,
                (false, b'D' | b'd') => kinds.rows += 1,
                _ => {}
            }
        }
        kinds
    }
}
