//! The API as clients meet it: requests through the router of every function, as callers by role; status, headers and
//! body against snapshots.

#![cfg(test)]

use std::fmt::{self, Write as _};

use tests::request::Answer;

/// What several requests were answered, a line each.
#[derive(Debug, Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, what: impl fmt::Display, said: impl fmt::Display) {
        let what = what.to_string();
        let what = match what.chars().count() {
            length @ 91.. => format!("{}… ({length})", what.chars().take(70).collect::<String>()),
            _ => what,
        };
        writeln!(self.0, "{what} → {said}").unwrap();
    }

    fn answer(&mut self, what: impl fmt::Display, answer: &Answer) {
        self.add(what, answer.line());
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

mod abroad;
mod accepted;
mod actions;
mod attacks;
mod cors;
mod create;
mod delete;
mod download;
mod errors;
mod formats;
mod import;
mod info;
mod list;
mod locations;
mod matrix;
mod members;
mod octets;
mod openapi;
mod pages;
mod protections;
mod quotas;
mod redirects;
mod relocations;
mod routes;
mod rules;
mod schemas;
mod sessions;
mod show;
mod signatures;
mod stage;
mod stores;
mod tags;
mod tasks;
mod transfers;
mod update;
mod upload;
mod vector;
mod versions;
mod visibility;
