//! The service under test, in this process or deployed somewhere: what is asked of it, and in which words it is read.

#![expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::http::{Request, Response, Uri, header};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::json;
use shared::adapters::system::RandomIds;
use shared::ports::Ids as _;
use tower::ServiceExt as _;

use crate::callers::ADMIN;
use crate::deployed::Deployed;
use crate::wire;
use crate::world::World;

/// A service that can be asked by HTTP, and by nothing else.
///
/// Tests of [`Service::empty`] read and write names where the service has what differs from host to host: `<id 1>` is the
/// id of the first image that came up, `<endpoint>` is where the service is reached. A [`World`]'s words stay as they are.
#[derive(Debug)]
pub struct Service {
    host: Host,
    /// By their names' numbers, from 1. Nothing has a name when this is not there.
    ids: Option<Mutex<Vec<String>>>,
}

#[derive(Debug)]
enum Host {
    Process(Router),
    Deployed(Box<Deployed>),
}

impl Service {
    /// A service without images: the one at `GLINT_TEST_ENDPOINT`, else one in this process, as a [`World`] holds it.
    ///
    /// A deployed one belongs to this value until it is dropped: tests on it run one at a time, in however many processes.
    /// It is emptied as [`crate::deployed`] says, or, when it is not told of its table and bucket, by HTTP.
    pub async fn empty() -> Self {
        let Some(deployed) = Deployed::from_environment() else {
            return Self { ids: Some(Mutex::default()), ..World::default().service };
        };
        let emptied = deployed.empty().await;
        let service = Self { host: Host::Deployed(Box::new(deployed)), ids: Some(Mutex::default()) };
        if !emptied {
            service.delete_everything().await;
        }
        service
    }

    /// Functions in this process.
    pub fn in_process(router: Router) -> Self {
        Self { host: Host::Process(router), ids: None }
    }

    /// Whether each request goes over a network.
    pub fn is_deployed() -> bool {
        Deployed::told().is_some()
    }

    /// Whether bytes come and go by URLs of the service itself. Those of a bucket lead there, and no function has routes for them.
    pub fn has_its_own_store() -> bool {
        !Deployed::has_bucket()
    }

    /// What a request's `Host` says.
    pub(crate) fn host(&self) -> &str {
        match &self.host {
            Host::Process(_) => "glint",
            Host::Deployed(deployed) => deployed.host(),
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        match &self.host {
            Host::Process(_) => "http://glint".to_owned(),
            Host::Deployed(deployed) => deployed.base(),
        }
    }

    /// Sends a request whose path is as the service knows it, or that goes elsewhere, and answers what came back, read by [`wire::read`].
    pub(crate) async fn exchange(&self, mut request: Request<Body>) -> Response<Bytes> {
        let method = request.method().clone();
        let (mut parts, body) = match &self.host {
            Host::Process(router) => router.clone().oneshot(request).await.unwrap().into_parts(),
            Host::Deployed(deployed) => {
                if request.uri().authority().is_none() {
                    let uri: Uri = format!("{}{}", deployed.url(), request.uri()).parse().unwrap();
                    *request.uri_mut() = uri;
                }
                deployed.send(request).await.into_parts()
            }
        };
        // Any server of HTTP announces a body whose length it knows.
        if let Some(length) = body.size_hint().exact() {
            parts.headers.entry(header::CONTENT_LENGTH).or_insert_with(|| length.into());
        }
        let body = body.collect().await.unwrap().to_bytes();
        wire::read(&method, Response::from_parts(parts, body))
    }

    /// An id that no image ever had, by name. Its letters are of both cases.
    pub fn new_id(&self) -> String {
        let id = RandomIds.image_id().to_string();
        let (first, rest) = id.split_once('-').unwrap();
        self.name(&format!("{}-{rest}", first.to_uppercase()))
    }

    /// The name of an id, which it gets now if it has none.
    pub(crate) fn name(&self, id: &str) -> String {
        let Some(mut ids) = self.ids() else { return id.to_owned() };
        let at = ids.iter().position(|known| known == id).unwrap_or_else(|| {
            ids.push(id.to_owned());
            ids.len() - 1
        });
        named(at)
    }

    /// A test's words in those of the service.
    pub(crate) fn written(&self, text: &str) -> String {
        let ids = self.ids().filter(|_| text.contains("<id "));
        let ids = ids.iter().flat_map(|ids| ids.iter().enumerate());
        ids.fold(text.to_owned(), |text, (at, id)| text.replace(&named(at), id))
    }

    /// The service's words in those of a test.
    pub(crate) fn told(&self, text: &str) -> String {
        let Some(ids) = self.ids() else { return text.to_owned() };
        let mut told = String::with_capacity(text.len());
        let mut rest = text;
        // An id is 36 characters long, and its ninth and fourteenth are its first dashes.
        while let Some(dash) = rest.find('-') {
            let start = dash.checked_sub(8);
            let word = start.and_then(|start| rest.get(start..start + 36));
            let word = word.filter(|word| word.as_bytes().get(13) == Some(&b'-'));
            let known = word.and_then(|word| ids.iter().position(|id| id == word));
            let (kept, taken, name) = match start.zip(known) {
                Some((start, at)) => (start, start + 36, named(at)),
                None => (dash + 1, dash + 1, String::new()),
            };
            told.extend([rest.get(..kept).unwrap_or_default(), &name]);
            rest = rest.get(taken..).unwrap_or_default();
        }
        told.push_str(rest);
        // Most texts have no URL, which is quickly seen; a search takes long in a build that is not optimised.
        if told.split('/').skip(1).any(str::is_empty) {
            told = told.replace(&self.endpoint(), "<endpoint>");
        }
        told
    }

    fn ids(&self) -> Option<MutexGuard<'_, Vec<String>>> {
        Some(self.ids.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Deletes every image there is, as the administrator. Their ids stay taken.
    async fn delete_everything(&self) {
        for hidden in [false, true] {
            let all = format!("/v2/images?visibility=all&os_hidden={hidden}&limit=1000");
            loop {
                let page = self.get(ADMIN, &all).await.json();
                let images = page.pointer("/images").and_then(|images| images.as_array()).unwrap();
                if images.is_empty() {
                    break;
                }
                for image in images {
                    let path = image.pointer("/self").and_then(|path| path.as_str()).unwrap();
                    if image.pointer("/protected") == Some(&json!(true)) {
                        let change = json!([{"op": "replace", "path": "/protected", "value": false}]);
                        assert_eq!(self.patch(ADMIN, path, change).await.line(), "200");
                    }
                    assert_eq!(self.call("DELETE", path).by(ADMIN).send().await.line(), "204");
                }
            }
        }
    }
}

/// The name of the id at a place of the list.
fn named(at: usize) -> String {
    format!("<id {}>", at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        Service { ids: Some(Mutex::default()), ..World::default().service }
    }

    #[test]
    fn a_name_stands_for_an_id_both_ways() {
        let service = service();
        let (first, second) = (service.new_id(), service.new_id());
        assert_eq!((first.as_str(), second.as_str()), ("<id 1>", "<id 2>"));
        let text = format!("/v2/images/{second}?marker={first}&name=a-b--{second}");
        let written = service.written(&text);
        assert!(!written.contains('<'), "{written}");
        assert_eq!(service.told(&written), text);
        assert_eq!(service.name(&service.written("<id 2>")), "<id 2>", "an id has one name");
    }

    #[test]
    fn what_has_no_name_stays_as_it_is() {
        let service = service();
        let text = "no 00000000-0000-4000-8000-00000000ffff, <id 1>, 2026-10-01 - \u{e9}-\u{1f600}-";
        assert_eq!((service.told(text), service.written(text)), (text.to_owned(), text.to_owned()));
        assert_eq!(service.told("http://glint/v2/"), "<endpoint>/v2/");
        assert_eq!(World::default().told("http://glint/v2/"), "http://glint/v2/", "a world has no names");
    }

    proptest::proptest! {
        #[test]
        fn no_text_loses_a_letter(text in ".{0,20}", rest in "[-0-9a-f]{0,80}") {
            let service = service();
            let id = service.written(&service.new_id());
            let said = format!("{text}{id}{rest}");
            proptest::prop_assert_eq!(service.written(&service.told(&said)), said);
        }
    }
}
