//! The scenarios: one table of what happens in each, how often, and what has happened before
//! somebody looks.

use super::HISTORY;
use super::rows::Time;
use super::surprise::Surprise;

/// Which story is told.
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

    pub(super) fn plot(self) -> &'static Plot {
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
    pub(super) kinds: &'static [(usize, Surprise)],
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
pub(super) struct Plot {
    /// What has happened by the time somebody looks, as seconds before that.
    pub(super) scenes: &'static [(Time, Surprise)],
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
const USUAL_WORK: [(usize, Surprise); 12] = [
    (18, Surprise::Stop),
    (18, Surprise::Start),
    (8, Surprise::SlowStart),
    (10, Surprise::Update),
    (2, Surprise::FailedBuild),
    (1, Surprise::CanceledBuild),
    (20, Surprise::AppFails),
    (12, Surprise::Chat),
    (4, Surprise::DevContainer),
    (1, Surprise::ShutDown),
    (2, Surprise::Replace),
    (4, Surprise::ResumeAndReport),
];

const USUAL: Stream = Stream {
    kinds: &USUAL_WORK,
    interval: 8,
    begins: SETTLED,
};

/// Things that break and come back by themselves or by somebody's doing, but only once
/// somebody looks, and rarely.
const RARE_TROUBLE: Stream = Stream {
    kinds: &[(1, Surprise::Silence), (1, Surprise::Drop)],
    interval: 600,
    begins: HISTORY + 300,
};

/// Everyday life that one can see at once.
const USUAL_SCENES: &[(Time, Surprise)] = &[
    (3 * 60, Surprise::SlowStart),
    (60, Surprise::SlowStart),
    (30, Surprise::Update),
    (25, Surprise::Start),
    (14, Surprise::Start),
];

/// A few of every health class, each with its age.
const ALL: Plot = Plot {
    scenes: &[
        (43 * 60, Surprise::StartHangs),
        (36 * 60, Surprise::StartHangs),
        (24 * 60, Surprise::WaitsForEver),
        (14 * 60, Surprise::WaitsForEver),
        (10 * 60, Surprise::ResumeAndStick),
        (8 * 60, Surprise::StartError),
        (7 * 60, Surprise::NeverConnects),
        (6 * 60, Surprise::ResumeAndStick),
        (5 * 60, Surprise::Drop),
        (4 * 60, Surprise::Silence),
        (3 * 60, Surprise::SlowStart),
        (75, Surprise::Silence),
        (60, Surprise::SlowStart),
        (30, Surprise::Update),
        (25, Surprise::Start),
        (20, Surprise::Update),
        (14, Surprise::Start),
    ],
    work: USUAL,
    trouble: Stream {
        kinds: &[
            (30, Surprise::Silence),
            (26, Surprise::Drop),
            (10, Surprise::NeverConnects),
            (6, Surprise::WaitsForEver),
            (12, Surprise::StartError),
            (4, Surprise::StartHangs),
            (12, Surprise::ResumeAndStick),
        ],
        interval: 45,
        begins: SETTLED,
    },
    max_broken_percent: 7,
    act: None,
};

const CALM: Plot = Plot {
    scenes: USUAL_SCENES,
    work: USUAL,
    trouble: RARE_TROUBLE,
    max_broken_percent: 2,
    act: None,
};

/// Silent after 15 seconds, lost 30 seconds later.
const OUTAGE: Plot = Plot {
    act: Some(Repeated {
        act: Act::Outage,
        begins: HISTORY + 15,
        interval: 6 * 60,
        clock_interval: 150,
    }),
    ..CALM
};

const STUCK: Plot = Plot {
    scenes: &[
        (11 * 60, Surprise::ResumeAndStick),
        (8 * 60, Surprise::ResumeAndStick),
        (5 * 60, Surprise::ResumeAndStick),
        (4 * 60, Surprise::ResumeAndStick),
        (4 * 60, Surprise::ResumeAndReport),
        // Of age within the first minute.
        (110, Surprise::ResumeAndStick),
        (90, Surprise::ResumeAndReport),
        (60, Surprise::SlowStart),
        (25, Surprise::Start),
        (14, Surprise::ResumeAndStick),
    ],
    work: USUAL,
    trouble: Stream {
        kinds: &[
            (2, Surprise::ResumeAndStick),
            (1, Surprise::ResumeAndReport),
        ],
        interval: 15,
        begins: HISTORY,
    },
    max_broken_percent: 10,
    act: None,
};

const REBUILD: Plot = Plot {
    work: Stream {
        // Somebody has to have chats for a rebuild to leave behind.
        kinds: &[
            (18, Surprise::Stop),
            (18, Surprise::Start),
            (8, Surprise::SlowStart),
            (20, Surprise::AppFails),
            (60, Surprise::Chat),
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
