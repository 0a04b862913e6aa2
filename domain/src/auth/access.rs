//! Who hears at once that what a user may do has changed: whoever goes on with something in his name.
//!
//! There may be as many listeners as there are open subscriptions. A change of one user wakes those of that user only.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entity::UserId;
use tokio::sync::watch;

/// The listeners of one process, by user. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct AccessTopics(Arc<Topics>);

#[derive(Debug, Default)]
struct Topics {
    /// How often each of those who are listened for was changed.
    users: Mutex<HashMap<UserId, watch::Sender<u64>>>,
    /// How often anybody was.
    n_changes: AtomicU64,
    n_listeners: AtomicU64,
}

/// A time before somebody was asked for who he is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessTime(u64);

/// What has woken a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// What the user may do has changed, or a token or a session of his.
    Changed,
    /// It may have: some wake-ups were lost.
    Unknown,
}

impl AccessTopics {
    /// What is changed from now on is heard by whoever begins to listen with it, however long that takes.
    pub fn now(&self) -> AccessTime {
        AccessTime(self.0.n_changes.load(Ordering::Acquire))
    }

    /// Hears of a user whose rights were read after that time.
    pub fn follow(&self, user: UserId, since: AccessTime) -> AccessListener {
        let changes = self.users().entry(user).or_default().subscribe();
        let seen = *changes.borrow();
        AccessListener {
            seen,
            // It costs one more look if it was somebody else.
            is_late: self.now() != since,
            number: self.0.n_listeners.fetch_add(1, Ordering::Relaxed),
            changes,
            topics: self.clone(),
            user,
        }
    }

    /// Wakes those who listen for this user.
    pub(crate) fn changed(&self, user: UserId) {
        let users = self.users();
        self.0.n_changes.fetch_add(1, Ordering::AcqRel);
        if let Some(changes) = users.get(&user) {
            changes.send_modify(|count| *count += 1);
        }
    }

    /// Wakes all: nobody knows who was changed.
    pub(crate) fn unknown(&self) {
        let users = self.users();
        self.0.n_changes.fetch_add(1, Ordering::AcqRel);
        for changes in users.values() {
            changes.send_modify(|_| ());
        }
    }

    /// No step leaves the map half changed, so a panic elsewhere does not matter.
    fn users(&self) -> MutexGuard<'_, HashMap<UserId, watch::Sender<u64>>> {
        self.0.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who listens for a user. It is never too slow: many changes are as good as one.
#[derive(Debug)]
pub struct AccessListener {
    changes: watch::Receiver<u64>,
    seen: u64,
    /// Whether something was changed between the look at the user and this.
    is_late: bool,
    number: u64,
    topics: AccessTopics,
    user: UserId,
}

impl AccessListener {
    /// Which of all listeners it is. They have different numbers.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Waits until there is something to hear. Safe to cancel.
    pub async fn heard(&mut self) -> Woken {
        if std::mem::take(&mut self.is_late) {
            return Woken::Changed;
        }
        if self.changes.changed().await.is_err() {
            // The topic outlives its listeners, so this does not happen.
            std::future::pending::<()>().await;
        }
        let count = *self.changes.borrow_and_update();
        if std::mem::replace(&mut self.seen, count) == count {
            Woken::Unknown
        } else {
            Woken::Changed
        }
    }
}

impl Drop for AccessListener {
    fn drop(&mut self) {
        let mut users = self.topics.users();
        if let Some(changes) = users.get(&self.user)
            && changes.receiver_count() == 1
        {
            users.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const ADA: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    #[tokio::test]
    async fn a_change_of_a_user_wakes_those_who_listen_for_that_user_only() {
        let topics = AccessTopics::default();
        let [mut ada, mut again, mut bob] =
            [ADA, ADA, BOB].map(|user| topics.follow(user, topics.now()));
        topics.changed(ADA);
        topics.changed(ADA);
        for listener in [&mut ada, &mut again] {
            assert_eq!(listener.heard().now_or_never(), Some(Woken::Changed));
            assert_eq!(listener.heard().now_or_never(), None);
        }
        assert_eq!(bob.heard().now_or_never(), None);
        topics.unknown();
        for listener in [&mut ada, &mut bob] {
            assert_eq!(listener.heard().now_or_never(), Some(Woken::Unknown));
        }
        topics.changed(BOB);
        topics.unknown();
        assert_eq!(bob.heard().now_or_never(), Some(Woken::Changed));
    }

    #[tokio::test]
    async fn what_is_changed_while_a_user_is_looked_up_is_heard() {
        let topics = AccessTopics::default();
        let before = topics.now();
        topics.changed(ADA);
        let mut late = topics.follow(ADA, before);
        assert_eq!(late.heard().now_or_never(), Some(Woken::Changed));
        assert_eq!(late.heard().now_or_never(), None);
    }

    #[test]
    fn a_user_for_whom_nobody_listens_is_forgotten() {
        let topics = AccessTopics::default();
        let [one, other] = [ADA, ADA].map(|user| topics.follow(user, topics.now()));
        assert_ne!(one.number(), other.number());
        drop(one);
        assert_eq!(topics.users().len(), 1);
        drop(other);
        assert!(topics.users().is_empty());
    }
}
