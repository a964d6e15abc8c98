//! Where a store lies, as the services of one operator tell each other of its objects: URLs without credentials. Pure.

use crate::egress;
use crate::store::ObjectKey;

/// The longest name of an object that is taken, in bytes: S3 has no longer ones, and a URL may have more.
pub const MAX_NAME_BYTES: usize = 1024;

/// Where a store's objects are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// What goes before the key of each object that was written here.
    pub prefix: String,
    /// Which objects of others may be registered there.
    pub takes: Takes,
}

/// Which objects of others a store can give, though it was not this service that wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None: they are of this machine, or there is no other way in.
    Nothing,
    /// What lies at a URL of http or https.
    Web,
    /// What lies in its bucket.
    Bucket {
        /// The bucket.
        name: String,
        /// What goes before each key that is written here: a URL that names one of those names another image's data.
        prefix: String,
        /// Host and port of its server, when that is not AWS: Glance's URLs have it before the bucket.
        server: Option<String>,
    },
}

/// Why a URL is taken for no object of a store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The URL is of something else: another store may have it.
    #[error("names no object of a store here")]
    Elsewhere,
    /// The gate refuses it.
    #[error("{0}")]
    Gate(#[from] egress::Refusal),
    /// It has what is no part of an object's name.
    #[error(
        "must be s3://<bucket>/<key>, without credentials, query or fragment, of at most {MAX_NAME_BYTES} bytes of key"
    )]
    Form,
    /// This service has written there.
    #[error("names data of this service, and that is one image's alone")]
    Ours,
}

/// How Glance's URLs of S3 begin.
const S3: [&str; 3] = ["s3://", "s3+https://", "s3+http://"];

/// Hosts of AWS that Glance's URLs name.
const AWS: &str = "amazonaws.com";

impl Address {
    /// The URL of an object.
    pub fn url(&self, key: &ObjectKey) -> String {
        match (key.name(), &self.takes) {
            (None, _) => format!("{}{key}", self.prefix),
            (Some(name), Takes::Bucket { name: bucket, .. }) => format!("s3://{bucket}/{name}"),
            (Some(name), Takes::Nothing | Takes::Web) => name.to_owned(),
        }
    }

    /// Whether a URL is of a kind that the store gives objects of, wherever they are.
    pub fn takes_scheme(&self, url: &str) -> bool {
        match self.takes {
            Takes::Nothing => false,
            Takes::Web => is_web(url),
            Takes::Bucket { .. } => S3.iter().any(|scheme| url.starts_with(scheme)),
        }
    }

    /// What the store calls the object of a URL.
    ///
    /// # Errors
    /// Why it is none that may be registered; `Elsewhere` when it is no object of this store.
    pub fn name(&self, url: &str, sources: &egress::Rules) -> Result<String, Refused> {
        match &self.takes {
            Takes::Web if is_web(url) => {
                let checked = sources.check(url)?;
                // Nobody is asked for a fragment, but it tells one location of a source from another.
                Ok(match url.split_once('#') {
                    Some((_, fragment)) => format!("{}#{fragment}", checked.as_str()),
                    None => checked.as_str().to_owned(),
                })
            }
            Takes::Nothing | Takes::Web => Err(Refused::Elsewhere),
            Takes::Bucket { name, prefix, server } => {
                let path = S3.iter().find_map(|scheme| url.strip_prefix(scheme)).ok_or(Refused::Elsewhere)?;
                in_bucket(path, name, prefix, server.as_deref())
            }
        }
    }
}

/// Whether a URL is one of http or https, whatever letters it is written in.
pub(crate) fn is_web(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    matches!(scheme.as_str(), "http" | "https")
}

/// Reads `<bucket>/<key>`, or the same behind the server.
fn in_bucket(path: &str, bucket: &str, prefix: &str, server: Option<&str>) -> Result<String, Refused> {
    let (first, rest) = path.split_once('/').ok_or(Refused::Form)?;
    if first.contains('@') {
        return Err(Refused::Form);
    }
    let is_server = |host: &str| match server {
        Some(server) => host == server,
        None => host == AWS || host.strip_suffix(AWS).is_some_and(|rest| rest.ends_with('.')),
    };
    let key = match rest.split_once('/') {
        _ if first == bucket => rest,
        Some((second, key)) if is_server(first) && second == bucket => key,
        _ => return Err(Refused::Elsewhere),
    };
    let is_plain = |letter: char| !letter.is_control() && !matches!(letter, '?' | '#');
    if key.is_empty() || key.len() > MAX_NAME_BYTES || !key.chars().all(is_plain) {
        return Err(Refused::Form);
    }
    let ours = key.strip_prefix(prefix).map(|rest| ObjectKey::try_from(rest.to_owned()));
    if ours.is_some_and(|key| key.is_ok()) { Err(Refused::Ours) } else { Ok(key.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ImageId, Ulid};

    const OURS: &str = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11/01ARYZ6S41ZZZZZZZZZZZZZZZZ";

    fn bucket(server: Option<&str>) -> Address {
        let (name, prefix) = ("pictures".to_owned(), "images/".to_owned());
        let takes = Takes::Bucket { name, prefix, server: server.map(str::to_owned) };
        Address { prefix: "s3://pictures/images/".to_owned(), takes }
    }

    fn read(address: &Address, url: &str) -> Result<String, Refused> {
        address.name(url, &egress::Rules::default())
    }

    #[test]
    fn an_object_of_a_bucket_is_named_with_its_server_or_without() {
        let (aws, own) = (bucket(None), bucket(Some("ceph.internal:7480")));
        for (address, url, key) in [
            (&aws, "s3://pictures/a/b c", "a/b c"),
            (&aws, "s3://s3.eu-west-1.amazonaws.com/pictures/a", "a"),
            (&own, "s3+http://ceph.internal:7480/pictures/a", "a"),
            (&own, "s3://pictures/other/x", "other/x"),
            (&own, "s3://pictures/images/x", "images/x"),
        ] {
            assert_eq!(read(address, url).as_deref(), Ok(key), "{url}");
        }
        for (url, why) in [
            ("s3://others/a", Refused::Elsewhere),
            ("s3://evilamazonaws.com/pictures/a", Refused::Elsewhere),
            ("s3://ceph.internal:7480/pictures/a", Refused::Elsewhere),
            ("http://pictures/a", Refused::Elsewhere),
            ("file:///etc/passwd", Refused::Elsewhere),
            ("s3://pictures", Refused::Form),
            ("s3://pictures/", Refused::Form),
            ("s3://key:secret@pictures/a", Refused::Form),
            ("s3://pictures/a?versionId=1", Refused::Form),
            ("s3://pictures/a\n", Refused::Form),
        ] {
            assert_eq!(read(&aws, url), Err(why), "{url}");
        }
        let long = format!("s3://pictures/{}", "a".repeat(MAX_NAME_BYTES + 1));
        assert_eq!(read(&aws, &long), Err(Refused::Form));
    }

    #[test]
    fn data_that_was_written_here_is_nobody_elses() {
        let url = format!("s3://pictures/images/{OURS}");
        assert_eq!(read(&bucket(None), &url), Err(Refused::Ours));
        assert_eq!(read(&bucket(None), &format!("s3://pictures/{OURS}")).as_deref(), Ok(OURS));
    }

    #[test]
    fn a_url_is_judged_by_the_gate_and_kept_as_it_was_read() {
        let web = Address { prefix: String::new(), takes: Takes::Web };
        assert_eq!(
            read(&web, "HTTPS://Images.Example./a#b").as_deref(),
            Ok("https://images.example/a#b"),
            "one reading, which is what is fetched, and what tells it from another"
        );
        for url in ["http://127.0.0.1/a", "http://0x7f.1/a", "https://u:p@images.example/a", "http://a:22/"] {
            assert!(matches!(read(&web, url), Err(Refused::Gate(_))), "{url}");
        }
        for url in
            ["file:///etc/passwd", "swift+config://a/b", "filesystem:///a", "rbd://a/b/c/d", "s3://a/b"]
        {
            assert_eq!(read(&web, url), Err(Refused::Elsewhere), "{url}");
        }
    }

    #[test]
    fn a_store_of_this_machine_takes_nothing_and_tells_its_own() {
        let file = Address { prefix: "file:///data/store/objects/".to_owned(), takes: Takes::Nothing };
        assert_eq!(read(&file, "file:///data/store/objects/x"), Err(Refused::Elsewhere));
        let key = ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(1, 1));
        assert_eq!(file.url(&key), format!("file:///data/store/objects/{key}"));
        assert_eq!(bucket(None).url(&key), format!("s3://pictures/images/{key}"));
        assert_eq!(bucket(None).url(&key.clone().named("a/b")), "s3://pictures/a/b");
        let web = Address { prefix: String::new(), takes: Takes::Web };
        assert_eq!(web.url(&key.named("https://a.example/b")), "https://a.example/b");
    }
}
