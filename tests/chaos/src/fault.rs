//! What is broken, when, and for how long: drawn from a seed.

use std::time::Duration;

use clap::ValueEnum;
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

/// What can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub(crate) enum Fault {
    /// Nothing: how soon a task starts on this machine at all.
    Nothing,
    /// The process that drives is killed.
    KillLeader,
    /// One that stands by is killed.
    KillStandby,
    /// One that answers is killed.
    KillServer,
    /// The agent of a running rank is killed.
    KillAgent,
    /// PostgreSQL is killed with all its processes.
    KillPostgres,
    /// PostgreSQL stands still.
    StallPostgres,
    /// The process that drives stands still.
    StallLeader,
    /// Redis is killed.
    KillRedis,
    /// Redis forgets everything.
    FlushRedis,
    /// The process that drives does not reach PostgreSQL.
    CutLeaderFromPostgres,
    /// One that answers does not reach PostgreSQL.
    CutServerFromPostgres,
    /// One that answers does not reach Redis.
    CutServerFromRedis,
    /// The agents beside the process that drives do not reach one that answers.
    CutAgentsFromServer,
    /// The disk for logs is full.
    FillLogs,
    /// The disk of the database is full.
    FillDatabase,
    /// The clock of a machine jumps by an hour, and back.
    JumpClock,
    /// One process after the other is stopped in good order and started again.
    RollingRestart,
}

impl Fault {
    /// All, in the order of the report.
    pub(crate) const ALL: [Self; 18] = [
        Self::Nothing,
        Self::KillLeader,
        Self::KillStandby,
        Self::KillServer,
        Self::KillAgent,
        Self::KillPostgres,
        Self::StallPostgres,
        Self::StallLeader,
        Self::KillRedis,
        Self::FlushRedis,
        Self::CutLeaderFromPostgres,
        Self::CutServerFromPostgres,
        Self::CutServerFromRedis,
        Self::CutAgentsFromServer,
        Self::FillLogs,
        Self::FillDatabase,
        Self::JumpClock,
        Self::RollingRestart,
    ];

    /// How soon tasks start again after it: where the one that drives is gone, counted from when it went.
    pub(crate) fn goal(self) -> Duration {
        match self {
            Self::KillLeader | Self::StallLeader | Self::CutLeaderFromPostgres => {
                Duration::from_secs(3)
            }
            _ => Duration::from_secs(1),
        }
    }

    /// Whether time counts from the beginning of it: somebody else goes on meanwhile.
    pub(crate) fn counts_from_its_beginning(self) -> bool {
        self.goal() > Duration::from_secs(1)
    }

    /// Whether it takes root, which makes file systems of its own.
    pub(crate) fn needs_root(self) -> bool {
        matches!(self, Self::FillLogs | Self::FillDatabase)
    }
}

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) fault: Fault,
    /// How long everything goes well before it.
    pub(crate) calm: Duration,
    /// How long it lasts.
    pub(crate) lasts: Duration,
}

/// A plan of so many faults: each kind once before any comes again.
pub(crate) fn plan(random: &mut StdRng, count: usize, kinds: &[Fault]) -> Vec<Planned> {
    let mut planned = Vec::with_capacity(count);
    while planned.len() < count {
        let mut round = kinds.to_vec();
        round.shuffle(random);
        round.truncate(count - planned.len());
        planned.extend(round.into_iter().map(|fault| Planned {
            fault,
            calm: Duration::from_millis(random.random_range(200..1500)),
            lasts: Duration::from_millis(random.random_range(300..4000)),
        }));
    }
    planned
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_seed_makes_one_plan_and_each_kind_comes_once_before_any_comes_again() {
        let of = |seed| plan(&mut StdRng::seed_from_u64(seed), 40, &Fault::ALL);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        for round in of(3).chunks(Fault::ALL.len()).take(2) {
            let mut kinds: Vec<Fault> = round.iter().map(|it| it.fault).collect();
            kinds.sort_unstable();
            assert_eq!(kinds, Fault::ALL);
        }
    }
}
