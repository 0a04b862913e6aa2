//! How a pod behaves, other than its program.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::chance::Chance;

/// How a container ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// Its exit code.
    pub code: i32,
    /// Why, in the kubelet's word.
    pub reason: Option<&'static str>,
    /// What it left for the kubelet.
    pub message: Option<String>,
}

impl End {
    /// It ended by itself.
    pub fn of_code(code: i32) -> Self {
        Self {
            code,
            ..Self::default()
        }
    }

    /// The kernel killed it for its memory.
    pub fn out_of_memory() -> Self {
        Self {
            code: 137,
            reason: Some("OOMKilled"),
            message: None,
        }
    }

    /// The kubelet's word for it.
    pub(super) fn word(&self) -> &'static str {
        let usual = if self.code == 0 { "Completed" } else { "Error" };
        self.reason.unwrap_or(usual)
    }
}

/// What becomes of a pod that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Its container ends. One that is a process is killed, and reported so.
    Ends(End),
    /// Its node needs the room, and says so in a sentence.
    Evicted(String),
}

/// How a pod behaves. By default its start takes no time, and it runs until it ends by itself or is told to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// So long its kubelet does nothing.
    pub start_delay: Duration,
    /// So often its image cannot be pulled.
    pub failed_pulls: u32,
    /// What becomes of it so long after its container was started.
    pub fate: Option<(Duration, Fate)>,
    /// How a container that is no process ends when it is asked to. One that does not is killed when its grace is over.
    pub when_asked: Option<End>,
    /// Whether its kubelet does not end it until it is told to.
    pub hangs_on_delete: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            start_delay: Duration::ZERO,
            failed_pulls: 0,
            fate: None,
            when_asked: Some(End::of_code(143)),
            hangs_on_delete: false,
        }
    }
}

impl Behaviour {
    /// By chance: the same for the same seed and name of a pod. Whatever takes time takes at most `longest`.
    pub fn by_chance(seed: u64, pod: &Value, longest: Duration) -> Self {
        let name = pod["metadata"]["name"].as_str();
        chosen(&mut Chance::of(seed, name), longest)
    }
}

/// Chooses how a pod behaves, by its object.
#[derive(Clone)]
pub struct Behave(Arc<dyn Fn(&Value) -> Behaviour + Send + Sync>);

impl Behave {
    /// By what `choose` says.
    pub fn by(choose: impl Fn(&Value) -> Behaviour + Send + Sync + 'static) -> Self {
        Self(Arc::new(choose))
    }

    /// By chance, see [`Behaviour::by_chance`].
    pub fn by_chance(seed: u64, longest: Duration) -> Self {
        Self::by(move |pod| Behaviour::by_chance(seed, pod, longest))
    }

    pub(super) fn of(&self, pod: &Value) -> Behaviour {
        (self.0)(pod)
    }
}

impl Default for Behave {
    fn default() -> Self {
        Self::by(|_| Behaviour::default())
    }
}

impl fmt::Debug for Behave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Behave")
    }
}

/// Most pods run until they are told to end, or end by themselves; few have bad luck.
fn chosen(chance: &mut Chance, longest: Duration) -> Behaviour {
    let (start_delay, after) = (chance.time(longest), chance.time(longest));
    let fate = match chance.among(0..10) {
        0..4 => None,
        4..6 => Some(Fate::Ends(End::of_code(0))),
        6..8 => Some(Fate::Ends(End::of_code(1))),
        8 => Some(Fate::Ends(End::out_of_memory())),
        _ => {
            let why = "The node was low on resource: memory.";
            Some(Fate::Evicted(why.to_owned()))
        }
    };
    Behaviour {
        start_delay,
        failed_pulls: u32::from(chance.happens(0.1)) * 2,
        fate: fate.map(|fate| (after, fate)),
        when_asked: chance.happens(0.8).then(|| End::of_code(143)),
        hangs_on_delete: chance.happens(0.1),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn chance_is_the_same_for_the_same_seed_and_name() {
        let behaviours = |seed: u64| {
            let behave = Behave::by_chance(seed, Duration::from_secs(1));
            let pods = (0..50).map(|n| json!({"metadata": {"name": format!("p{n}")}}));
            pods.map(|pod| behave.of(&pod)).collect::<Vec<_>>()
        };
        assert_eq!(behaviours(1), behaviours(1));
        assert_ne!(behaviours(1), behaviours(2));
        let has = |holds: fn(&Behaviour) -> bool| behaviours(1).iter().any(holds);
        assert!(has(|it| it.failed_pulls > 0) && has(|it| it.fate.is_none()));
        assert!(has(|it| it.hangs_on_delete));
        assert!(has(|it| matches!(it.fate, Some((_, Fate::Evicted(_))))));
    }

    #[test]
    fn the_kubelet_has_a_word_for_every_end() {
        assert_eq!(End::of_code(0).word(), "Completed");
        assert_eq!(End::of_code(3).word(), "Error");
        assert_eq!(End::out_of_memory().word(), "OOMKilled");
    }
}
