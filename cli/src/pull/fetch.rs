//! Reading ranges of an image's data, wherever the service sends one for it; the token goes to the service alone.

use std::io;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_RANGE, LOCATION, RANGE};
use http::{HeaderMap, Response, StatusCode, Uri};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use super::find::Found;
use crate::Failure;
use crate::cloud::{Api, CloudError, is_passing, value};
use crate::http::{causes, collect, host, said};
use crate::patience::hint;

/// Reads one image's data.
#[derive(Clone, Debug)]
pub(super) struct Fetch<'a> {
    api: &'a Api,
    path: String,
    size: u64,
}

/// Why a range did not come, or not all of it.
enum Miss {
    /// It may the next time, after as long as the service asks for.
    Passing(String, Option<Duration>),
    /// It never will.
    Never(Failure),
}

/// For so long nothing may come.
const SILENCE: Duration = Duration::from_mins(1);

/// So often may one be sent on.
const MOST_REDIRECTS: usize = 5;

impl<'a> Fetch<'a> {
    /// Of an image that has data.
    pub(super) fn of(api: &'a Api, image: &Found) -> Result<Self, Failure> {
        let status = image.record.get("status").and_then(Value::as_str).unwrap_or_default();
        let size = image.record.get("size").and_then(Value::as_u64);
        match (status, size) {
            // Of a deactivated one, the service says who may.
            ("active" | "deactivated", Some(size)) => {
                Ok(Self { api, path: format!("/v2/images/{}/file", image.id), size })
            }
            _ => Err(Failure::Run(format!("image {} is {status}: there is no data to pull", image.id))),
        }
    }

    /// Bytes of the whole.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Reads a range in order, piece by piece with the offset of each: on from where it stopped when the line breaks. A try counts from the
    /// last byte that came.
    pub(super) async fn range(
        &self,
        range: Range<u64>,
        mut take: impl FnMut(u64, &[u8]) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let (mut at, mut failed) = (range.start, 0);
        while at < range.end {
            let before = at;
            let (why, hint) = match self.once(&mut at, range.end, &mut take).await {
                Ok(()) => continue,
                Err(Miss::Never(failure)) => return Err(failure),
                Err(Miss::Passing(why, hint)) => (why, hint),
            };
            failed = if at > before { 1 } else { failed + 1 };
            match self.api.patience().pause(failed, hint) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => {
                    return Err(Failure::Run(format!(
                        "the data does not come, {failed} times; at last: {why}"
                    )));
                }
            }
        }
        Ok(())
    }

    async fn once(
        &self,
        at: &mut u64,
        end: u64,
        take: &mut impl FnMut(u64, &[u8]) -> io::Result<()>,
    ) -> Result<(), Miss> {
        let answer = self.open(*at..end).await?;
        // From its beginning, where the service or a cache before it knows no ranges.
        let mut next = if answer.status() == StatusCode::OK { 0 } else { *at };
        let mut body = answer.into_body();
        while *at < end {
            let frame = tokio::time::timeout(SILENCE, body.frame()).await;
            let passing = |why: String| Miss::Passing(why, None);
            let frame = frame.map_err(|_| passing("nothing came for a minute".to_owned()))?;
            let frame = frame.ok_or_else(|| passing("the data ended early".to_owned()))?;
            let frame = frame.map_err(|error| passing(causes(&error)))?;
            let Ok(piece) = frame.into_data() else { continue };
            let piece = wanted(&piece, &mut next, *at, end);
            take(*at, &piece).map_err(|error| Miss::Never(Failure::run(&error)))?;
            *at += piece.len() as u64;
        }
        Ok(())
    }

    /// Asks for a range, and follows where it is sent on.
    async fn open(&self, range: Range<u64>) -> Result<Response<Incoming>, Miss> {
        let bytes = value(&format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        let headers =
            HeaderMap::from_iter([(RANGE, bytes), (ACCEPT, value("application/octet-stream, */*"))]);
        let service: Uri = format!("{}{}", self.api.base(), self.path).parse().unwrap_or_default();
        let mut here = service.clone();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.api.fetch(&here, &headers).await.map_err(|error| match error {
                CloudError::Broken(broken) => Miss::Passing(broken.to_string(), None),
                error => Miss::Never(error.into()),
            })?;
            if !answer.status().is_redirection() {
                return check(answer, &here, here == service, &range).await;
            }
            let location = answer.headers().get(LOCATION).and_then(|location| location.to_str().ok());
            let target = location.ok_or("nowhere").and_then(|location| resolve(&here, location));
            here = target.map_err(|why| {
                Miss::Never(Failure::Run(format!("{} sends the download {why}", host(&here))))
            })?;
        }
        Err(Miss::Never(Failure::Run(format!("{} sends the download on and on", host(&service)))))
    }
}

/// Where a `Location` leads. Never from TLS to none.
fn resolve(here: &Uri, location: &str) -> Result<Uri, &'static str> {
    let absolute = match location.strip_prefix("//") {
        Some(rest) => format!("{}://{rest}", here.scheme_str().unwrap_or("http")),
        None if location.starts_with('/') => format!("{}{location}", host(here)),
        None => location.to_owned(),
    };
    let target: Uri = absolute.parse().map_err(|_| "to what is no URL")?;
    match (here.scheme_str(), target.scheme_str()) {
        _ if target.host().is_none() => Err("to what is no URL"),
        (Some("https"), Some("http")) => Err("to where no TLS is spoken"),
        (_, Some("http" | "https")) => Ok(target),
        _ => Err("to what is no URL of HTTP"),
    }
}

/// Whether an answer is the range that was asked for.
async fn check(
    answer: Response<Incoming>,
    here: &Uri,
    is_service: bool,
    range: &Range<u64>,
) -> Result<Response<Incoming>, Miss> {
    let (status, hint, host) = (answer.status(), hint(answer.headers()), host(here));
    match status {
        StatusCode::OK => return Ok(answer),
        StatusCode::PARTIAL_CONTENT => {
            let begins = answer.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
            let begins =
                begins.and_then(|text| text.strip_prefix("bytes ")?.split_once('-')?.0.parse::<u64>().ok());
            if begins == Some(range.start) {
                return Ok(answer);
            }
            let text = format!("{host} answers with another range than {} to {}", range.start, range.end);
            return Err(Miss::Never(Failure::Run(text)));
        }
        _ => {}
    }
    let body = collect(&host, answer.into_body()).await.unwrap_or_default();
    let text = format!("{host}: {status}: {}", said(&body));
    // A URL that one was sent on to may have expired meanwhile: the service has another.
    if is_passing(status) || !is_service {
        Err(Miss::Passing(text, hint))
    } else if status == StatusCode::UNAUTHORIZED {
        Err(Miss::Never(Failure::Run(format!("{text}: name a cloud with --os-cloud, or set OS_* variables"))))
    } else {
        Err(Miss::Never(Failure::Run(text)))
    }
}

/// What of a piece is wanted, `next` being where it begins.
fn wanted(piece: &Bytes, next: &mut u64, at: u64, end: u64) -> Bytes {
    let start = *next;
    *next += piece.len() as u64;
    let within = |offset: u64| {
        usize::try_from(offset.saturating_sub(start)).map_or(piece.len(), |at| at.min(piece.len()))
    };
    piece.slice(within(at)..within(end).max(within(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_leads_where_it_says_but_not_out_of_tls() {
        let here: Uri = "https://images:9292/v2/images/x/file".parse().unwrap();
        for (location, target) in [
            ("https://bucket/x?y=1", Ok("https://bucket/x?y=1")),
            ("/elsewhere", Ok("https://images:9292/elsewhere")),
            ("//bucket/x", Ok("https://bucket/x")),
            ("http://bucket/x", Err("to where no TLS is spoken")),
            ("file:///etc/passwd", Err("to what is no URL")),
            ("ftp://bucket/x", Err("to what is no URL of HTTP")),
            ("x y", Err("to what is no URL")),
        ] {
            assert_eq!(
                resolve(&here, location).map(|uri| uri.to_string()),
                target.map(str::to_owned),
                "{location}"
            );
        }
    }

    #[test]
    fn of_more_than_was_asked_for_the_range_is_taken() {
        let mut next = 0;
        let pieces = ["abcd", "efgh", "ijkl", "mnop"]
            .map(|piece| wanted(&Bytes::from_static(piece.as_bytes()), &mut next, 5, 10));
        // What was taken is not taken into account here: `at` moves on with it.
        assert_eq!(pieces.map(|piece| String::from_utf8(piece.to_vec()).unwrap()), ["", "fgh", "ij", ""]);
    }
}
