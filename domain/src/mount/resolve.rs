//! Which mounts a user or a task has, by all rules, and what became of each rule.
//!
//! Ranks are applied from the weakest to the strongest; within one, what takes comes before what gives. Two rules of one
//! rank that give the same mount path cancel each other, and what a weaker rank gave stays.

use std::collections::{BTreeMap, BTreeSet};

use entity::mount_rule::{Action, Kind};

use super::facts::Facts;
use super::rule::{Meaning, Rank, Rule, Source};
use super::value::Void;
use super::{TaskFacts, UserFacts};

/// What a user or a task has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolution {
    /// By mount path, each once.
    pub mounts: Vec<ResolvedMount>,
    /// Every rule that is meant for the user, in the order in which they were applied.
    pub verdicts: Vec<Verdict>,
    /// What administrators probably did not mean.
    pub conflicts: Vec<Conflict>,
}

/// One mount, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedMount {
    /// What is mounted.
    pub host_path: String,
    /// Where tasks see it.
    pub mount_path: String,
    /// What kind of thing it is.
    pub kind: Kind,
    /// Whether tasks may only read it.
    pub read_only: bool,
    /// The rule that gives it.
    pub source: Source,
    /// How strong that rule is.
    pub rank: Rank,
    /// The weaker rules that gave the same mount path, the weakest first.
    pub overrode: Vec<Source>,
}

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The rule.
    pub source: Source,
    /// How strong it is.
    pub rank: Rank,
    /// The mount path, with names filled in if the rule holds.
    pub mount_path: String,
    /// What it came to.
    pub effect: Effect,
}

/// What a rule came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It gives a mount.
    Gives,
    /// A stronger rule gives the mount path instead.
    Overridden(Source),
    /// A rule takes the mount.
    Taken(Source),
    /// Rules of the same rank give the same mount path: none of them counts.
    Cancelled(Vec<Source>),
    /// It takes the mounts of these rules; none if there was nothing to take.
    Takes(Vec<Source>),
    /// It speaks of a task, and there is none.
    NeedsTask,
    /// This condition does not hold.
    NotMet(String),
    /// It makes no sense here, and why.
    Void(String),
}

/// What administrators probably did not mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What is wrong.
    pub kind: ConflictKind,
    /// The mount path.
    pub mount_path: String,
    /// The rules.
    pub sources: Vec<Source>,
}

/// Kinds of conflicts between rules of the same rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConflictKind {
    /// Several give the same mount path, so that none does.
    AddsCancel,
    /// One gives what another takes, so that it is given.
    AddBeatsRemove,
}

/// A rule whose conditions hold, with its paths filled in.
struct Holding<'a> {
    rule: &'a Rule,
    /// Its place among the verdicts.
    place: usize,
    host_path: String,
    mount_path: String,
}

/// The mounts that a user has, or a task of his.
pub fn resolve(rules: &[Rule], user: &UserFacts, task: Option<&TaskFacts>) -> Resolution {
    let mut of_rank: BTreeMap<Rank, Vec<&Rule>> = BTreeMap::new();
    for rule in rules {
        if let Some(rank) = rule.rank(user) {
            of_rank.entry(rank).or_default().push(rule);
        }
    }
    let mut state = State::default();
    for (rank, mut rules) in of_rank {
        // The order of rows must not matter, nor that of the configuration.
        rules.sort_by_key(|rule| (rule.source, rule.definition.mount_path.clone()));
        state.apply(rank, &rules, Facts { user, task });
    }
    Resolution {
        mounts: state
            .mounts
            .into_values()
            .map(|entry| entry.mount)
            .collect(),
        verdicts: state.verdicts,
        conflicts: state.conflicts,
    }
}

#[derive(Default)]
struct State {
    mounts: BTreeMap<String, Entry>,
    verdicts: Vec<Verdict>,
    conflicts: Vec<Conflict>,
}

struct Entry {
    mount: ResolvedMount,
    /// The place of its rule among the verdicts.
    place: usize,
}

impl State {
    fn apply(&mut self, rank: Rank, rules: &[&Rule], facts: Facts<'_>) {
        let (adds, removes): (Vec<&Rule>, Vec<&Rule>) = rules
            .iter()
            .partition(|rule| rule.definition.action == Action::Add);
        let removes = self.holding(rank, &removes, facts);
        let adds = self.holding(rank, &adds, facts);
        for remove in &removes {
            self.take(remove);
        }
        for remove in &removes {
            for add in adds
                .iter()
                .filter(|add| remove.hits(&add.host_path, &add.mount_path))
            {
                self.conflicts.push(Conflict {
                    kind: ConflictKind::AddBeatsRemove,
                    mount_path: add.mount_path.clone(),
                    sources: vec![add.rule.source, remove.rule.source],
                });
            }
        }
        let mut of_path: BTreeMap<&str, Vec<&Holding<'_>>> = BTreeMap::new();
        for add in &adds {
            of_path.entry(&add.mount_path).or_default().push(add);
        }
        for (path, adds) in of_path {
            match adds.as_slice() {
                [add] => self.give(rank, add),
                several => self.cancel(path, several),
            }
        }
    }

    /// Those of the rules that hold; of the others it is said why they do not.
    fn holding<'a>(
        &mut self,
        rank: Rank,
        rules: &[&'a Rule],
        facts: Facts<'_>,
    ) -> Vec<Holding<'a>> {
        let mut holding = Vec::new();
        for rule in rules {
            let place = self.verdicts.len();
            let (mount_path, effect) = match hold(rule, facts) {
                Ok((host_path, mount_path)) => {
                    holding.push(Holding {
                        rule,
                        place,
                        host_path,
                        mount_path: mount_path.clone(),
                    });
                    // Until it is known what it comes to.
                    (mount_path, Effect::Takes(Vec::new()))
                }
                Err(effect) => (rule.definition.mount_path.clone(), effect),
            };
            self.verdicts.push(Verdict {
                source: rule.source,
                rank,
                mount_path,
                effect,
            });
        }
        holding
    }

    fn take(&mut self, remove: &Holding<'_>) {
        let hit = |entry: &Entry| remove.hits(&entry.mount.host_path, &entry.mount.mount_path);
        let taken: Vec<Entry> = self
            .mounts
            .extract_if(.., |_, entry| hit(entry))
            .map(|(_, entry)| entry)
            .collect();
        for entry in &taken {
            self.verdicts[entry.place].effect = Effect::Taken(remove.rule.source);
        }
        let sources = taken.iter().map(|entry| entry.mount.source).collect();
        self.verdicts[remove.place].effect = Effect::Takes(sources);
    }

    fn give(&mut self, rank: Rank, add: &Holding<'_>) {
        let source = add.rule.source;
        let mut overrode = Vec::new();
        if let Some(weaker) = self.mounts.remove(&add.mount_path) {
            self.verdicts[weaker.place].effect = Effect::Overridden(source);
            overrode = weaker.mount.overrode;
            overrode.push(weaker.mount.source);
        }
        self.verdicts[add.place].effect = Effect::Gives;
        let entry = Entry {
            mount: ResolvedMount {
                host_path: add.host_path.clone(),
                mount_path: add.mount_path.clone(),
                kind: add.rule.definition.kind,
                read_only: add.rule.definition.read_only,
                source,
                rank,
                overrode,
            },
            place: add.place,
        };
        self.mounts.insert(add.mount_path.clone(), entry);
    }

    fn cancel(&mut self, path: &str, adds: &[&Holding<'_>]) {
        // Configured twice is no mistake: the first counts.
        if let [first, rest @ ..] = adds
            && first.rule.source == Source::Configured
        {
            self.give(Rank::Configured, first);
            for add in rest {
                self.verdicts[add.place].effect = Effect::Overridden(Source::Configured);
            }
            return;
        }
        let sources: BTreeSet<Source> = adds.iter().map(|add| add.rule.source).collect();
        for add in adds {
            let others = sources.iter().filter(|it| **it != add.rule.source);
            self.verdicts[add.place].effect = Effect::Cancelled(others.copied().collect());
        }
        self.conflicts.push(Conflict {
            kind: ConflictKind::AddsCancel,
            mount_path: path.to_owned(),
            sources: sources.into_iter().collect(),
        });
    }
}

impl Holding<'_> {
    /// Whether it takes this mount: by its path, or by what `*` stands for at the end of either path.
    fn hits(&self, host_path: &str, mount_path: &str) -> bool {
        let begins = |path: &str, template: &str, filled: &str| {
            template.ends_with('*')
                && filled
                    .strip_suffix('*')
                    .is_some_and(|tree| path.starts_with(tree))
        };
        let definition = &self.rule.definition;
        mount_path == self.mount_path
            || begins(host_path, &definition.host_path, &self.host_path)
            || begins(mount_path, &definition.mount_path, &self.mount_path)
    }
}

/// The paths of a rule, if its conditions hold.
fn hold(rule: &Rule, facts: Facts<'_>) -> Result<(String, String), Effect> {
    let void = |Void(reason)| Effect::Void(reason);
    let Meaning {
        host_path,
        mount_path,
        conditions,
    } = rule.meaning.as_ref().map_err(|problems| {
        let reasons = problems
            .iter()
            .map(|it| format!("{}: {}", it.field, it.reason));
        Effect::Void(reasons.collect::<Vec<_>>().join("; "))
    })?;
    if facts.task.is_none() && rule.needs_task() {
        return Err(Effect::NeedsTask);
    }
    for (condition, text) in conditions.iter().zip(&rule.definition.conditions) {
        if !condition.holds(facts).map_err(void)? {
            return Err(Effect::NotMet(text.clone()));
        }
    }
    let paths = (
        host_path.fill(facts).map_err(void)?,
        mount_path.fill(facts).map_err(void)?,
    );
    match paths.1.starts_with(['/', '*']) {
        true => Ok(paths),
        false => Err(Effect::Void(format!("{:?} is no absolute path", paths.1))),
    }
}
