//! Whole-system tests: one file per behaviour, one binary.

mod architecture;
mod bad_input;
mod command_line;
mod kill;
mod recording;
mod restart;
mod start_up;
mod stop;
mod story;
mod suspend;
mod training;
