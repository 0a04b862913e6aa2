//! Priorities: the eight levels tasks run at, and `AUTO`, which leaves the choice to the planner.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A level tasks run at; a greater one goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// 0
    Low = 0,
    /// 5
    BelowNormal = 5,
    /// 8
    UnderNormal = 8,
    /// 10
    Normal = 10,
    /// 20
    AboveNormal = 20,
    /// 30
    High = 30,
    /// 40
    VeryHigh = 40,
    /// 50
    ExtremeHigh = 50,
}

impl Level {
    /// All levels, highest first.
    pub const ALL: [Self; 8] = [
        Self::ExtremeHigh,
        Self::VeryHigh,
        Self::High,
        Self::AboveNormal,
        Self::Normal,
        Self::UnderNormal,
        Self::BelowNormal,
        Self::Low,
    ];

    /// The number that is stored and shown, 0 to 50.
    pub const fn value(self) -> i32 {
        self as i32
    }

    /// The word users write, such as `ABOVE_NORMAL`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExtremeHigh => "EXTREME_HIGH",
            Self::VeryHigh => "VERY_HIGH",
            Self::High => "HIGH",
            Self::AboveNormal => "ABOVE_NORMAL",
            Self::Normal => "NORMAL",
            Self::UnderNormal => "UNDER_NORMAL",
            Self::BelowNormal => "BELOW_NORMAL",
            Self::Low => "LOW",
        }
    }

    /// The level with this number, if there is one.
    pub fn from_value(value: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.value() == value)
    }

    /// The level with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a task asks for: a level, or the highest one its owner has quota for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Priority {
    /// The planner picks the level; what is meant by not saying.
    #[default]
    Auto,
    /// This level and no other.
    Fixed(Level),
}

impl Priority {
    /// All priorities, the most urgent first and [`Priority::Auto`] last.
    pub const ALL: [Self; 9] = [
        Self::Fixed(Level::ExtremeHigh),
        Self::Fixed(Level::VeryHigh),
        Self::Fixed(Level::High),
        Self::Fixed(Level::AboveNormal),
        Self::Fixed(Level::Normal),
        Self::Fixed(Level::UnderNormal),
        Self::Fixed(Level::BelowNormal),
        Self::Fixed(Level::Low),
        Self::Auto,
    ];

    /// The stored number of [`Priority::Auto`].
    pub const AUTO_VALUE: i32 = -1;

    /// The number that is stored and shown: -1 for `AUTO`, else that of the level.
    pub const fn value(self) -> i32 {
        match self {
            Self::Auto => Self::AUTO_VALUE,
            Self::Fixed(level) => level.value(),
        }
    }

    /// The word users write: `AUTO`, or that of the level.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "AUTO",
            Self::Fixed(level) => level.name(),
        }
    }

    /// The priority with this number, if there is one.
    pub fn from_value(value: i32) -> Option<Self> {
        match value {
            Self::AUTO_VALUE => Some(Self::Auto),
            value => Level::from_value(value).map(Self::Fixed),
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Priority {
    type Err = UnknownPriority;

    fn from_str(name: &str) -> Result<Self, UnknownPriority> {
        match name {
            "AUTO" => Ok(Self::Auto),
            name => Level::from_name(name)
                .map(Self::Fixed)
                .ok_or_else(|| UnknownPriority {
                    name: name.to_owned(),
                }),
        }
    }
}

impl TryFrom<String> for Priority {
    type Error = UnknownPriority;

    fn try_from(name: String) -> Result<Self, UnknownPriority> {
        name.parse()
    }
}

impl From<Priority> for &'static str {
    fn from(priority: Priority) -> Self {
        priority.name()
    }
}

/// A word that names no priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPriority {
    /// The word.
    pub name: String,
}

impl fmt::Display for UnknownPriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Level::ALL.map(Level::name).join(", ");
        write!(
            f,
            "`{}` is not a priority: it is AUTO or one of {known}",
            self.name
        )
    }
}

impl std::error::Error for UnknownPriority {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_is_found_by_its_number_and_by_its_name() {
        let table = Level::ALL.map(|level| (level.value(), level.name()));
        assert_eq!(
            table,
            [
                (50, "EXTREME_HIGH"),
                (40, "VERY_HIGH"),
                (30, "HIGH"),
                (20, "ABOVE_NORMAL"),
                (10, "NORMAL"),
                (8, "UNDER_NORMAL"),
                (5, "BELOW_NORMAL"),
                (0, "LOW"),
            ]
        );
        for level in Level::ALL {
            assert_eq!(Level::from_value(level.value()), Some(level));
            assert_eq!(Level::from_name(level.name()), Some(level));
            assert_eq!(
                Priority::from_value(level.value()),
                Some(Priority::Fixed(level))
            );
            assert_eq!(level.name().parse(), Ok(Priority::Fixed(level)));
        }
    }

    #[test]
    fn a_greater_number_is_a_greater_level() {
        assert!(Level::ALL.is_sorted_by(|higher, lower| higher > lower));
    }

    #[test]
    fn auto_is_a_priority_and_not_a_level() {
        assert_eq!(Priority::from_value(-1), Some(Priority::Auto));
        assert_eq!(Priority::Auto.value(), -1);
        assert_eq!("AUTO".parse(), Ok(Priority::Auto));
        assert_eq!(Level::from_value(-1), None);
        assert_eq!(Level::from_name("AUTO"), None);
    }

    #[test]
    fn an_unknown_word_is_named_with_the_words_that_exist() {
        insta::assert_snapshot!(
            "urgent".parse::<Priority>().unwrap_err(),
            @"`urgent` is not a priority: it is AUTO or one of EXTREME_HIGH, VERY_HIGH, HIGH, ABOVE_NORMAL, NORMAL, UNDER_NORMAL, BELOW_NORMAL, LOW"
        );
        assert_eq!(Priority::from_value(7), None);
    }

    #[test]
    fn a_priority_is_written_as_its_name() {
        for priority in [Priority::Auto, Priority::Fixed(Level::AboveNormal)] {
            let json = serde_json::to_string(&priority).unwrap();
            assert_eq!(json, format!("\"{priority}\""));
            assert_eq!(serde_json::from_str::<Priority>(&json).unwrap(), priority);
        }
        assert_eq!(
            serde_json::to_string(&Level::AboveNormal).unwrap(),
            "\"ABOVE_NORMAL\""
        );
    }
}
