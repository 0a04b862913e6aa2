//! Which objects are meant.

use serde_json::{Value, json};

use super::{Refusal, refusal};

/// The fields by which objects can be selected.
const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "spec.nodeName",
    "status.phase",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.kind",
    "reason",
    "type",
];

/// Labels and fields that objects must have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: Vec<(String, String)>,
    fields: Vec<(String, String)>,
}

impl Selector {
    /// `name=value,…`, the only form that we send.
    pub(crate) fn parse(labels: &str, fields: &str) -> Result<Self, Refusal> {
        let (labels, fields) = (pairs(labels)?, pairs(fields)?);
        match fields
            .iter()
            .find(|(name, _)| !FIELDS.contains(&name.as_str()))
        {
            None => Ok(Self { labels, fields }),
            Some((name, _)) => Err(unknown(name)),
        }
    }

    pub(crate) fn holds(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let field = |path: &str| path.split('.').fold(object, |value, name| &value[name]);
        let has_labels = { self.labels.iter() }.all(|(name, value)| labels[name] == json!(value));
        has_labels && { self.fields.iter() }.all(|(path, value)| *field(path) == json!(value))
    }

    /// The one name that it allows, if it does.
    pub(crate) fn name(&self) -> Option<&str> {
        let mut fields = self.fields.iter();
        let name = fields.find(|(path, _)| path == "metadata.name");
        name.map(|(_, value)| value.as_str())
    }
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    let pairs = parts.map(|part| {
        let pair = part.split_once('=');
        let pair = pair.filter(|(name, _)| !name.ends_with('!'));
        let pair =
            pair.map(|(name, value)| (name.to_owned(), value.trim_start_matches('=').to_owned()));
        pair.ok_or_else(|| unknown(part))
    });
    pairs.collect()
}

fn unknown(part: &str) -> Refusal {
    let message = format!("a selector that is not known here: {part}");
    refusal(400, "BadRequest", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_selected_by_labels_and_by_few_fields() {
        let object =
            json!({"metadata": {"name": "a", "labels": {"x": "1"}}, "spec": {"nodeName": "n"}});
        for (labels, fields, holds) in [
            ("", "", true),
            ("x=1", "", true),
            ("x==1", "spec.nodeName=n,metadata.name=a", true),
            ("x=2", "", false),
            ("", "metadata.name=b", false),
        ] {
            assert_eq!(
                Selector::parse(labels, fields).unwrap().holds(&object),
                holds
            );
        }
        for (labels, fields) in [("x!=1", ""), ("x", ""), ("", "spec.hostname=a")] {
            assert_eq!(Selector::parse(labels, fields).unwrap_err().code, 400);
        }
    }
}
