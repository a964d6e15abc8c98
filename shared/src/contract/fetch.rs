//! What every [`Fetch`] does. Each case takes one, and a server whose sources answer as their paths say.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a suite fails by panicking, as tests do")]

use futures_util::StreamExt as _;
use futures_util::future::join_all;

use crate::ports::{Fetch, FetchError, FetchRequest, FetchStream, Fetched, Span, Validator};

/// A server that has the same bytes at every path, but for `/empty`:
///
/// | Path | How it answers |
/// | --- | --- |
/// | `/data` | as it should, with an entity tag |
/// | `/dated` | with a weak tag and the time of its last change |
/// | `/rangeless` | with all of it, whatever range is asked for |
/// | `/chunked`, `/until-close` | without its length, and never by ranges |
/// | `/empty` | with no byte |
/// | `/short`, `/broken` | with its length and the first half; then the connection ends, or breaks |
/// | `/long`, `/long-part` | with more bytes than its length, or its range, says |
/// | `/elsewhere` | with another range than was asked for |
/// | `/stalled`, `/silent` | with the first half, or nothing, and then nothing |
/// | `/gzip`, `/transfer-gzip`, `/two-lengths`, `/no-http`, `/endless-head` | with what is no plain answer |
/// | `/status/<number>` | with a status |
#[derive(Clone, Debug)]
pub struct Site {
    /// What goes before each path.
    pub base: String,
    /// What is there, a hundred bytes and more.
    pub bytes: Vec<u8>,
}

impl Site {
    fn all(&self, fetch: &dyn Fetch, path: &str) -> FetchRequest {
        FetchRequest::whole(fetch.check(&format!("{}{path}", self.base)).unwrap())
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// Runs every case of the suite as a test of its own. Takes an async function that answers a fetcher, whatever has to live as long,
/// and a [`Site`]; and another, whose fetcher waits for a tenth of a second and no longer.
#[macro_export]
macro_rules! fetch_contract {
    ($fresh:path, $impatient:path) => {
        $crate::fetch_contract! { @each $impatient:
            a_silent_source_is_given_up
        }
        $crate::fetch_contract! { @each $fresh:
            a_source_is_fetched_to_the_byte_and_tells_of_itself
            a_source_is_fetched_from_any_byte_to_any_other
            behind_the_last_byte_there_is_nothing
            a_source_that_tells_no_length_is_fetched_to_its_end
            a_source_without_ranges_is_read_from_its_first_byte_alone
            a_source_that_has_changed_is_not_gone_on_with
            a_stream_never_ends_short
            a_source_that_brings_more_than_it_tells_is_refused
            a_part_that_was_not_asked_for_is_refused
            no_more_is_fetched_than_may_be
            what_is_not_there_says_its_status
            what_is_ill_may_be_asked_again
            what_is_no_plain_answer_is_refused
            the_size_is_told_without_the_data
            a_dropped_stream_leaves_the_fetcher_usable
            sources_are_fetched_side_by_side
        }
    };
    (@each $fresh:path: $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (fetch, _site, site) = $fresh().await;
                $crate::contract::fetch::$case(&fetch, &site).await;
            }
        )*
    };
}

/// What came, and how it ended.
pub async fn drained(mut body: FetchStream) -> (Vec<u8>, Result<(), FetchError>) {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(error) => return (bytes, Err(error)),
        }
    }
    (bytes, Ok(()))
}

async fn read(fetch: &dyn Fetch, request: FetchRequest) -> (Fetched, Vec<u8>) {
    let mut fetched = fetch.open(request).await.unwrap();
    let body = std::mem::replace(&mut fetched.body, Box::pin(futures_util::stream::empty()));
    let (bytes, ended) = drained(body).await;
    ended.unwrap();
    (fetched, bytes)
}

/// Wherever it fails, at the head or in the stream; and what came before.
async fn failed(fetch: &dyn Fetch, request: FetchRequest) -> (Vec<u8>, FetchError) {
    match fetch.open(request).await {
        Err(error) => (Vec::new(), error),
        Ok(fetched) => {
            let (bytes, ended) = drained(fetched.body).await;
            (bytes, ended.unwrap_err())
        }
    }
}

/// With its size, its validator, and whether it takes ranges.
pub async fn a_source_is_fetched_to_the_byte_and_tells_of_itself(fetch: &dyn Fetch, site: &Site) {
    for (path, is_tagged) in [("/data", true), ("/dated", false)] {
        let (fetched, bytes) = read(fetch, site.all(fetch, path)).await;
        assert_eq!(bytes, site.bytes, "{path}");
        assert_eq!((fetched.size, fetched.takes_ranges), (Some(site.len()), true), "{path}");
        assert_eq!(fetched.validator.unwrap().is_tag(), is_tagged, "{path}");
    }
}

/// Asked once more by what it was known by, too.
pub async fn a_source_is_fetched_from_any_byte_to_any_other(fetch: &dyn Fetch, site: &Site) {
    for path in ["/data", "/dated"] {
        let validator = fetch.open(site.all(fetch, path)).await.unwrap().validator;
        let len = site.len();
        for (from, end) in
            [(1, None), (len - 1, None), (0, Some(1)), (0, Some(len)), (7, Some(50)), (7, Some(len + 9))]
        {
            let request = FetchRequest { from, end, validator: validator.clone(), ..site.all(fetch, path) };
            let (fetched, bytes) = read(fetch, request).await;
            let end = usize::try_from(end.unwrap_or(len).min(len)).unwrap();
            assert_eq!(bytes, site.bytes[usize::try_from(from).unwrap()..end], "{path} {from} {end}");
            assert_eq!((fetched.size, fetched.takes_ranges), (Some(len), true), "{path}");
            assert!(fetched.validator.is_none() || fetched.validator == validator, "{path}");
        }
    }
}

/// To go on at the end is to be done.
pub async fn behind_the_last_byte_there_is_nothing(fetch: &dyn Fetch, site: &Site) {
    let request = FetchRequest { from: site.len(), ..site.all(fetch, "/data") };
    let (fetched, bytes) = read(fetch, request).await;
    assert_eq!((fetched.size, bytes.len()), (Some(site.len()), 0));
    let (_, bytes) = read(fetch, site.all(fetch, "/empty")).await;
    assert_eq!(bytes, b"");
    let behind = FetchRequest { from: site.len() + 1, ..site.all(fetch, "/data") };
    assert!(matches!(failed(fetch, behind).await.1, FetchError::Changed));
}

/// As pages are that are made as they are sent.
pub async fn a_source_that_tells_no_length_is_fetched_to_its_end(fetch: &dyn Fetch, site: &Site) {
    for path in ["/chunked", "/until-close"] {
        let (fetched, bytes) = read(fetch, site.all(fetch, path)).await;
        assert_eq!((bytes, fetched.size), (site.bytes.clone(), None), "{path}");
    }
}

/// Its first bytes are there for who asks for them.
pub async fn a_source_without_ranges_is_read_from_its_first_byte_alone(fetch: &dyn Fetch, site: &Site) {
    for path in ["/rangeless", "/chunked"] {
        let behind = FetchRequest { from: 5, ..site.all(fetch, path) };
        assert!(matches!(failed(fetch, behind).await.1, FetchError::NoRanges), "{path}");
        let first = FetchRequest { end: Some(5), ..site.all(fetch, path) };
        let (fetched, bytes) = read(fetch, first).await;
        assert_eq!((bytes.as_slice(), fetched.takes_ranges), (&site.bytes[..5], false), "{path}");
    }
}

/// By whichever it was known.
pub async fn a_source_that_has_changed_is_not_gone_on_with(fetch: &dyn Fetch, site: &Site) {
    for (path, before) in
        [("/data", "\"before\""), ("/dated", "Sun, 06 Nov 1994 08:49:37 GMT"), ("/rangeless", "\"before\"")]
    {
        let validator = Validator::parse(before);
        assert!(validator.is_some());
        let request = FetchRequest { from: 5, validator, ..site.all(fetch, path) };
        assert!(matches!(failed(fetch, request).await.1, FetchError::Changed), "{path}");
    }
}

/// What came is the beginning, and then there is an error.
pub async fn a_stream_never_ends_short(fetch: &dyn Fetch, site: &Site) {
    for path in ["/short", "/broken"] {
        let (bytes, error) = failed(fetch, site.all(fetch, path)).await;
        assert!(site.bytes.starts_with(&bytes) && bytes.len() < site.bytes.len(), "{path}");
        assert!(error.is_passing(), "{path}: {error:?}");
    }
    let (bytes, error) = failed(fetch, site.all(fetch, "/short")).await;
    let half = site.len() / 2;
    assert_eq!(bytes.len() as u64, half);
    assert!(
        matches!(error, FetchError::Short { told, came } if (told, came) == (site.len(), half)),
        "{error:?}"
    );
}

/// Nobody knows which of the two is true.
pub async fn a_source_that_brings_more_than_it_tells_is_refused(fetch: &dyn Fetch, site: &Site) {
    let (bytes, error) = failed(fetch, site.all(fetch, "/long")).await;
    assert!(site.bytes.starts_with(&bytes), "what came is what was told");
    assert!(matches!(&error, FetchError::Unusable(_)), "{error:?}");
    let part = FetchRequest { from: 1, ..site.all(fetch, "/long-part") };
    let (bytes, error) = failed(fetch, part).await;
    assert!(bytes.len() as u64 <= site.len());
    assert!(matches!(&error, FetchError::Unusable(_)), "{error:?}");
}

/// Bytes at another place than they are taken for would be another image.
pub async fn a_part_that_was_not_asked_for_is_refused(fetch: &dyn Fetch, site: &Site) {
    for (from, end) in [(0, None), (5, None), (5, Some(9))] {
        let request = FetchRequest { from, end, ..site.all(fetch, "/elsewhere") };
        let (_, error) = failed(fetch, request).await;
        assert!(matches!(&error, FetchError::Unusable(_)), "{error:?}");
    }
}

/// Before the first byte where it is told, and before the first too many where it is not.
pub async fn no_more_is_fetched_than_may_be(fetch: &dyn Fetch, site: &Site) {
    let len = site.len();
    for (path, told) in [("/data", true), ("/chunked", false)] {
        let exact = FetchRequest { max_bytes: len, ..site.all(fetch, path) };
        assert_eq!(read(fetch, exact).await.1, site.bytes, "{path}");
        let less = FetchRequest { max_bytes: len - 1, ..site.all(fetch, path) };
        let (bytes, error) = failed(fetch, less.clone()).await;
        assert!(matches!(error, FetchError::TooLong { max_bytes } if max_bytes == len - 1), "{path}");
        assert!((bytes.len() as u64) < len, "{path}");
        assert_eq!(fetch.open(less).await.is_err(), told, "{path}");
    }
}

/// Trying again would not help.
pub async fn what_is_not_there_says_its_status(fetch: &dyn Fetch, site: &Site) {
    for status in [204, 300, 304, 400, 401, 403, 404, 410, 418] {
        let (_, error) = failed(fetch, site.all(fetch, &format!("/status/{status}"))).await;
        assert!(matches!(error, FetchError::NotThere(told) if told == status), "{status}: {error:?}");
        assert!(!error.is_passing());
    }
}

/// Trying again may help.
pub async fn what_is_ill_may_be_asked_again(fetch: &dyn Fetch, site: &Site) {
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let (_, error) = failed(fetch, site.all(fetch, &format!("/status/{status}"))).await;
        assert!(
            matches!(error, FetchError::Ill(told) if told == status) && error.is_passing(),
            "{status}: {error:?}"
        );
    }
}

/// Nothing of it is taken for data.
pub async fn what_is_no_plain_answer_is_refused(fetch: &dyn Fetch, site: &Site) {
    for path in ["/gzip", "/transfer-gzip", "/two-lengths", "/no-http", "/endless-head"] {
        let told = fetch.open(site.all(fetch, path)).await;
        assert!(matches!(&told, Err(FetchError::Unusable(_))), "{path}: {told:?}");
    }
}

/// Before its head and in its middle.
pub async fn a_silent_source_is_given_up(fetch: &dyn Fetch, site: &Site) {
    for path in ["/silent", "/stalled"] {
        let (bytes, error) = failed(fetch, site.all(fetch, path)).await;
        assert!(matches!(error, FetchError::TimedOut(Span::Idle)) && error.is_passing(), "{path}: {error:?}");
        assert!(site.bytes.starts_with(&bytes));
    }
}

/// Whatever way it has to say so.
pub async fn the_size_is_told_without_the_data(fetch: &dyn Fetch, site: &Site) {
    let len = Some(site.len());
    for (path, size) in [("/data", len), ("/rangeless", len), ("/empty", Some(0)), ("/chunked", None)] {
        assert_eq!(fetch.size(&site.all(fetch, path).url).await.unwrap(), size, "{path}");
    }
}

/// Who has seen enough leaves.
pub async fn a_dropped_stream_leaves_the_fetcher_usable(fetch: &dyn Fetch, site: &Site) {
    let mut fetched = fetch.open(site.all(fetch, "/data")).await.unwrap();
    fetched.body.next().await.unwrap().unwrap();
    drop(fetched);
    assert_eq!(read(fetch, site.all(fetch, "/data")).await.1, site.bytes);
}

/// They do not wait for, or mix with, each other.
pub async fn sources_are_fetched_side_by_side(fetch: &dyn Fetch, site: &Site) {
    let part = |from| read(fetch, FetchRequest { from, end: Some(from + 9), ..site.all(fetch, "/data") });
    for (from, (_, bytes)) in join_all((0..20).map(part)).await.into_iter().enumerate() {
        assert_eq!(bytes, site.bytes[from..from + 9]);
    }
}
