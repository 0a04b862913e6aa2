//! Who stands in line, and at which level: the obstacles that are a task's own or its owner's.

use std::collections::BTreeMap;

use crate::account::Account;
use crate::plan::{Waiting, earliest};
use crate::stock::{Stock, Tally, count};
use crate::survey::{Applicant, Survey, TaskOwner};
use crate::{Level, Millis, Policy, QuotaBook, Task, User, WaitReason};

/// A task that may run when it is its turn and there are nodes.
pub(crate) struct Candidate<'a> {
    pub(crate) task: &'a Task,
    pub(crate) level: Level,
    /// Nodes that it could use but for an exclusion, and when that ends.
    pub(crate) excluded: BTreeMap<usize, Millis>,
}

pub(crate) struct Admission<'a> {
    /// The tasks of each owner in their own order.
    pub(crate) in_line: Vec<Vec<Candidate<'a>>>,
    pub(crate) turned_away: Vec<Waiting<'a>>,
    /// When time may next remove an obstacle or change a quota.
    pub(crate) wake_at: Option<Millis>,
}

/// Decides for each waiting task whether it stands in line.
pub(crate) fn admit<'a>(
    survey: &Survey<'a>,
    book: &QuotaBook<'_>,
    policy: &Policy,
) -> Admission<'a> {
    let turned_away = survey
        .ambiguous
        .iter()
        .map(|task| Waiting::outside(task, WaitReason::Duplicate))
        .collect();
    let mut admission = Admission {
        in_line: Vec::new(),
        turned_away,
        wake_at: None,
    };

    for owner in &survey.owners {
        let mut gate = Gate::of(owner, survey, book, policy);
        let mut in_line = Vec::with_capacity(owner.applicants.len());
        for applicant in &owner.applicants {
            match gate.pass(applicant) {
                Ok(candidate) => in_line.push(candidate),
                Err(reason) => admission
                    .turned_away
                    .push(Waiting::outside(applicant.task, reason)),
            }
        }
        admission.in_line.push(in_line);
        admission.wake_at = earliest(admission.wake_at, gate.wake_at);
    }
    admission
}

/// Where the tasks of one owner and group pass one by one.
struct Gate<'g, 'a> {
    owner: &'g TaskOwner<'a>,
    user: Option<&'a User>,
    stock: Option<&'g Stock<'a>>,
    survey: &'g Survey<'a>,
    book: &'g QuotaBook<'g>,
    policy: &'g Policy,
    /// Opened by the first task whose quota matters.
    account: Option<Account>,
    wake_at: Option<Millis>,
}

impl<'g, 'a> Gate<'g, 'a> {
    fn of(
        owner: &'g TaskOwner<'a>,
        survey: &'g Survey<'a>,
        book: &'g QuotaBook<'g>,
        policy: &'g Policy,
    ) -> Self {
        Self {
            owner,
            user: survey.users.get(owner.user).copied(),
            stock: survey.stocks.get(owner.group),
            survey,
            book,
            policy,
            account: None,
            wake_at: None,
        }
    }

    /// Asks in the order in which [`WaitReason`] lists the answers.
    fn pass(&mut self, applicant: &Applicant<'a>) -> Result<Candidate<'a>, WaitReason> {
        let (task, policy) = (applicant.task, self.policy);
        let user = self.user.ok_or(WaitReason::UnknownUser)?;
        if !user.active {
            return Err(WaitReason::InactiveUser);
        }
        let stock = self.stock.ok_or(WaitReason::NoSuchGroup)?;
        if applicant.held {
            return Err(WaitReason::Held);
        }
        if task.nodes == 0 {
            return Err(WaitReason::NoNodesAsked);
        }
        let tally = stock.tally(task.zone.as_ref());
        if task.nodes > tally.total {
            return Err(WaitReason::GroupTooSmall {
                needed: task.nodes,
                total: tally.total,
            });
        }
        self.account(user).check_covers(task, policy)?;
        self.check_backoff(applicant)?;
        let excluded = self.check_exclusions(applicant, stock, tally)?;
        let level = self.account(user).reserve(task, policy)?;
        Ok(Candidate {
            task,
            level,
            excluded,
        })
    }

    fn account(&mut self, user: &User) -> &mut Account {
        self.account.get_or_insert_with(|| {
            let TaskOwner {
                group, user: name, ..
            } = self.owner;
            let limits = self.book.limits(user, group);
            self.wake_at = earliest(self.wake_at, limits.valid_until);
            Account::open(&limits, &self.survey.usage, name, group)
        })
    }

    fn check_backoff(&mut self, applicant: &Applicant<'_>) -> Result<(), WaitReason> {
        match applicant.not_before {
            Some(until) if until > self.survey.now => {
                self.wake_at = earliest(self.wake_at, Some(until));
                Err(WaitReason::Backoff { until })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A task that even an empty group could not serve because of its exclusions waits for itself,
    /// not for others.
    fn check_exclusions(
        &mut self,
        applicant: &Applicant<'_>,
        stock: &Stock<'_>,
        tally: Tally,
    ) -> Result<BTreeMap<usize, Millis>, WaitReason> {
        let pin = applicant.task.zone.as_ref();
        let mut excluded = BTreeMap::new();
        for exclusion in applicant
            .excluded
            .iter()
            .filter(|each| each.until > self.survey.now)
        {
            if let Some(node) = stock.find_ready(pin, &exclusion.node) {
                let until = excluded.entry(node).or_insert(exclusion.until);
                *until = exclusion.until.max(*until);
            }
        }
        let needed = applicant.task.nodes;
        let ready = tally.ready;
        let n_excluded = count(excluded.len());
        if needed > ready || needed <= ready - n_excluded {
            return Ok(excluded);
        }
        let mut ends: Vec<Millis> = excluded.into_values().collect();
        ends.sort_unstable();
        self.wake_at = earliest(self.wake_at, ends.first().copied());
        // Between 1 and `n_excluded`, as two comparisons above say.
        let n_missing = needed - (ready - n_excluded);
        let until = ends[n_missing as usize - 1];
        Err(WaitReason::ExcludedNodes {
            needed,
            ready,
            excluded: n_excluded,
            until,
        })
    }
}
