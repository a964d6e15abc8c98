//! Work that is asked for, and the other processes that do what is due.

use std::sync::{Arc, Mutex};

use shared::adapters::in_process::{LocalEvents, LocalQueue};
use shared::catalog::Catalog;
use shared::format::Rules;
use shared::operations::{Importer, ImporterPorts, Reaper, Stores};
use shared::ports::{Clock, Ids, Job, Queue};
use tokio::sync::mpsc::Receiver;

use super::settings::{INTAKE, LEASE, SESSION_LIFE, completion, importer_settings, registrar};
use crate::fixtures::{CountingIds, TestClock};
use crate::probe::{Probe, ProbedQueue};
use crate::regions::TestRegions;
use crate::web::TestWeb;

/// Nobody who is told of jobs.
pub fn no_queue() -> Arc<dyn Queue> {
    Arc::new(LocalQueue::new(1).0)
}

/// Work that was asked for.
pub(super) type Jobs = Arc<Mutex<Receiver<Job>>>;

/// A queue under a probe, and the work that is asked for by it.
pub(super) fn queue(probe: &Probe) -> (Arc<dyn Queue>, Jobs) {
    let (queue, jobs) = LocalQueue::new(64);
    let queue = ProbedQueue { queue: Arc::new(queue), probe: probe.clone() };
    (Arc::new(queue), Arc::new(Mutex::new(jobs)))
}

/// Does the first import that was asked for; whether there was one.
pub(super) async fn import_one(importer: &Importer, jobs: &Jobs) -> bool {
    loop {
        let job = jobs.lock().unwrap().try_recv();
        match job {
            Ok(Job::Import(location)) => {
                importer::handle(importer, &location, None).await;
                return true;
            }
            Ok(Job::Reap) => {}
            Err(_) => return false,
        }
    }
}

/// Another process: its reaper and its importer, and the time, which is everybody's.
#[derive(Clone, Debug)]
pub struct Others {
    reaper: Reaper,
    importer: Importer,
    jobs: Jobs,
    clock: Arc<TestClock>,
}

/// The others over a catalog and its stores, with nothing to be fetched.
pub fn others(catalog: Catalog, stores: Stores, clock: Arc<TestClock>, rules: Rules) -> Others {
    let around = (Arc::new(CountingIds::default()) as _, TestWeb::default(), TestRegions::default());
    others_on(catalog, stores, clock, rules, around)
}

pub(super) fn others_on(
    catalog: Catalog,
    stores: Stores,
    clock: Arc<TestClock>,
    rules: Rules,
    (ids, web, regions): (Arc<dyn Ids>, TestWeb, TestRegions),
) -> Others {
    let now: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
    let (queue, jobs) = queue(&Probe::default());
    let ports = ImporterPorts {
        fetch: Arc::new(web),
        clock: Arc::clone(&now),
        ids,
        events: Arc::new(LocalEvents::new(16)),
        queue: Arc::clone(&queue),
        abroad: Some(regions.ports()),
    };
    let settings = importer_settings(INTAKE, rules.clone());
    let registrar = registrar(catalog.clone(), stores.clone(), Arc::clone(&now), rules.clone());
    let importer = Importer::new(catalog.clone(), stores.clone(), ports, settings);
    let reaper = Reaper::new(completion(catalog, stores, now, rules), queue).registering(registrar);
    Others { reaper, importer, jobs, clock }
}

/// What happens while a process stands still: every lease ends, then every session, and each time the others do what is due.
pub async fn time_passes(others: Others) {
    for time in [LEASE * 2, SESSION_LIFE * 2] {
        others.clock.advance(time);
        others.reaper.run().await.unwrap();
        while import_one(&others.importer, &others.jobs).await {}
    }
}
