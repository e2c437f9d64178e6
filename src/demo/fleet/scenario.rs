//! The scenarios: one table of what happens in each, how often, and what has happened before
//! the demo begins.

use super::HISTORY;
use super::event::Event;
use super::rows::Time;

/// Which story it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scenario {
    /// A bit of everything: every health class is there from the start.
    #[default]
    All,
    /// A fleet that lives: no problem at the start, and hardly one later.
    Calm,
    /// Much of a template and a host go silent at once and come back, again and again.
    Outage,
    /// Machines that are suspended and resumed, whose rows stick in `created`.
    Stuck,
    /// Templates rebuilt workspace by workspace: chats stay behind, and nothing is wrong.
    Rebuild,
}

impl Scenario {
    /// Every one there is.
    pub const ALL: [Self; 5] = [
        Self::All,
        Self::Calm,
        Self::Outage,
        Self::Stuck,
        Self::Rebuild,
    ];

    pub(super) fn plan(self) -> &'static ScenarioPlan {
        match self {
            Self::All => &ALL,
            Self::Calm => &CALM,
            Self::Outage => &OUTAGE,
            Self::Stuck => &STUCK,
            Self::Rebuild => &REBUILD,
        }
    }
}

/// Things of which one comes every so often, chosen by weight.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) kinds: &'static [(usize, Event)],
    /// From one to the next in a fleet of nominal size.
    pub(super) interval: Time,
    /// When the first one may come.
    pub(super) begins: Time,
}

/// Something that happens to many workspaces at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Outage,
    RollingRebuild,
}

/// An act that comes again and again.
#[derive(Debug)]
pub(super) struct Repeated {
    pub(super) act: Act,
    pub(super) begins: Time,
    pub(super) interval: Time,
    /// No shorter than this by the clock: what it shows is judged by that.
    pub(super) clock_interval: Time,
}

/// What a scenario is made of.
#[derive(Debug)]
pub(super) struct ScenarioPlan {
    /// What has happened by the time the demo begins, as seconds before that.
    pub(super) scenes: &'static [(Time, Event)],
    /// What people do.
    pub(super) work: Stream,
    /// What breaks.
    pub(super) trouble: Stream,
    /// Above this share of broken agents nothing more breaks.
    pub(super) max_broken_percent: usize,
    pub(super) act: Option<Repeated>,
}

/// When the first workspaces have settled.
const SETTLED: Time = 1800;

/// People at work, by how often.
const USUAL_WORK: [(usize, Event); 13] = [
    (18, Event::Stop),
    (18, Event::Start),
    (8, Event::SlowStart),
    (10, Event::Update),
    (2, Event::FailedBuild),
    (1, Event::CanceledBuild),
    (20, Event::AppFails),
    (12, Event::Chat),
    (4, Event::DevContainer),
    (1, Event::ShutDown),
    (3, Event::Reboot),
    (2, Event::Replace),
    (4, Event::ResumeAndReport),
];

const USUAL: Stream = Stream {
    kinds: &USUAL_WORK,
    interval: 8,
    begins: SETTLED,
};

/// Things that break and come back by themselves or by a person's doing, but only once
/// the demo has begun, and rarely.
const RARE_TROUBLE: Stream = Stream {
    kinds: &[(1, Event::Silence), (1, Event::Drop)],
    interval: 600,
    begins: HISTORY + 300,
};

/// Everyday life that one can see at once.
const USUAL_SCENES: &[(Time, Event)] = &[
    (3 * 60, Event::SlowStart),
    (60, Event::SlowStart),
    (30, Event::Update),
    (25, Event::Start),
    (14, Event::Start),
];

/// A few of every health class, each with its age.
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

/// Silent after 15 seconds, lost 30 seconds later.
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
    work: USUAL,
    trouble: Stream {
        kinds: &[(2, Event::ResumeAndStick), (1, Event::ResumeAndReport)],
        interval: 15,
        begins: HISTORY,
    },
    max_broken_percent: 10,
    act: None,
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
        act: Act::RollingRebuild,
        begins: HISTORY + 10,
        interval: 4 * 60,
        clock_interval: 0,
    }),
    ..CALM
};
