//! Temporary.
fn main() { print!("{}", api::sdl()); }
