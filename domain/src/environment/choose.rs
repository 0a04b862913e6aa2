//! Which environment a task gets. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::environment_grant::Model as Grant;

/// Why there is no environment for a task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEnvironment {
    /// Images of users are not there yet.
    #[error("{0} is the address of an image: only environments with a name can be used")]
    CustomImage(String),
    /// There is none of this name that the user may use. Whether others may use one is not told.
    #[error("there is no environment {name} for you: {}", may_use(granted))]
    Unknown {
        /// The name.
        name: String,
        /// Those that the user may use.
        granted: Vec<String>,
    },
    /// There is none that the user may use.
    #[error("there is no environment that you may use: ask whoever runs the platform for one")]
    NoneGranted,
}

fn may_use(granted: &[String]) -> String {
    match granted {
        [] => "there is none that you may use".to_owned(),
        names => format!("you may use {}", names.join(", ")),
    }
}

/// What a user is granted by the grants of his groups and himself, the highest value first: the first is his default.
///
/// His own grant wins, even if it is lower; else the highest of his groups counts. What has expired does not count at all.
pub fn granted(grants: &[Grant], user: &str, now: DateTime<Utc>) -> Vec<(String, i64)> {
    // An own grant is greater than any other.
    let mut best: BTreeMap<String, (bool, i64)> = BTreeMap::new();
    for grant in grants {
        if grant.expires_at.is_some_and(|end| end <= now) {
            continue;
        }
        let name = grant.environment.replace("${user_name}", user);
        let this = (grant.owner == user, grant.value);
        let known = best.entry(name).or_insert(this);
        *known = this.max(*known);
    }
    let mut granted: Vec<(String, i64)> = best
        .into_iter()
        .map(|(name, (_, value))| (name, value))
        .filter(|(_, value)| *value >= 1)
        .collect();
    granted.sort_by_key(|(_, value)| Reverse(*value));
    granted
}

/// The environment that `resource.image` means for a user who may use these, which there are, the default first.
///
/// # Errors
/// Says what is wrong with it.
pub fn choose(image: &str, granted: &[String]) -> Result<String, NoEnvironment> {
    if image.contains('/') {
        return Err(NoEnvironment::CustomImage(image.to_owned()));
    }
    if matches!(image, "default" | "DEFAULT" | "") {
        return granted.first().cloned().ok_or(NoEnvironment::NoneGranted);
    }
    let (name, granted) = (image.to_owned(), granted.to_vec());
    if granted.contains(&name) {
        Ok(name)
    } else {
        Err(NoEnvironment::Unknown { name, granted })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn grant(owner: &str, environment: &str, value: i64, days: Option<i64>) -> Grant {
        Grant {
            owner: owner.to_owned(),
            environment: environment.to_owned(),
            value,
            expires_at: days.map(|days| DateTime::UNIX_EPOCH + TimeDelta::days(days)),
        }
    }

    fn of_ana(grants: &[Grant]) -> String {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(10);
        let granted = granted(grants, "ana", now);
        let words = granted
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_own_grant_wins_and_else_the_highest_of_the_groups() {
        let grants = [
            grant("public", "base", 1, None),
            grant("ops", "base", 5, None),
            grant("public", "cuda", 3, None),
            grant("public", "old", 9, None),
            grant("ana", "old", 2, None),
            grant("ops", "secret", 4, None),
            grant("ana", "secret", 0, None),
            grant("public", "home-${user_name}", 3, None),
        ];
        assert_eq!(of_ana(&grants), "base=5 cuda=3 home-ana=3 old=2");
    }

    #[test]
    fn what_has_expired_counts_for_nothing() {
        let grants = [
            grant("public", "base", 1, Some(11)),
            grant("ana", "base", 7, Some(10)),
            grant("public", "cuda", 1, Some(9)),
        ];
        assert_eq!(of_ana(&grants), "base=1");
    }

    #[test]
    fn a_name_must_be_granted_and_default_is_the_highest() {
        let may_use = ["cuda".to_owned(), "base".to_owned()];
        for image in ["default", "DEFAULT", ""] {
            assert_eq!(choose(image, &may_use).as_deref(), Ok("cuda"));
            assert_eq!(choose(image, &[]), Err(NoEnvironment::NoneGranted));
        }
        assert_eq!(choose("base", &may_use).as_deref(), Ok("base"));
        for (image, message) in [
            (
                "other",
                "there is no environment other for you: you may use cuda, base",
            ),
            (
                "r/g/i",
                "r/g/i is the address of an image: only environments with a name can be used",
            ),
        ] {
            let refusal = choose(image, &may_use).unwrap_err();
            assert_eq!(refusal.to_string(), message);
        }
    }
}
