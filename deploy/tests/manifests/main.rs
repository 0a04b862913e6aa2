//! What is committed, as a cluster and an administrator would read it.

mod committed;
mod fit;
mod image;
mod kustomizations;
mod objects;
mod restricted;
mod rights;
