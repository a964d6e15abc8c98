//! What is done every so often, and at once when somebody asks; and imports, some side by side.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use shared::image::Location;
use shared::operations::Importer;
use shared::ports::Job;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

/// Does `work` every `period`, beginning now, and whenever a job asks for it, never twice at a time; `import` is told of imports.
/// Never ends.
pub(crate) async fn run<W: Future<Output = ()>>(
    period: Duration,
    mut jobs: Receiver<Job>,
    mut work: impl FnMut() -> W,
    mut import: impl FnMut(Location),
) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked = false;
    let mut is_open = true;
    loop {
        if asked {
            // One run does what all have asked for until now; what comes while it lasts is seen to then.
            asked = false;
            let mut working = std::pin::pin!(work());
            loop {
                tokio::select! {
                    () = &mut working => break,
                    job = jobs.recv(), if is_open => match job {
                        Some(Job::Reap) => asked = true,
                        Some(Job::Import(location)) => import(location),
                        None => is_open = false,
                    },
                }
            }
            continue;
        }
        tokio::select! {
            _ = ticks.tick() => asked = true,
            job = jobs.recv(), if is_open => match job {
                Some(Job::Reap) => {
                    asked = true;
                    // Of many that have come together one run is enough.
                    tokio::task::yield_now().await;
                    while let Ok(job) = jobs.try_recv() {
                        if let Job::Import(location) = job {
                            import(location);
                        }
                    }
                }
                Some(Job::Import(location)) => import(location),
                None => is_open = false,
            },
        }
    }
}

/// The imports that this process works on. Dropped, it leaves them to their leases.
#[derive(Debug)]
pub(crate) struct Importing {
    importer: Importer,
    permits: Arc<Semaphore>,
    running: JoinSet<()>,
}

impl Importing {
    pub(crate) fn new(importer: Importer, workers: usize) -> Self {
        Self { importer, permits: Arc::new(Semaphore::new(workers.max(1))), running: JoinSet::new() }
    }

    /// Begins with an object, as soon as a worker is free.
    pub(crate) fn begin(&mut self, location: Location) {
        while self.running.try_join_next().is_some() {}
        let (importer, permits) = (self.importer.clone(), Arc::clone(&self.permits));
        self.running.spawn(async move {
            // Nobody closes it.
            let _permit = permits.acquire_owned().await;
            importer::handle(&importer, &location, None).await;
        });
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
        let _ = timeout(MINUTE * 5 / 2, run(MINUTE, jobs, || count(&runs), |_| {})).await;
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
            () = run(MINUTE, jobs, || count(&runs), |_| {}) => {}
            () = ask => {}
        }
        assert_eq!(runs.get(), 2, "the first, and one for all five");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_queue_the_schedule_goes_on() {
        let (queue, jobs) = channel(1);
        drop(queue);
        let runs = Cell::new(0);
        let _ = timeout(MINUTE * 3 / 2, run(MINUTE, jobs, || count(&runs), |_| {})).await;
        assert_eq!(runs.get(), 2);
    }
}
