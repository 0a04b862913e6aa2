//! Items of a log as lines of text: stamps, progress bars, pictures, holes.

mod printer;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use printer::LogPrinter;
pub(super) use text::stamp;
