//! The scenarios: one table with the events of each, their frequency, and the events before the
//! demo begins.

use super::HISTORY;
use super::event::Event;
use super::rows::Time;

/// A scenario of the demo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scenario {
    /// All kinds of events, with every health class from the start.
    #[default]
    All,
    /// A healthy fleet: no problem at the start, and few later.
    Calm,
    /// The agents of a template, then those of a kind of machine, become silent at once and recover.
    Outage,
    /// Machines are suspended and resumed, and their old agents stay in `created`.
    Stuck,
    /// A template is rebuilt in waves to a version whose agents never connect.
    Rebuild,
    /// A coderd crashes, and its agents are lost until they find another.
    Replica,
    /// A template version whose startup script fails spreads as people restart.
    BadVersion,
    /// Coder itself crashes and starts again.
    CoderDown,
}

impl Scenario {
    /// Every scenario, in the order of the command line.
    pub const ALL: [Self; 8] = [
        Self::All,
        Self::Calm,
        Self::Outage,
        Self::Stuck,
        Self::Rebuild,
        Self::Replica,
        Self::BadVersion,
        Self::CoderDown,
    ];

    pub(super) fn plan(self) -> &'static ScenarioPlan {
        match self {
            Self::All => &ALL,
            Self::Calm => &CALM,
            Self::Outage => &OUTAGE,
            Self::Stuck => &STUCK,
            Self::Rebuild => &REBUILD,
            Self::Replica => &REPLICA,
            Self::BadVersion => &BAD_VERSION,
            Self::CoderDown => &CODER_DOWN,
        }
    }
}

/// Events at random intervals, chosen by weight.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) kinds: &'static [(usize, Event)],
    /// Average time between two events in a fleet of nominal size, in simulated seconds.
    pub(super) interval: Time,
    /// Earliest time of the first event.
    pub(super) begins: Time,
}

/// An event of many workspaces at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A template, then a kind of machine.
    Outage,
    Suspend,
    /// And then its repair.
    Rebuild,
    ReplicaCrash,
    /// And then its repair.
    BadVersion,
    CoderDown,
}

/// A large event that repeats.
#[derive(Debug)]
pub(super) struct Repeated {
    pub(super) act: Act,
    pub(super) begins: Time,
    pub(super) interval: Time,
    /// Minimum interval in real seconds, because the result is judged by the real clock.
    pub(super) clock_interval: Time,
}

/// The content of a scenario.
#[derive(Debug)]
pub(super) struct ScenarioPlan {
    /// Events before the demo begins, each with the number of seconds before the start.
    pub(super) scenes: &'static [(Time, Event)],
    /// Ordinary events: builds, chats, and short failures of apps.
    pub(super) work: Stream,
    /// Events that cause a problem.
    pub(super) trouble: Stream,
    /// No more failures happen while this percentage of agents is broken.
    pub(super) max_broken_percent: usize,
    pub(super) act: Option<Repeated>,
}

/// The time at which the first workspaces have started.
const SETTLED: Time = 1800;

/// Ordinary events, by frequency.
const USUAL_WORK: [(usize, Event); 13] = [
    (18, Event::Stop),
    (18, Event::Start),
    (8, Event::SlowStart),
    (10, Event::Update),
    (2, Event::FailedBuild),
    (1, Event::CanceledBuild),
    (20, Event::AppFails),
    (12, Event::Chat),
    (6, Event::DevContainer),
    (1, Event::ShutDown),
    (3, Event::Reboot),
    (4, Event::Replace),
    (4, Event::ResumeAndReport),
];

const USUAL: Stream = Stream {
    kinds: &USUAL_WORK,
    interval: 8,
    begins: SETTLED,
};

/// Failures that end by themselves or after a user's action. They start only after the demo has
/// begun, and are rare.
const RARE_TROUBLE: Stream = Stream {
    kinds: &[(1, Event::Silence), (1, Event::Drop)],
    interval: 600,
    begins: HISTORY + 300,
};

/// Ordinary events that are visible at once.
const USUAL_SCENES: &[(Time, Event)] = &[
    (3 * 60, Event::SlowStart),
    (60, Event::SlowStart),
    (30, Event::Update),
    (40, Event::Replace),
    (25, Event::Start),
    (14, Event::Start),
];

/// Some agents of every health class, of different ages.
const ALL: ScenarioPlan = ScenarioPlan {
    scenes: &[
        (43 * 60, Event::StartHangs),
        (36 * 60, Event::StartHangs),
        (24 * 60, Event::WaitsForEver),
        (14 * 60, Event::WaitsForEver),
        (10 * 60, Event::ResumeAndStick),
        (9 * 60, Event::Evicted),
        (8 * 60, Event::StartError),
        (7 * 60, Event::NeverConnects),
        (6 * 60, Event::ResumeAndStick),
        (5 * 60, Event::Drop),
        (4 * 60, Event::Silence),
        (3 * 60, Event::SlowStart),
        (75, Event::Silence),
        (60, Event::SlowStart),
        (40, Event::Replace),
        (30, Event::Update),
        (25, Event::Start),
        (20, Event::Update),
        (14, Event::Start),
    ],
    work: USUAL,
    trouble: Stream {
        kinds: &[
            (30, Event::Silence),
            (26, Event::Drop),
            (10, Event::NeverConnects),
            (6, Event::WaitsForEver),
            (12, Event::StartError),
            (4, Event::StartHangs),
            (12, Event::ResumeAndStick),
        ],
        interval: 45,
        begins: SETTLED,
    },
    max_broken_percent: 7,
    act: None,
};

const CALM: ScenarioPlan = ScenarioPlan {
    scenes: USUAL_SCENES,
    work: USUAL,
    trouble: RARE_TROUBLE,
    max_broken_percent: 2,
    act: None,
};

/// Agents are silent after 15 seconds, and lost 30 seconds later.
const OUTAGE: ScenarioPlan = ScenarioPlan {
    act: Some(Repeated {
        act: Act::Outage,
        begins: HISTORY + 15,
        interval: 6 * 60,
        clock_interval: 150,
    }),
    ..CALM
};

const STUCK: ScenarioPlan = ScenarioPlan {
    scenes: &[
        (11 * 60, Event::ResumeAndStick),
        (8 * 60, Event::ResumeAndStick),
        (5 * 60, Event::ResumeAndStick),
        (4 * 60, Event::ResumeAndStick),
        (4 * 60, Event::ResumeAndReport),
        // Of age within the first minute.
        (110, Event::ResumeAndStick),
        (90, Event::ResumeAndReport),
        (60, Event::SlowStart),
        (25, Event::Start),
        (14, Event::ResumeAndStick),
    ],
    act: Some(Repeated {
        act: Act::Suspend,
        begins: HISTORY + 10,
        interval: 30 * 60,
        clock_interval: 240,
    }),
    ..CALM
};

const REBUILD: ScenarioPlan = ScenarioPlan {
    work: Stream {
        // Some user has to have chats for a rebuild to leave behind.
        kinds: &[
            (18, Event::Stop),
            (18, Event::Start),
            (8, Event::SlowStart),
            (20, Event::AppFails),
            (60, Event::Chat),
        ],
        ..USUAL
    },
    act: Some(Repeated {
        act: Act::Rebuild,
        begins: HISTORY + 10,
        interval: 10 * 60,
        clock_interval: 240,
    }),
    ..CALM
};

const REPLICA: ScenarioPlan = ScenarioPlan {
    act: Some(Repeated {
        act: Act::ReplicaCrash,
        begins: HISTORY + 15,
        interval: 6 * 60,
        clock_interval: 150,
    }),
    ..CALM
};

const BAD_VERSION: ScenarioPlan = ScenarioPlan {
    act: Some(Repeated {
        act: Act::BadVersion,
        begins: HISTORY + 10,
        interval: 12 * 60,
        clock_interval: 150,
    }),
    ..CALM
};

const CODER_DOWN: ScenarioPlan = ScenarioPlan {
    act: Some(Repeated {
        act: Act::CoderDown,
        begins: HISTORY + 15,
        interval: 6 * 60,
        clock_interval: 180,
    }),
    ..CALM
};
