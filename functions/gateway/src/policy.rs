//! The policy's file, read again when it changes.

use std::io;
use std::time::Duration;

use shared::config::{FileOf, PolicyConfig};
use shared::policy::{Policy, Rules};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

/// How long a change may take to be noticed without a signal.
const PERIOD: Duration = Duration::from_secs(5);

/// A policy whose rules lie in a file. Rules that cannot be read change nothing: those in force stay.
#[derive(Debug)]
pub(crate) struct Watch {
    policy: Policy,
    config: PolicyConfig,
    seen: Result<FileOf<Rules>, String>,
    hangup: Signal,
}

impl Watch {
    /// Watches the file of a policy, if it has one. SIGHUP is caught from now on. Needs a runtime.
    pub(crate) fn of(policy: &Policy, config: &PolicyConfig) -> io::Result<Option<Self>> {
        let Some(file) = config.file.clone() else { return Ok(None) };
        let (policy, config) = (policy.clone(), config.clone());
        Ok(Some(Self { policy, config, seen: Ok(file), hangup: signal(SignalKind::hangup())? }))
    }

    /// Looks at the file every few seconds, and when the process is told to. Never ends.
    pub(crate) async fn run(mut self) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = self.hangup.recv() => {}
            }
            self.look();
        }
    }

    /// Puts in force what the file says now. A fault is told once.
    fn look(&mut self) {
        let Some(path) = self.config.file.as_ref().map(|file| &file.path) else { return };
        let found = FileOf::read(path).and_then(|file: FileOf<Rules>| {
            self.config.check(&file.content).map_err(|why| format!("{}, {why}", path.display()))?;
            Ok(file)
        });
        if found == self.seen {
            return;
        }
        match &found {
            Ok(file) => {
                self.policy.replace(file.content.clone());
                tracing::info!(file = %path.display(), "the policy has changed");
            }
            Err(why) => tracing::error!(%why, "the policy cannot be read again: the rules in force stay"),
        }
        self.seen = found;
    }
}

#[cfg(test)]
mod tests {
    use shared::identity::Caller;

    use super::*;

    #[tokio::test]
    async fn a_file_that_changes_is_in_force_and_one_that_breaks_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy.yaml");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write("context_is_admin: role:boss\n");
        let config = PolicyConfig { file: Some(FileOf::read(&path).unwrap()), ..PolicyConfig::default() };
        let policy = config.policy();
        let of_requests = policy.clone();
        let administers = |role: &str| of_requests.is_admin(&Caller::new("p".parse().ok(), None, [role]));
        let mut watch = Watch::of(&policy, &config).unwrap().unwrap();

        watch.look();
        assert!(administers("boss") && !administers("chief"));
        write("context_is_admin: role:chief\n");
        watch.look();
        assert!(administers("chief") && !administers("boss"));
        for broken in ["context_is_admin: role:boss or", "context_is_amdin: role:boss", "- role:boss"] {
            write(broken);
            watch.look();
            assert!(administers("chief") && !administers("boss"), "{broken}");
        }
        std::fs::remove_file(&path).unwrap();
        watch.look();
        assert!(administers("chief"));
        write("context_is_admin: role:boss\n");
        watch.look();
        assert!(administers("boss") && !administers("chief"));
    }

    #[tokio::test]
    async fn without_a_file_there_is_nothing_to_watch() {
        assert!(Watch::of(&Policy::default(), &PolicyConfig::default()).unwrap().is_none());
    }
}
