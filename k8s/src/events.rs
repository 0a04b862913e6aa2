//! What the cluster tells of pods besides how they are: warnings. It forgets them after an hour.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::runtime::RankEvent;
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;

use crate::names;

/// Which of them are watched.
pub(crate) const WARNINGS: &str = "type=Warning,involvedObject.kind=Pod";

/// The warnings about ranks, by the uid of their objects.
pub(crate) type Warnings = BTreeMap<String, RankEvent>;

/// What an object says; none if it is not about a rank. It counts either in its own fields or, if a newer component has written
/// it, as a series.
pub(crate) fn read(event: &Event) -> Option<RankEvent> {
    let rank = names::rank(event.involved_object.name.as_deref()?)?;
    let series = event.series.as_ref();
    let time = event.event_time.as_ref().map(|time| time.0);
    let created = event
        .metadata
        .creation_timestamp
        .as_ref()
        .map(|time| time.0);
    let first = event
        .first_timestamp
        .as_ref()
        .map(|time| time.0)
        .or(time)
        .or(created)?;
    let of_series = series.and_then(|series| series.last_observed_time.as_ref());
    let last = of_series.map(|time| time.0);
    let last = last
        .or(event.last_timestamp.as_ref().map(|time| time.0))
        .unwrap_or(first);
    let source = event
        .source
        .as_ref()
        .and_then(|source| source.component.clone());
    Some(RankEvent {
        rank,
        uid: event.metadata.uid.clone()?,
        reason: event.reason.clone().unwrap_or_default(),
        message: event.message.clone().unwrap_or_default(),
        source: source
            .or_else(|| event.reporting_component.clone())
            .unwrap_or_default(),
        count: series
            .and_then(|series| series.count)
            .or(event.count)
            .unwrap_or(1),
        first_at: moment(first)?,
        last_at: moment(last)?,
    })
}

fn moment(time: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(time.as_microsecond())
}

#[cfg(test)]
mod tests {
    use domain::runtime::RankKey;
    use serde_json::{Value, json};

    use super::*;

    fn event(more: Value) -> Event {
        let mut event = json!({
            "metadata": {"uid": "u", "creationTimestamp": "2026-01-02T03:04:05Z"},
            "involvedObject": {"kind": "Pod", "name": "hai-42-3-1"},
            "reason": "BackOff", "message": "Back-off pulling image \"x\"",
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            event[key] = value.clone();
        }
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_kubelet_counts_in_the_event() {
        let told = read(&event(json!({
            "source": {"component": "kubelet", "host": "n1"}, "count": 4,
            "firstTimestamp": "2026-01-02T03:00:00Z", "lastTimestamp": "2026-01-02T03:02:00Z",
        })))
        .unwrap();
        let rank = RankKey {
            task: 42,
            run: 3,
            rank: 1,
        };
        assert_eq!((told.rank, told.count, &*told.source), (rank, 4, "kubelet"));
        assert_eq!((told.last_at - told.first_at).num_seconds(), 120);
    }

    #[test]
    fn a_scheduler_counts_in_a_series() {
        let told = read(&event(json!({
            "reportingComponent": "default-scheduler", "eventTime": "2026-01-02T03:00:00.000000Z",
            "series": {"count": 7, "lastObservedTime": "2026-01-02T03:05:00.000000Z"},
        })))
        .unwrap();
        assert_eq!((told.count, &*told.source), (7, "default-scheduler"));
        assert_eq!((told.last_at - told.first_at).num_seconds(), 300);
        let once = read(&event(json!({}))).unwrap();
        assert_eq!((once.count, once.first_at), (1, once.last_at));
    }

    #[test]
    fn what_is_not_about_a_rank_is_not_kept() {
        for name in ["hai-42-3", "hai-42-3-1-0", "hai-a-3-1", "web-0"] {
            let about = json!({"involvedObject": {"kind": "Pod", "name": name}});
            assert_eq!(read(&event(about)), None, "{name}");
        }
    }
}
