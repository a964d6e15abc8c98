//! `glint push` and `glint pull` as people run them: the built program, killed and refused and sent astray.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a harness fails by panicking, as tests do"
)]

mod accounts;
mod cloud;
mod pull;
mod push;
