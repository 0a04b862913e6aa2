//! Whether somebody who began something is still who he was, and may do what he might.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Response;
use domain::Error;
use domain::auth::{AccessListener, AccessTime, Actor, Woken};
use futures_util::future::{Either, select};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::answer::Answer;
use crate::auth::Bearer;
use crate::engine::Engine;
use crate::error;

/// When some wake-ups were lost, all look again within this time, each at another moment of it.
const SPREAD: Duration = Duration::from_secs(10);

/// What somebody began with.
pub(crate) struct Standing {
    engine: Arc<Engine>,
    bearer: Bearer,
    /// Stands for all that he might do. Agents may always do the same.
    rights: Option<u64>,
    /// Absent for agents.
    listener: Option<AccessListener>,
    recheck: Interval,
}

impl Standing {
    /// That of whoever was found, after that time, to have this bearer. He is looked at again when he is changed, and in any
    /// case after each `recheck`.
    pub(crate) fn new(
        engine: &Arc<Engine>,
        bearer: Bearer,
        actor: &Actor,
        since: AccessTime,
        recheck: Duration,
    ) -> Self {
        let access = engine.app().events.access();
        let listener = actor.user().map(|user| access.follow(user.id, since));
        let mut recheck = interval_at(Instant::now() + recheck, recheck);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            engine: Arc::clone(engine),
            bearer,
            rights: rights(actor),
            listener,
            recheck,
        }
    }

    /// These results for as long as they may be given: a failure is the last one.
    pub(crate) fn guard(
        self,
        results: BoxStream<'static, Answer>,
    ) -> impl Stream<Item = Answer> + Send {
        stream::unfold(Some((self, results)), |going_on| async move {
            let (mut standing, mut results) = going_on?;
            loop {
                tokio::select! {
                    // A client that was slow is asked who it is before it gets more.
                    biased;
                    () = due(&mut standing.listener, &mut standing.recheck) => {
                        // It needs far more memory than to wait, so it has that only meanwhile.
                        let Self { engine, bearer, rights, .. } = &standing;
                        let check = Box::pin(refusal(engine, bearer, *rights));
                        let (refusal, answer) = beside(check, &mut results).await;
                        if let Some(refusal) = refusal {
                            return Some((refusal, None));
                        }
                        if let Some(answer) = answer {
                            return Some((answer?, Some((standing, results))));
                        }
                    }
                    answer = results.next() => return Some((answer?, Some((standing, results)))),
                }
            }
        })
    }
}

/// Why he may not go on. A database that is away for a moment ends nothing.
async fn refusal(engine: &Engine, bearer: &Bearer, known: Option<u64>) -> Option<Answer> {
    let error = match engine.look_again(bearer).await {
        Err(failure @ Error::Unauthenticated) => failure,
        // It may begin anew where it was, with what he may do now.
        Ok(actor) if rights(&actor) != known => Error::Unavailable {
            what: "a subscription that was begun with other rights",
            source: "its user may do something else now".into(),
        },
        Ok(_) | Err(_) => return None,
    };
    Some(error::told(Response::from_errors(vec![error::refusal(error)])).into())
}

/// Waits until it is time to look again. Safe to cancel.
async fn due(listener: &mut Option<AccessListener>, recheck: &mut Interval) {
    loop {
        let heard = async {
            match listener {
                Some(listener) => (listener.heard().await, listener.number()),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            (heard, number) = heard => match heard {
                Woken::Changed => return,
                Woken::Unknown => recheck.reset_after(share(number, SPREAD).min(recheck.period())),
            },
            _ = recheck.tick() => return,
        }
    }
}

/// A part of a time, by a number: those of numbers one after the other are far from each other.
fn share(number: u64, of: Duration) -> Duration {
    // The golden ratio, of which no fraction is near.
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let part = u16::try_from(number.wrapping_mul(STEP) >> 48).unwrap_or_default();
    of * u32::from(part) / u32::from(u16::MAX)
}

/// The same for all who may do the same in the name of the same user.
fn rights(actor: &Actor) -> Option<u64> {
    let user = actor.user()?;
    Some(BuildHasherDefault::<DefaultHasher>::default().hash_one(user))
}

/// What comes of a check, and the answer if one came meanwhile, which nobody has seen yet.
///
/// The operation goes on beside it. If it stood still, it could keep the connection to the database for which the check
/// waits, as could all others that are checked at the same moment.
async fn beside(
    check: impl Future<Output = Option<Answer>> + Unpin,
    results: &mut BoxStream<'static, Answer>,
) -> (Option<Answer>, Option<Option<Answer>>) {
    match select(check, results.next()).await {
        Either::Left((refused, _)) => (refused, None),
        Either::Right((answer, check)) => (check.await, Some(answer)),
    }
}

#[cfg(test)]
mod tests {
    use domain::events::{Event, Events};
    use domain::user::UserId;
    use futures_util::FutureExt;
    use tokio::sync::Semaphore;
    use tokio::task::yield_now;

    use super::*;

    fn answer() -> Answer {
        Response::default().into()
    }

    #[tokio::test]
    async fn an_operation_that_has_the_last_connection_gives_it_to_the_check_of_its_token() {
        let connections = Arc::new(Semaphore::new(1));
        let of_operation = Arc::clone(&connections);
        let operation = async move {
            let _connection = of_operation.acquire().await.unwrap();
            yield_now().await;
            answer()
        };
        let mut results = stream::once(operation).boxed();
        assert!(results.next().now_or_never().is_none(), "it has begun");
        let check = Box::pin(async {
            let _connection = connections.acquire().await.unwrap();
            None
        });
        let (refused, answered) = beside(check, &mut results).await;
        assert!(refused.is_none() && matches!(answered, Some(Some(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn after_lost_wake_ups_all_look_again_soon_and_not_at_once() {
        let events = Events::default();
        let access = events.access();
        let hour = Duration::from_secs(3600);
        let mut listeners: Vec<_> = (0..100)
            .map(|_| {
                let recheck = interval_at(Instant::now() + hour, hour);
                (Some(access.follow(UserId(1), access.now())), recheck)
            })
            .collect();
        let begun = Instant::now();
        events.publish(Event::Resync);
        let mut per_second = [0; 10];
        let waits = listeners.iter_mut().map(|(listener, recheck)| async move {
            due(listener, recheck).await;
            begun.elapsed().as_secs()
        });
        for second in futures_util::future::join_all(waits).await {
            per_second[usize::try_from(second).unwrap().min(9)] += 1;
        }
        assert!(
            per_second.iter().all(|count| (5..20).contains(count)),
            "{per_second:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_looked_at_at_once() {
        let events = Events::default();
        let access = events.access();
        let mut listener = Some(access.follow(UserId(1), access.now()));
        let hour = Duration::from_secs(3600);
        let mut recheck = interval_at(Instant::now() + hour, hour);
        events.publish(Event::Access(UserId(2)));
        assert_eq!(due(&mut listener, &mut recheck).now_or_never(), None);
        events.publish(Event::Access(UserId(1)));
        assert_eq!(due(&mut listener, &mut recheck).now_or_never(), Some(()));
    }
}
