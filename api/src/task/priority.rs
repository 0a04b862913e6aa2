//! Priorities, by name.

use async_graphql::Enum;
use domain::{Error, Level, Result};

/// How urgent a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum Priority {
    /// 50, the most urgent.
    ExtremeHigh,
    /// 40.
    VeryHigh,
    /// 30.
    High,
    /// 20.
    AboveNormal,
    /// 10.
    Normal,
    /// 8.
    UnderNormal,
    /// 5.
    BelowNormal,
    /// 0, the least urgent.
    Low,
    /// The platform picks the highest level with room in the owner's quota.
    Auto,
}

impl Priority {
    /// The priority of a stored number.
    ///
    /// # Errors
    /// [`Error::Internal`] for a number that is none.
    pub(crate) fn from_value(value: i32) -> Result<Self> {
        let known = domain::Priority::from_value(value)
            .ok_or_else(|| Error::internal(format!("the stored number {value} is no priority")))?;
        Ok(match known {
            domain::Priority::Auto => Self::Auto,
            domain::Priority::Fixed(level) => level.into(),
        })
    }

    /// The level; `None` for [`Priority::Auto`].
    pub(crate) fn level(self) -> Option<Level> {
        match self {
            Self::ExtremeHigh => Some(Level::ExtremeHigh),
            Self::VeryHigh => Some(Level::VeryHigh),
            Self::High => Some(Level::High),
            Self::AboveNormal => Some(Level::AboveNormal),
            Self::Normal => Some(Level::Normal),
            Self::UnderNormal => Some(Level::UnderNormal),
            Self::BelowNormal => Some(Level::BelowNormal),
            Self::Low => Some(Level::Low),
            Self::Auto => None,
        }
    }

    /// The number that documents know it by.
    pub(crate) fn value(self) -> i32 {
        self.level()
            .map_or(domain::Priority::Auto, domain::Priority::Fixed)
            .value()
    }
}

impl From<Priority> for domain::Priority {
    fn from(priority: Priority) -> Self {
        priority.level().map_or(Self::Auto, Self::Fixed)
    }
}

impl From<Level> for Priority {
    fn from(level: Level) -> Self {
        match level {
            Level::ExtremeHigh => Self::ExtremeHigh,
            Level::VeryHigh => Self::VeryHigh,
            Level::High => Self::High,
            Level::AboveNormal => Self::AboveNormal,
            Level::Normal => Self::Normal,
            Level::UnderNormal => Self::UnderNormal,
            Level::BelowNormal => Self::BelowNormal,
            Level::Low => Self::Low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_priority_has_its_name_here_and_keeps_its_number() {
        for priority in domain::Priority::ALL {
            let here = Priority::from_value(priority.value()).unwrap();
            assert_eq!(here.value(), priority.value());
            let name = async_graphql::resolver_utils::enum_value(here);
            assert_eq!(name.to_string(), priority.name());
        }
        assert!(Priority::from_value(7).is_err());
    }
}
