//! `glint push` and `glint pull` as people run them: the built program, killed and refused and sent astray.

mod accounts;
mod cloud;
mod pull;
mod push;
