//! `top`: a live view of the user's tasks, the node groups and the queue.

mod draw;
mod feed;
mod live_view;
mod view;

pub(crate) use live_view::show;
