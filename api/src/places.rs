//! Places of which there are so many: of operations in flight, subscriptions, connections. Nobody has more than a share of
//! them, so a flood is turned away where it comes from, and the last are kept for those without whom nothing goes on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many places there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// All.
    pub(crate) most: usize,
    /// Those of one holder.
    pub(crate) share: usize,
    /// Of all: those that are kept for who goes first.
    pub(crate) reserve: usize,
}

/// Who gets a place when they become few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precedence {
    /// Whoever comes.
    Usual,
    /// Agents, and who looks whether the platform lives: the reserve is theirs.
    First,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The holder has its share.
    Share,
    /// All are taken, or only the reserve is left.
    All,
}

/// Whether there is a place for somebody who has `own` of the `taken` ones.
fn room(bounds: Bounds, taken: usize, own: usize, precedence: Precedence) -> Result<(), Full> {
    let (most, share) = match precedence {
        Precedence::Usual => (bounds.most.saturating_sub(bounds.reserve), bounds.share),
        // A share of the reserve beside one's own: all of it is for nobody alone.
        Precedence::First => (bounds.most, bounds.share + bounds.reserve / 2),
    };
    if own >= share {
        Err(Full::Share)
    } else if taken >= most {
        Err(Full::All)
    } else {
        Ok(())
    }
}

/// Places, and who has them. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    bounds: Bounds,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    count: usize,
    /// Who has none is not in it, so it has a bound too.
    by_holder: HashMap<u64, usize>,
}

/// A place, taken for as long as this is kept.
#[derive(Debug)]
pub(crate) struct Place {
    holder: u64,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    /// All of them free.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            taken: Arc::default(),
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn take(&self, holder: u64, precedence: Precedence) -> Result<Place, Full> {
        let mut taken = lock(&self.taken);
        let own = taken.by_holder.get(&holder).copied().unwrap_or_default();
        room(self.bounds, taken.count, own, precedence)?;
        taken.count += 1;
        taken.by_holder.insert(holder, own + 1);
        Ok(Place {
            holder,
            taken: Arc::clone(&self.taken),
        })
    }

    /// How many are taken.
    pub(crate) fn n_taken(&self) -> usize {
        lock(&self.taken).count
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.count -= 1;
        if let Some(own) = taken.by_holder.get_mut(&self.holder) {
            *own -= 1;
            if *own == 0 {
                taken.by_holder.remove(&self.holder);
            }
        }
    }
}

/// No step leaves it half changed, so a panic elsewhere does not matter.
fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        most: 10,
        share: 4,
        reserve: 2,
    };

    fn take_all(places: &Places, holder: u64, precedence: Precedence) -> (Vec<Place>, Full) {
        let mut mine = Vec::new();
        loop {
            match places.take(holder, precedence) {
                Ok(place) => mine.push(place),
                Err(full) => return (mine, full),
            }
        }
    }

    #[test]
    fn a_flood_takes_its_share_and_others_go_on() {
        let places = Places::new(BOUNDS);
        let (flood, full) = take_all(&places, 1, Precedence::Usual);
        assert_eq!((flood.len(), full), (4, Full::Share));
        let (other, _) = take_all(&places, 2, Precedence::Usual);
        assert_eq!(other.len(), 4);
        assert_eq!(places.take(3, Precedence::Usual).unwrap_err(), Full::All);
        drop(flood);
        places.take(3, Precedence::Usual).unwrap();
    }

    #[test]
    fn the_reserve_is_for_those_who_go_first() {
        let places = Places::new(BOUNDS);
        let _people: Vec<_> = (1..=2)
            .map(|holder| take_all(&places, holder, Precedence::Usual))
            .collect();
        let (agents, full) = take_all(&places, 9, Precedence::First);
        assert_eq!((agents.len(), full), (2, Full::All));
        assert_eq!(places.n_taken(), 10);
    }

    /// At no moment somebody is let in while one who goes first is not.
    #[test]
    fn those_who_go_first_are_never_turned_away_before_others() {
        for taken in 0..=12 {
            for own in 0..=taken {
                let usual = room(BOUNDS, taken, own, Precedence::Usual);
                let first = room(BOUNDS, taken, own, Precedence::First);
                assert!(first.is_ok() || usual.is_err(), "{own} of {taken}");
            }
        }
    }

    #[test]
    fn who_has_given_everything_back_is_forgotten() {
        let places = Places::new(BOUNDS);
        for holder in 0..1000 {
            places.take(holder, Precedence::Usual).unwrap();
        }
        assert_eq!(places.n_taken(), 0);
        assert!(lock(&places.taken).by_holder.is_empty());
    }
}
