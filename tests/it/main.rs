//! Whole-system tests: one file per behaviour, one binary.

mod administration;
mod architecture;
mod backup;
mod bad_input;
mod command_line;
mod doctor;
mod import;
mod json;
mod kill;
mod postgres;
mod recording;
mod relay;
mod replicas;
mod restart;
mod rolling;
mod secrets;
mod shutdown;
mod start_up;
mod stop;
mod story;
mod suspend;
mod tls;
mod training;
