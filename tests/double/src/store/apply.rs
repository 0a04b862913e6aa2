//! Who has set which field of an object, and applying what somebody wants of it (server-side apply). Pure.
//!
//! A list is one field: who sets it sets all of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{IDENTITY, Refusal, refusal};

/// Who changes objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Manager {
    pub(crate) name: String,
    /// Whether it says what it wants, and takes back what it does not say any more.
    pub(crate) applies: bool,
}

/// What a manager wants of an object.
#[derive(Debug)]
pub(crate) struct Apply<'a> {
    pub(crate) wanted: &'a Value,
    pub(crate) manager: &'a str,
    /// Whether it takes what others have set.
    pub(crate) force: bool,
}

/// Where a field is.
type Path = Vec<String>;

/// Who has set which field of an object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners(BTreeMap<Path, BTreeSet<Manager>>);

impl Owners {
    /// All of an object is somebody's.
    pub(super) fn of_all(object: &Value, manager: &Manager) -> Self {
        let all = fields(object).into_keys();
        Self(all.map(|path| (path, [manager.clone()].into())).collect())
    }

    /// What is not as it was is somebody's.
    pub(super) fn take(&mut self, before: &Value, after: &Value, manager: &Manager) {
        let (before, after) = (fields(before), fields(after));
        self.0.retain(|path, _| after.contains_key(path));
        for (path, value) in after {
            if before.get(&path) != Some(&value) {
                self.0.insert(path, [manager.clone()].into());
            }
        }
    }
}

impl Apply<'_> {
    pub(super) fn manager(&self) -> Manager {
        Manager {
            name: self.manager.to_owned(),
            applies: true,
        }
    }

    /// The object as it is wanted, with what others have set.
    pub(super) fn to(&self, before: &Value, owners: &mut Owners) -> Result<Value, Refusal> {
        let (me, wanted, there) = (self.manager(), fields(self.wanted), fields(before));
        let others = |path: &Path, owners: &Owners| {
            let all = owners.0.get(path).into_iter().flatten();
            let others = all.filter(|it| **it != me).map(|it| it.name.clone());
            others.collect::<Vec<_>>()
        };
        let changed = wanted
            .iter()
            .filter(|(path, value)| there.get(*path) != Some(value));
        let conflicts: Vec<String> = changed
            .flat_map(|(path, _)| {
                let others = others(path, owners).into_iter();
                others.map(move |other| format!("conflict with \"{other}\": .{}", path.join(".")))
            })
            .collect();
        if !conflicts.is_empty() && !self.force {
            let n = conflicts.len();
            let plural = if n == 1 { "" } else { "s" };
            let message = format!(
                "Apply failed with {n} conflict{plural}: {}",
                conflicts.join(", ")
            );
            return Err(refusal(409, "Conflict", message));
        }
        let mut object = before.clone();
        // What it wanted earlier, and does not any more, and nobody else has set.
        let mut left = Vec::new();
        for (path, managers) in &mut owners.0 {
            if !wanted.contains_key(path) && managers.remove(&me) && managers.is_empty() {
                left.push(path.clone());
            }
        }
        for path in &left {
            owners.0.remove(path);
            remove(&mut object, path);
        }
        for (path, value) in wanted {
            let managers = owners.0.entry(path.clone()).or_default();
            if there.get(&path) != Some(&value) {
                managers.clear();
            }
            managers.insert(me.clone());
            set(&mut object, &path, value);
        }
        Ok(object)
    }
}

/// The fields of an object that somebody may own, with what is in them.
fn fields(object: &Value) -> BTreeMap<Path, Value> {
    let mut all = BTreeMap::new();
    collect(object, &mut Vec::new(), &mut all);
    all.retain(|path, _| {
        let is_identity = path.len() >= 2
            && path[0] == "metadata"
            && (IDENTITY.contains(&path[1].as_str()) || path[1] == "generation");
        !is_identity && !["apiVersion", "kind", "status"].contains(&path[0].as_str())
    });
    all
}

fn collect(value: &Value, path: &mut Path, all: &mut BTreeMap<Path, Value>) {
    match value.as_object() {
        Some(parts) if !parts.is_empty() => {
            for (name, part) in parts {
                path.push(name.clone());
                collect(part, path, all);
                path.pop();
            }
        }
        _ if path.is_empty() || value.is_null() => {}
        _ => {
            all.insert(path.clone(), value.clone());
        }
    }
}

fn set(object: &mut Value, path: &[String], value: Value) {
    let mut place = object;
    for name in path {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[name.as_str()];
    }
    // An object that is wanted empty may have what others want in it.
    if !(value == json!({}) && place.is_object()) {
        *place = value;
    }
}

/// Removes a field, and what is empty without it.
fn remove(object: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    let Some(parts) = object.as_object_mut() else {
        return;
    };
    match rest.is_empty() {
        true => {
            parts.remove(first);
        }
        false => {
            let Some(part) = parts.get_mut(first) else {
                return;
            };
            remove(part, rest);
            if *part == json!({}) {
                parts.remove(first);
            }
        }
    }
}

/// Merges a patch (RFC 7386).
pub(super) fn merge(into: &mut Value, patch: &Value) {
    let Some(parts) = patch.as_object() else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (name, part) in parts {
        if part.is_null() {
            if let Some(object) = into.as_object_mut() {
                object.remove(name);
            }
        } else {
            merge(&mut into[name], part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(
        object: &Value,
        owners: &mut Owners,
        manager: &str,
        force: bool,
        wanted: Value,
    ) -> Result<Value, Refusal> {
        let wanted = &wanted;
        let apply = Apply {
            wanted,
            manager,
            force,
        };
        apply.to(object, owners)
    }

    #[test]
    fn what_somebody_does_not_say_any_more_goes_and_what_others_have_set_stays() {
        let manager = Manager {
            name: "hand".to_owned(),
            applies: false,
        };
        let object = json!({"data": {"a": "1"}});
        let mut owners = Owners::of_all(&object, &manager);
        let more = json!({"data": {"b": "2", "c": "3"}, "metadata": {"labels": {"x": "y"}}});
        let object = apply(&object, &mut owners, "us", false, more).unwrap();
        assert_eq!(object["data"], json!({"a": "1", "b": "2", "c": "3"}));
        let less = json!({"data": {"c": "3"}});
        let object = apply(&object, &mut owners, "us", false, less).unwrap();
        assert_eq!(object, json!({"data": {"a": "1", "c": "3"}}));
    }

    #[test]
    fn what_others_have_set_otherwise_is_a_conflict_unless_it_is_forced() {
        let object = json!({});
        let mut owners = Owners::default();
        let one = || json!({"data": {"a": "1"}});
        let two = || json!({"data": {"a": "2"}});
        let object = apply(&object, &mut owners, "us", false, one()).unwrap();
        let same = apply(&object, &mut owners, "them", false, one()).unwrap();
        assert_eq!(same, object, "both want it");
        let refused = apply(&object, &mut owners, "them", false, two()).unwrap_err();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (
                409,
                "Apply failed with 1 conflict: conflict with \"us\": .data.a"
            )
        );
        let object = apply(&object, &mut owners, "them", true, two()).unwrap();
        assert_eq!(object, two());
        let object = apply(&object, &mut owners, "us", false, json!({})).unwrap();
        assert_eq!(object, two(), "it is theirs now");
    }

    #[test]
    fn what_is_changed_by_hand_is_taken_from_who_applied_it() {
        let object = json!({});
        let mut owners = Owners::default();
        let one = json!({"data": {"a": "1"}});
        let object = apply(&object, &mut owners, "us", false, one.clone()).unwrap();
        let changed = json!({"data": {"a": "3"}});
        let hand = Manager {
            name: "hand".to_owned(),
            applies: false,
        };
        owners.take(&object, &changed, &hand);
        assert_eq!(
            apply(&changed, &mut owners, "us", false, one)
                .unwrap_err()
                .code,
            409
        );
    }
}
