//! What the demonstration claims, and whether it is so.

use std::fmt;

/// The claims, in the order in which they were checked.
#[derive(Debug, Default)]
pub(super) struct Facts(Vec<Fact>);

#[derive(Debug)]
struct Fact {
    claim: &'static str,
    found: String,
    holds: bool,
}

impl Facts {
    /// Notes a claim, what was found, and whether that is it.
    pub(super) fn check(&mut self, claim: &'static str, found: impl fmt::Display, holds: bool) {
        self.0.push(Fact {
            claim,
            found: found.to_string(),
            holds,
        });
    }

    /// Whether every claim holds, and there was one.
    pub(super) fn all_hold(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|fact| fact.holds)
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fact in &self.0 {
            let mark = if fact.holds { "ok " } else { "NO " };
            writeln!(f, "  {mark} {:<51} {}", fact.claim, fact.found)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_false_claim_spoils_everything_and_no_claim_proves_nothing() {
        assert!(!Facts::default().all_hold());
        let mut facts = Facts::default();
        facts.check("water is wet", "wet", true);
        assert!(facts.all_hold());
        facts.check("fire is cold", "hot", false);
        assert!(!facts.all_hold());
    }
}
