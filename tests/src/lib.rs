//! How we know: the harness of the whole-system tests.
