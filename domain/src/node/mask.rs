//! Names of nodes as guests see them: the same node has the same mask for ever, and no mask tells which node it is.

use std::fmt;

use entity::platform_key;
use rand::Rng;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};
use sha2::{Digest, Sha256};

use super::NodeView;
use crate::app::App;
use crate::auth::{Action, Actor, Target, hex, may};
use crate::error::{Error, Result};
use crate::events::Events;
use crate::run::Pod;
use crate::store::Store;

/// The key in the table.
const KEY: &str = "node_mask";
/// How every mask begins.
const PREFIX: &str = "node-";
/// Bytes of the digest that are shown: enough that no two nodes of a platform meet in one.
const BYTES: usize = 6;

/// What masks are made with.
#[derive(Clone)]
pub struct Masks {
    key: String,
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masks(…)")
    }
}

impl Masks {
    /// Those of a platform; made when it has none.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn load(
        store: &Store,
        now: chrono::DateTime<chrono::Utc>,
        random: &mut impl Rng,
    ) -> Result<Self> {
        let find = || platform_key::Entity::find_by_id(KEY);
        if let Some(row) = find().one(store.reader()).await? {
            return Ok(Self { key: row.value });
        }
        let mut bytes = [0_u8; 32];
        random.fill_bytes(&mut bytes);
        let row = platform_key::ActiveModel {
            name: Set(KEY.to_owned()),
            value: Set(hex(&bytes)),
        };
        // Of servers that start together, the first one's counts.
        let keep_first = OnConflict::column(platform_key::Column::Name)
            .do_nothing()
            .to_owned();
        let tx = store.begin(now, &Events::default()).await?;
        platform_key::Entity::insert(row)
            .on_conflict(keep_first)
            .exec_without_returning(tx.db())
            .await?;
        tx.commit().await?;
        let row = find().one(store.reader()).await?;
        let row = row.ok_or_else(|| Error::internal("the key of masks was not kept"))?;
        Ok(Self { key: row.value })
    }

    /// The mask of a node.
    fn of(&self, node: &str) -> String {
        let mut digest = Sha256::new();
        digest.update(&self.key);
        digest.update(node);
        PREFIX.to_owned() + &hex(&digest.finalize()[..BYTES])
    }
}

/// How somebody sees nodes.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    masks: Option<&'a Masks>,
}

impl<'a> Sight<'a> {
    /// How an actor sees them.
    pub fn of(app: &'a App, actor: &Actor) -> Self {
        let is_clear = may(actor, Action::KnowNodes, Target::Platform);
        Self {
            masks: (!is_clear).then_some(&app.masks),
        }
    }

    /// Whether names are masked.
    pub fn is_masked(self) -> bool {
        self.masks.is_some()
    }

    /// The name of a node.
    pub fn name(self, node: String) -> String {
        match self.masks {
            Some(masks) => masks.of(&node),
            None => node,
        }
    }

    /// A pod with what is said of it.
    pub fn pod(self, pod: Pod) -> Pod {
        if self.masks.is_none() {
            return pod;
        }
        Pod {
            message: pod
                .message
                .as_deref()
                .map(|text| self.text(text, [&*pod.node_name])),
            node_name: self.name(pod.node_name),
            ..pod
        }
    }

    /// A text in which these nodes may be named.
    pub fn text<'n>(self, text: &str, nodes: impl IntoIterator<Item = &'n str>) -> String {
        let Some(masks) = self.masks else {
            return text.to_owned();
        };
        let mut nodes: Vec<&str> = nodes.into_iter().filter(|node| !node.is_empty()).collect();
        // The longest first: `node-1` begins `node-12`.
        nodes.sort_by_key(|node| std::cmp::Reverse(node.len()));
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        'text: while let Some(next) = rest.chars().next() {
            if !masked.ends_with(is_of_name) {
                for node in &nodes {
                    let behind = rest.strip_prefix(node);
                    if let Some(behind) = behind.filter(|it| !goes_on(it)) {
                        masked += &masks.of(node);
                        rest = behind;
                        continue 'text;
                    }
                }
            }
            masked.push(next);
            rest = &rest[next.len_utf8()..];
        }
        masked
    }

    /// A node without what tells which one it is, and who is responsible for it.
    pub(super) fn node(self, mut node: NodeView) -> NodeView {
        if self.masks.is_none() {
            return node;
        }
        let host = &mut node.host;
        host.name = self.name(std::mem::take(&mut host.name));
        host.flags.0.clear();
        for fact in [
            &mut host.room,
            &mut host.spine,
            &mut host.leaf,
            &mut host.disabled_by,
            &mut host.disabled_why,
        ] {
            *fact = None;
        }
        node
    }
}

/// Whether a name goes on with this text: a dot at the end of a sentence does not.
fn goes_on(rest: &str) -> bool {
    let mut rest = rest.chars();
    match rest.next() {
        Some('.') => rest.next().is_some_and(is_of_name),
        Some(next) => is_of_name(next),
        None => false,
    }
}

/// Whether it may be a part of a node's name.
fn is_of_name(char: char) -> bool {
    char.is_alphanumeric() || "-_".contains(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks(key: &str) -> Masks {
        Masks {
            key: key.to_owned(),
        }
    }

    #[test]
    fn a_mask_is_the_same_for_the_same_node_and_platform_only() {
        let (one, other) = (masks("one"), masks("other"));
        assert_eq!(one.of("n1"), masks("one").of("n1"));
        assert_ne!(one.of("n1"), one.of("n2"));
        assert_ne!(one.of("n1"), other.of("n1"));
        assert!(!one.of("secret-name").contains("secret"));
    }

    #[test]
    fn names_in_a_text_are_masked_whole_and_nothing_else_is() {
        let masks = masks("one");
        let sight = Sight {
            masks: Some(&masks),
        };
        let (one, twelve) = (masks.of("node-1"), masks.of("node-12"));
        let nodes = || ["node-1", "node-12"];
        for (text, expected) in [
            ("rank 0 on node-1: lost", format!("rank 0 on {one}: lost")),
            (
                "not on node-12, node-1.",
                format!("not on {twelve}, {one}."),
            ),
            (
                "node-123 and my-node-1",
                "node-123 and my-node-1".to_owned(),
            ),
            ("node-1.example", "node-1.example".to_owned()),
            ("", String::new()),
        ] {
            assert_eq!(sight.text(text, nodes()), expected);
        }
        let clear = Sight { masks: None };
        assert_eq!(clear.text("on node-1", nodes()), "on node-1");
    }
}
