//! What goes out on users' behalf: the contract of who fetches, and the attacks that were made on image services by URLs, each with
//! its refusal. A web server in this process answers them, as ill as servers do.

// Its helpers are tests too, and may panic as tests do.
#![cfg(test)]

mod attacks;
mod going_on;
mod names;
mod remake;
mod store;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use names::Names;
use shared::adapters::egress::{Egress, EgressSettings};
use shared::contract::fetch::Site;
use shared::egress::{Choice, Rules};
use shared::ports::{Fetch, FetchError, FetchRequest, Fetched};
use tests::engines::origin::{Origin, bytes};

/// Where the servers of tests are: `127.0.0.1`, at any port.
fn here() -> Rules {
    Rules { ports: Choice::default(), networks: "127.0.0.1".parse().unwrap(), ..Rules::default() }
}

fn settings(rules: Rules) -> EgressSettings {
    EgressSettings {
        rules,
        ca_file: None,
        connect: Duration::from_secs(30),
        idle: Duration::from_secs(30),
        whole: Duration::from_mins(1),
    }
}

/// A fetcher by rules, who looks names up with those.
fn egress(rules: Rules, names: &Names) -> Egress {
    Egress::resolving(&settings(rules), Arc::new(names.clone())).unwrap()
}

/// Asks for all there is at a URL.
async fn open(fetch: &dyn Fetch, url: &str) -> Result<Fetched, FetchError> {
    fetch.open(FetchRequest::whole(fetch.check(url)?)).await
}

/// Why there is nothing.
async fn refused(fetch: &dyn Fetch, url: &str) -> String {
    open(fetch, url).await.unwrap_err().to_string()
}

async fn fresh() -> (Egress, Origin, Site) {
    waiting(Duration::from_secs(30)).await
}

async fn impatient() -> (Egress, Origin, Site) {
    waiting(Duration::from_millis(100)).await
}

async fn waiting(idle: Duration) -> (Egress, Origin, Site) {
    let origin = Origin::start().await;
    let site = Site { base: origin.url(""), bytes: bytes() };
    (Egress::new(&EgressSettings { idle, ..settings(here()) }).unwrap(), origin, site)
}

shared::fetch_contract!(fresh, impatient);
