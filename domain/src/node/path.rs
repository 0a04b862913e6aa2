//! Dotted paths of node groups: `meta.training` is the group `training` below `meta`.

/// The name of the group: the last part of its path.
pub(super) fn last_part(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(_, last)| last)
}

/// The path of the group above, if there is one.
pub(super) fn above(path: &str) -> Option<&str> {
    path.rsplit_once('.').map(|(above, _)| above)
}
