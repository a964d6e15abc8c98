//! Waiting until a session's bytes are an image's.

use std::time::Duration;

use http::StatusCode;

use super::session::Address;
use crate::Failure;
use crate::cloud::Api;
use crate::progress::Bar;

/// What became of a session that was completed.
#[derive(Debug)]
pub(super) enum Completed {
    /// The image has its data.
    Active,
    /// The service does not take it, for this reason.
    Refused(String),
    /// Parts are missing, says the service.
    Missing(String),
}

/// How long to wait before the session is asked for again: at first, and at most.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

/// Says that all parts are there, and waits until they were made an object, hashed and looked at. It may take as long as reading
/// them takes the service; the bar shows how far that is.
pub(super) async fn complete(api: &Api, address: &Address, bar: &Bar) -> Result<Completed, Failure> {
    let mut asked = address.complete(api).await;
    let mut pause = PAUSE;
    loop {
        let session = match asked {
            Ok(session) => session,
            Err(error) => {
                return match error.status() {
                    Some(StatusCode::CONFLICT) => Ok(Completed::Missing(error.text())),
                    Some(StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE) => {
                        Ok(Completed::Refused(error.text()))
                    }
                    Some(StatusCode::GONE | StatusCode::NOT_FOUND) => Ok(Completed::Refused(format!(
                        "the image was deleted, or the session given up: {}",
                        error.text()
                    ))),
                    _ => Err(error.into()),
                };
            }
        };
        match session.status.as_str() {
            "complete" => return Ok(Completed::Active),
            "failed" => return Ok(Completed::Refused(session.message.unwrap_or_default())),
            "open" => return Ok(Completed::Missing("parts that had arrived are gone".to_owned())),
            _ => {}
        }
        bar.at(session.hashed.unwrap_or_default());
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
        asked = address.status(api).await;
    }
}
