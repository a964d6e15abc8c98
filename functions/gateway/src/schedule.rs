//! What is done every so often, and at once when somebody asks.

use std::future::Future;
use std::time::Duration;

use shared::ports::Job;
use tokio::sync::mpsc::Receiver;
use tokio::time::{MissedTickBehavior, interval};

/// Does `work` every `period`, beginning now, and whenever a job asks for it. Never ends, and never runs twice at a time.
pub(crate) async fn run<W: Future<Output = ()>>(
    period: Duration,
    mut jobs: Receiver<Job>,
    mut work: impl FnMut() -> W,
) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Some(Job::Reap) = jobs.recv() => {
                // One run does what all of them asked for.
                while let Ok(Job::Reap) = jobs.try_recv() {}
            }
        }
        work().await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::sync::mpsc::channel;
    use tokio::time::{sleep, timeout};

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn count(runs: &Cell<u32>) -> impl Future<Output = ()> {
        runs.set(runs.get() + 1);
        std::future::ready(())
    }

    #[tokio::test(start_paused = true)]
    async fn it_runs_at_once_and_then_every_period() {
        let (_queue, jobs) = channel(1);
        let runs = Cell::new(0);
        let _ = timeout(MINUTE * 5 / 2, run(MINUTE, jobs, || count(&runs))).await;
        assert_eq!(runs.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn many_jobs_are_one_run() {
        let (queue, jobs) = channel(8);
        let runs = Cell::new(0);
        let ask = async {
            sleep(MINUTE / 4).await;
            for _ in 0..5 {
                queue.send(Job::Reap).await.unwrap();
            }
            sleep(MINUTE / 4).await;
        };
        tokio::select! {
            () = run(MINUTE, jobs, || count(&runs)) => {}
            () = ask => {}
        }
        assert_eq!(runs.get(), 2, "the first, and one for all five");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_queue_the_schedule_goes_on() {
        let (queue, jobs) = channel(1);
        drop(queue);
        let runs = Cell::new(0);
        let _ = timeout(MINUTE * 3 / 2, run(MINUTE, jobs, || count(&runs))).await;
        assert_eq!(runs.get(), 2);
    }
}
