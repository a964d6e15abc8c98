//! The settings, one line each: key, meaning, field. Parser and text of a value belong to its type.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{
    AuthVersion, Config, Content, FileOf, IdentityMode, Interface, KeyManager, MoreStores, Networks, Origins,
    ProjectOverrides, QueueAdapter, Redirect, Secret, StoreAdapter, TableAdapter, TextOf,
};
use crate::egress::{HostName, Scheme};
use crate::format::Check;
use crate::id::{ProjectId, StoreId};
use crate::image::{ContainerFormat, DiskFormat, OutputFormat};
use crate::import::{ImportMethod, Injected, Plugin};
use crate::policy::ProtectionFormat;
use crate::store::TrustedHosts;

/// One thing a process can be told.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Key in the file; the part before the dot is the TOML table.
    pub key: &'static str,
    /// What it decides.
    pub about: &'static str,
    pub(super) set: fn(&mut Config, &str) -> Result<(), String>,
    show: fn(&Config) -> String,
}

impl Setting {
    /// The setting of a key.
    pub fn of(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// Its variable: `table.adapter` is `GLINT_TABLE_ADAPTER`.
    pub fn variable(&self) -> String {
        format!("GLINT_{}", self.key.replace('.', "_").to_uppercase())
    }

    /// Whether a variable is this setting's. Every start asks this often, so no text is made for it.
    pub(super) fn is_variable(&self, name: &str) -> bool {
        let letter = |letter: u8| if letter == b'.' { b'_' } else { letter.to_ascii_uppercase() };
        name.strip_prefix("GLINT_").is_some_and(|rest| rest.bytes().eq(self.key.bytes().map(letter)))
    }

    /// Its value when nobody says otherwise; empty for none.
    pub fn default_text(&self) -> String {
        (self.show)(&Config::default())
    }
}

/// The table of `docs/configuration.md`, in Markdown.
pub fn reference() -> String {
    let head = "| Key in the file | Variable | Default | What it decides |\n| --- | --- | --- | --- |\n";
    let row = |setting: &Setting| {
        let default = match setting.default_text() {
            text if text.is_empty() => "none".to_owned(),
            text => format!("`{text}`"),
        };
        format!("| `{}` | `{}` | {default} | {} |\n", setting.key, setting.variable(), setting.about)
    };
    std::iter::once(head.to_owned()).chain(SETTINGS.iter().map(row)).collect()
}

macro_rules! settings {
    ($($key:literal => $($field:ident).+ : $about:literal,)+) => {
        /// Every setting, in the order of the documentation.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            key: $key,
            about: $about,
            set: |config, text| {
                config.$($field).+ = Value::read(text)?;
                Ok(())
            },
            show: |config| Value::text(&config.$($field).+),
        },)+];
    };
}

settings! {
    "listen" => listen: "Address and port the gateway listens on.",
    "data" => data: "Directory of the embedded table and store. One process at a time.",
    "public_endpoint" => public_endpoint: "URL clients reach the service by, without a version, as the versions document and `Location` headers give it. Without it, each request's own `X-Forwarded-Proto`, `X-Forwarded-Host` or `Host`.",
    "data_plane_endpoint" => data_plane_endpoint: "URL of a `glint serve` on the same table and bucket, without a version. Functions name it when a body is more than they can carry.",
    "drain_seconds" => drain_seconds: "How long running requests may go on after SIGTERM or SIGINT.",
    "stage" => stage: "Which deployment this is: a dimension of the reaper function's metrics.",
    "log" => log: "What is logged: `error`, `warn`, `info`, `debug`, `trace`, or by module, as in `info,shared=debug`.",
    "identity.mode" => identity.mode: "How callers are told apart. `none`: not at all, everybody is administrator of one project. `keystone`: by their tokens, which Keystone validates.",
    "identity.project" => identity.project: "The project everybody acts for in mode `none`.",
    "identity.none_on_any_address" => identity.none_on_any_address: "Whether mode `none` may listen on an address other machines can reach.",
    "identity.none_networks" => identity.none_networks: "Networks callers of the functions may come from in mode `none`, separated by commas. Nobody else's request passes the authorizer.",
    "identity.keystone.auth_url" => identity.keystone.auth_url: "URL of Keystone, with or without `/v3`. Required with `keystone`.",
    "identity.keystone.www_authenticate_uri" => identity.keystone.www_authenticate_uri: "URL of Keystone as clients reach it, named to them in a 401. Without it, `identity.keystone.auth_url`.",
    "identity.keystone.ca_file" => identity.keystone.ca_file: "PEM file with the certificates of the authorities that Keystone's own is signed by. Without it, the system's.",
    "identity.keystone.application_credential_id" => identity.keystone.credentials.application_credential_id: "Application credential Glint asks Keystone by. With it, no user is named.",
    "identity.keystone.application_credential_secret" => identity.keystone.credentials.application_credential_secret: "Its secret.",
    "identity.keystone.username" => identity.keystone.credentials.username: "User Glint asks Keystone as, when by no application credential.",
    "identity.keystone.password" => identity.keystone.credentials.password: "The user's password.",
    "identity.keystone.user_domain_name" => identity.keystone.credentials.user_domain_name: "Name of the user's domain.",
    "identity.keystone.project_name" => identity.keystone.credentials.project_name: "Project of the user.",
    "identity.keystone.project_domain_name" => identity.keystone.credentials.project_domain_name: "Name of the project's domain.",
    "identity.keystone.cache_seconds" => identity.keystone.cache_seconds: "How long a validated token is believed without asking again, 0 to 3600, and so the longest that a revoked one still opens doors. 0 asks for each request.",
    "identity.keystone.timeout_seconds" => identity.keystone.timeout_seconds: "How long Keystone may take to say who calls, 1 to 25. After that the answer is 503.",
    "identity.keystone.service_roles" => identity.keystone.service_roles: "Roles, separated by commas, one of which a service needs in its own token (`X-Service-Token`) for the token of its user to be accepted after it has expired.",
    "identity.keystone.endpoint_id" => identity.keystone.endpoint_id: "Id of the image endpoint in Keystone, whose registered limits are what projects may have. Without it, no limits are asked for.",
    "policy.file" => policy.file: "File of rules that differ from the defaults, YAML or JSON as `oslo.policy` reads them (docs/policy.md). `glint serve` reads it again when it changes and on SIGHUP.",
    "policy.rules" => policy.rules: "The same rules as a text, for functions, which have no files. Not beside `policy.file`.",
    "policy.property_protections_file" => policy.property_protections_file: "File that says who may create, read, update and delete which custom properties (docs/policy.md). Without it, whoever may change the image.",
    "policy.property_protections" => policy.property_protections: "The same as a text, for functions. Not beside `policy.property_protections_file`.",
    "policy.property_protections_format" => policy.property_protections_format: "What protections name: `roles`, or rules of the policy (`policies`).",
    "image.disk_formats" => image.disk_formats: "Disk formats that images may declare, separated by commas, in the order of the schema.",
    "image.container_formats" => image.container_formats: "Container formats that images may declare, likewise.",
    "image.schema_file" => image.schema_file: "File of JSON schemas for custom properties, as Glance's `schema-image.json`: what is described there is checked, told of in the schema of images, and may be required.",
    "image.schema" => image.schema: "The same as a text, for functions. Not beside `image.schema_file`.",
    "image.require_format_match" => image.require_format_match: "Whether data in container format `bare` must have the disk format that its image declares. `false` takes it with a warning in the log; what is not safe is refused all the same.",
    "image.format_checks_allowed" => image.format_checks_allowed: "Checks of data, separated by commas, that may fail with a warning in the log: `backing_file`, `data_file`, `unknown_features`, `banned`, `descriptor`, `footer`, `mbr`, `gptmbr`, `version`, `header`, `parent`.",
    "table.adapter" => table.adapter: "Where records lie: `sqlite` (in the data directory), `memory` (lost when the process ends), `dynamodb`.",
    "table.name" => table.name: "Name of the DynamoDB table.",
    "table.endpoint" => table.endpoint: "URL of a server that speaks DynamoDB. Without it, AWS.",
    "table.region" => table.region: "Region of the DynamoDB table. Without it, what the AWS SDK finds.",
    "table.listing_shards" => table.listing_shards: "Partitions the listings of all and of public images are spread over, 1 to 64. Raise it before a partition holds 1.5 million images; the rows of an older value are not moved.",
    "store.id" => store.id: "The id clients see the store by.",
    "store.adapter" => store.adapter: "Where bytes lie: `file` (in the data directory), `memory` (lost when the process ends), `s3`, `swift`, `azblob` (Azure Blob Storage), `gcs` (Google Cloud Storage), `http` (data of others at their URLs, which is read and never written; not the default store's).",
    "store.bucket" => store.bucket: "The bucket. Required with `s3` and `gcs`.",
    "store.container" => store.container: "The container. Required with `swift` and `azblob`.",
    "store.prefix" => store.prefix: "What every key in the bucket or container begins with.",
    "store.endpoint" => store.endpoint: "URL of a server that speaks S3. Without it, AWS. Of `swift`, the URL of the account; without it, the one that is told with the token. Of `azblob`, likewise; without it, `https://<account_name>.blob.core.windows.net`. Of `gcs`, without it, `https://storage.googleapis.com`.",
    "store.public_endpoint" => store.public_endpoint: "URL of the same server as clients reach it, who are given URLs of parts and of downloads. Without it, `store.endpoint`.",
    "store.region" => store.region: "Region of the bucket. Without it, what the AWS SDK finds. Of `swift`, the region of the endpoint in Keystone's catalogue; without it, the first. Of `gcs`, without it, `auto`.",
    "store.path_style" => store.path_style: "Whether the bucket goes into the path and not into the host name. Most servers other than AWS need `true`.",
    "store.checksums" => store.checksums: "Whether the server of an `s3` store holds parts to the checksums they come with, as AWS does. `false` refuses upload sessions with `checksum`, for servers that take no notice of them, such as Ceph's Pacific; of `gcs`, always.",
    "store.access_key_id" => store.access_key_id: "Who asks S3. Without it and the next, whoever the AWS SDK finds. Of `gcs`, the access id of an HMAC key, which is required.",
    "store.secret_access_key" => store.secret_access_key: "The secret of that key.",
    "store.auth_url" => store.swift.auth_url: "URL of who gives tokens for Swift: Keystone, with or without `/v3`, or Swift's own, such as `https://host/auth/v1.0`. Required with `swift`.",
    "store.auth_version" => store.swift.auth_version: "How Swift's tokens are asked for: `3` of Keystone, `1` of Swift itself (tempauth, Ceph).",
    "store.application_credential_id" => store.swift.credentials.application_credential_id: "Id of the application credential that asks Swift. Or else a user.",
    "store.application_credential_secret" => store.swift.credentials.application_credential_secret: "Its secret.",
    "store.username" => store.swift.credentials.username: "Name of the user that asks Swift; with `auth_version` 1, `<account>:<user>`.",
    "store.password" => store.swift.credentials.password: "The user's password; with `auth_version` 1, the key.",
    "store.user_domain_name" => store.swift.credentials.user_domain_name: "Name of the user's domain.",
    "store.project_name" => store.swift.credentials.project_name: "The project whose account it is.",
    "store.project_domain_name" => store.swift.credentials.project_domain_name: "Name of the project's domain.",
    "store.interface" => store.swift.interface: "Which URL of Swift in Keystone's catalogue is asked: `public`, `internal`, `admin`.",
    "store.create_container" => store.create_container: "Whether the container is made when it is not there; of `swift`, with `temp_url_key` as its key.",
    "store.nested_manifests" => store.swift.nested_manifests: "Whether a static large object may consist of others, as in Swift. `false` for Ceph: an object then has 1000 parts at most, and they are larger.",
    "store.ca_file" => store.ca_file: "PEM file with the certificates of the authorities that Swift's and Keystone's own are signed by, or Azure's. Without it, the system's.",
    "store.timeout_seconds" => store.timeout_seconds: "How long an answer of Swift's or Azure's may take to begin, 1 to 300, beside the time that bytes take on their way.",
    "store.temp_url_key" => store.swift.temp_url_key: "Key of the container or its account (`X-Container-Meta-Temp-URL-Key`), by which URLs are signed that downloads are redirected to. Without it, and with Ceph, which gives files other names, they lead through the gateway.",
    "store.account_name" => store.azure.account_name: "Name of the storage account. Required with `azblob`.",
    "store.account_key" => store.azure.account_key: "One of the account's keys, which signs requests, and the URLs that downloads are redirected to. Or else `store.sas_token`.",
    "store.sas_token" => store.azure.sas_token: "A shared access signature for the container, with leave to read, add, create, write and delete. Downloads lead through the gateway then. It ends when it says.",
    "store.seal_key" => store.seal_key: "What URLs are sealed by that lead through the gateway, of stores that clients cannot bring parts to themselves (`swift`, `azblob`): a secret of 32 characters or more, the same in every process. Without it, each process takes one of its own, and its URLs end with it.",
    "store.directory" => store.directory: "The directory of a `file` store. Without it, `store` in the data directory; of a store beside the default one, `stores/<id>`.",
    "store.weight" => store.weight: "How gladly the store is read from, against others an image lies in: the higher the sooner.",
    "store.description" => store.description: "What people are told of the store.",
    "stores" => stores: "Stores beside the default one: in the file a table each, `[stores.<id>]`; elsewhere an object of JSON with an object each. Their keys are those of `store`.",
    "signatures.key_manager" => signatures.key_manager: "Who keeps the certificates that images are signed by (`img_signature_certificate_uuid`): `none` (signed images are refused), `directory`, `barbican`.",
    "signatures.directory" => signatures.directory: "Directory of certificates, each `<uuid>.pem` or `<uuid>.der`. Required with `directory`. Whoever may upload may use each.",
    "signatures.barbican_endpoint" => signatures.barbican_endpoint: "URL of Barbican, with or without `/v1`. Required with `barbican`. It is asked by the token of who uploads.",
    "signatures.barbican_ca_file" => signatures.barbican_ca_file: "PEM file with the certificates of the authorities that Barbican's own is signed by. Without it, the system's.",
    "signatures.barbican_timeout_seconds" => signatures.barbican_timeout_seconds: "How long Barbican may take, 1 to 25. After that an upload is answered 503.",
    "signatures.trusted_certificates_file" => signatures.trusted_certificates_file: "PEM file of the authorities, and those between, that must have issued the certificate of whoever signs. Without it, anybody.",
    "signatures.trusted_certificates" => signatures.trusted_certificates: "The same as a text, for functions. Not beside `signatures.trusted_certificates_file`.",
    "queue.adapter" => queue.adapter: "Who is told that something is due: `local` (the schedule of this process; a function has none and waits for its own), `sqs`.",
    "queue.url" => queue.url: "URL of the SQS queue. Required with `sqs`.",
    "queue.import_url" => queue.import_url: "URL of the SQS queue of imports. Without it, they go where all jobs go, which nobody imports from.",
    "queue.endpoint" => queue.endpoint: "URL of a server that speaks SQS. Without it, AWS.",
    "queue.region" => queue.region: "Region of the queue. Without it, what the AWS SDK finds.",
    "upload.part_mib" => upload.part_mib: "Size of an upload's parts in MiB, 5 to 5120. Parts grow when an image would need more of them than the store allows.",
    "upload.parts_in_flight" => upload.parts_in_flight: "Parts of one upload on their way to the store at a time, 1 to 64. An upload holds this many parts in memory.",
    "upload.lease_seconds" => upload.lease_seconds: "How long an upload whose process died keeps its image from being uploaded again, 10 to 86400. A living one renews its lease every third of it.",
    "upload.idle_seconds" => upload.idle_seconds: "How long a client may send nothing before its upload is given up, 1 to 86400.",
    "upload.session_part_mib" => upload.session_part_mib: "Size of a part of an upload session in MiB, 5 to 5120. Parts are larger when an image would need more than 10,000 of them.",
    "upload.session_seconds" => upload.session_seconds: "How long an upload session lasts after its URLs were last asked for, 60 to 604800. Completing one may take as long.",
    "upload.url_seconds" => upload.url_seconds: "How long a URL of an upload session is good at most, 60 to 604800. In a bucket it ends with the credentials it was made by, which a function's may do within the hour.",
    "upload.hash_run_mib" => upload.hash_run_mib: "How many MiB of an upload session one run hashes at most, 1 or more; the next run goes on.",
    "download.redirect" => download.redirect: "Who answers a download with 302 and a signed URL of the store: `never`; `functions`, which can carry little themselves; `always`, `glint serve` too. Only to `download.trusted_hosts`.",
    "download.trusted_hosts" => download.trusted_hosts: "Hosts, separated by commas, that clients may be sent to, each with its port when that is not the scheme's own. A client takes its token along. To others nobody is sent: the data is carried, or the answer says why not.",
    "download.url_seconds" => download.url_seconds: "How long a download may begin by a URL that a client was sent to, 1 to 604800. In a bucket it ends with the credentials it was made by.",
    "cors.allowed_origins" => cors.allowed_origins: "Origins of pages whose scripts may ask, separated by commas, as browsers write them (`https://console.example.com`); `*` for all. Without them, none may.",
    "cors.max_age_seconds" => cors.max_age_seconds: "How long a browser remembers what a script may send, 0 to 86400.",
    "egress.allowed_schemes" => egress.rules.schemes.allowed: "Schemes, separated by commas, that data is fetched by on users' behalf: `http`, `https`. Where this list, or that of hosts or ports, is not empty, the list of what is disallowed means nothing.",
    "egress.disallowed_schemes" => egress.rules.schemes.disallowed: "Schemes that it is not fetched by, where none is allowed by name.",
    "egress.allowed_hosts" => egress.rules.hosts.allowed: "Hosts, separated by commas, that it is fetched from, each a whole name in ASCII or an address, without a port. Without them, all that are not disallowed. Addresses of the host are judged all the same.",
    "egress.disallowed_hosts" => egress.rules.hosts.disallowed: "Hosts that it is not fetched from, where none is allowed by name. By another name, or by its address, a host is another.",
    "egress.allowed_ports" => egress.rules.ports.allowed: "Ports, separated by commas, that it is fetched at.",
    "egress.disallowed_ports" => egress.rules.ports.disallowed: "Ports that it is not fetched at, where none is allowed by name.",
    "egress.allowed_networks" => egress.rules.networks: "Networks that it is fetched from although they are not of the internet, separated by commas, such as `10.20.0.0/16`. All others that are private, link-local, of this machine or kept for something are refused, whatever name leads there.",
    "egress.ca_file" => egress.ca_file: "PEM file with the certificates of the authorities that sources must be certified by. Without it, the system's.",
    "egress.connect_seconds" => egress.connect_seconds: "How long it may take to find a source and connect to it, 1 to 60.",
    "egress.idle_seconds" => egress.idle_seconds: "How long a source may send nothing, 1 to 3600.",
    "egress.transfer_seconds" => egress.transfer_seconds: "How long a transfer may take, with all its tries, 60 to 604800.",
    "import.methods" => import.methods: "Methods of import that are enabled, separated by commas: `glance-direct`, `web-download`, `copy-image`, `glance-download` (with Keystone alone). Empty is none.",
    "import.lease_seconds" => import.lease_seconds: "How long an import whose worker died waits for another, 5 to 900. A living worker renews its lease every third of it.",
    "import.seconds" => import.seconds: "How long an import may take for one store, 60 to 604800.",
    "import.workers" => import.workers: "Stores that one process fills at a time, 1 to 64. Each holds two parts in memory.",
    "import.plugins" => import.plugins.enabled: "What is done to what is imported, but to copies, separated by commas: `inject_image_metadata`, `image_decompression`, `image_conversion`. In any order: data is unpacked before it is converted. Not to data of images that are signed or `compressed`.",
    "import.inject" => import.plugins.inject: "Properties that `inject_image_metadata` gives, as `hw_disk_bus:scsi,os_distro:debian`; or as an object of JSON, for values with commas and names with colons.",
    "import.inject_ignore_user_roles" => import.plugins.ignore_user_roles: "Roles, separated by commas, whose users' images it gives none.",
    "import.output_format" => import.plugins.output_format: "What `image_conversion` makes disks into: `raw`, `qcow2`.",
    "import.max_ratio" => import.plugins.max_ratio: "How many bytes a packed one may become, 1 or more. It counts from 1 GiB of unpacked data on; `limits.image_size_bytes` bounds it in any case.",
    "import.token_key" => import.token_key: "What the tokens of users are sealed by while `glance-download` fetches from other regions in their names: a secret of 32 characters or more, the same in every process. Required with `glance-download`.",
    "import.extra_properties" => import.extra_properties: "How names of properties begin, separated by commas, that `glance-download` takes over from the image of the other region.",
    "locations.do_secure_hash" => locations.do_secure_hash: "Whether data that was registered by `POST …/locations` is hashed, and held to the hash it came with. With `false` that hash is believed.",
    "locations.http_retries" => locations.http_retries: "How often a location that cannot be read is tried again, 0 to 100.",
    "locations.show_multiple_locations" => locations.show_multiple_locations: "Whether images tell where their data is (`locations`), to who may know, and patches change it. It tells users of a shared store where others' data lies.",
    "locations.show_image_direct_url" => locations.show_image_direct_url: "Whether images tell where their data is read first (`direct_url`), to who may know.",
    "limits.image_size_bytes" => limits.image_size_bytes: "Largest image, in bytes.",
    "limits.tags" => limits.tags: "Tags of an image. -1 is no limit.",
    "limits.properties" => limits.properties: "Custom properties of an image. -1 is no limit.",
    "limits.members" => limits.members: "Projects an image is shared with. -1 is no limit.",
    "limits.locations" => limits.locations: "Places an image's data may be in. -1 is no limit.",
    "limits.image_size_total" => limits.image_size_total: "MiB of data a project may have stored. -1 is no limit. This and the four that follow count only without `identity.keystone.endpoint_id`.",
    "limits.image_stage_total" => limits.image_stage_total: "MiB of data a project may have staged or be importing. -1 is no limit.",
    "limits.image_count_total" => limits.image_count_total: "Images a project may have. -1 is no limit.",
    "limits.image_count_uploading" => limits.image_count_uploading: "Images of a project whose data may be on its way at once. -1 is no limit.",
    "limits.projects" => limits.projects: "What some projects may have instead, as `<project>: image_count_total=10, image_size_total=2048; <project>: …`.",
    "limits.page_default" => limits.page_default: "Images on a page when the request does not say.",
    "limits.page_max" => limits.page_max: "Images on a page at most, 1 to 1000.",
    "tasks.time_to_live_hours" => tasks.time_to_live_hours: "How long a task is kept and shown once it has ended, 1 to 8760.",
    "reaper.interval_seconds" => reaper.interval_seconds: "Time between two runs of the reaper, 1 to 86400.",
}

/// A value as people write it.
trait Value: Sized {
    fn read(text: &str) -> Result<Self, String>;
    fn text(&self) -> String;
}

macro_rules! value_by_parse {
    ($($kind:ty: $expected:literal,)+) => {$(
        impl Value for $kind {
            fn read(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!(concat!("must be ", $expected, ", not '{}'"), text))
            }

            fn text(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

value_by_parse! {
    SocketAddr: "an address and a port, such as 127.0.0.1:9292 or [::1]:9292",
    bool: "true or false",
    i64: "a whole number",
    u32: "a whole number, 0 or more",
    u64: "a whole number, 0 or more",
    usize: "a whole number, 0 or more",
    Networks: "networks such as 192.0.2.0/24 or 2001:db8::/32, separated by commas",
    ProjectId: "a project id of 1 to 255 characters",
    StoreId: "a store id of 1 to 64 letters, digits, '_' or '-'",
}

impl Value for String {
    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn text(&self) -> String {
        self.clone()
    }
}

macro_rules! value_that_says_its_fault {
    ($($kind:ty),+) => {$(
        impl Value for $kind {
            fn read(text: &str) -> Result<Self, String> {
                text.parse()
            }

            fn text(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

value_that_says_its_fault!(Injected, ProjectOverrides, Origins, TrustedHosts, MoreStores);

impl Value for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("must be a path".to_owned()) } else { Ok(Self::from(text)) }
    }

    fn text(&self) -> String {
        self.display().to_string()
    }
}

/// Empty is absent: a template that leaves a variable empty means that.
impl Value for Option<String> {
    fn read(text: &str) -> Result<Self, String> {
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    fn text(&self) -> String {
        self.clone().unwrap_or_default()
    }
}

impl Value for Option<PathBuf> {
    fn read(text: &str) -> Result<Self, String> {
        Ok((!text.is_empty()).then(|| text.into()))
    }

    fn text(&self) -> String {
        self.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
    }
}

impl Value for Option<Secret> {
    fn read(text: &str) -> Result<Self, String> {
        Ok((!text.is_empty()).then(|| Secret::new(text)))
    }

    /// What there is of it to show: nothing.
    fn text(&self) -> String {
        String::new()
    }
}

impl<T: Content> Value for Option<FileOf<T>> {
    fn read(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { FileOf::read(text.as_ref()).map(Some) }
    }

    fn text(&self) -> String {
        self.as_ref().map(|file| file.path.display().to_string()).unwrap_or_default()
    }
}

impl<T: Content> Value for Option<TextOf<T>> {
    fn read(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() { Ok(None) } else { TextOf::read(text).map(Some) }
    }

    fn text(&self) -> String {
        self.as_ref().map(|said| said.text.clone()).unwrap_or_default()
    }
}

/// A limit as Glance's options write one: negative is none.
impl Value for Option<usize> {
    fn read(text: &str) -> Result<Self, String> {
        match text.parse::<i64>() {
            Ok(limit) => Ok(usize::try_from(limit).ok()),
            Err(_) => Err(format!("must be a whole number, or -1 for no limit, not '{text}'")),
        }
    }

    fn text(&self) -> String {
        self.map_or_else(|| "-1".to_owned(), |limit| limit.to_string())
    }
}

macro_rules! value_by_list {
    ($($kind:ty),+) => {$(
        /// Words of a list, each once.
        impl Value for Vec<$kind> {
            fn read(text: &str) -> Result<Self, String> {
                let names: Vec<_> = <$kind>::ALL.iter().map(|one| one.name()).collect();
                let fault = || format!("must be some of {}, separated by commas, not '{text}'", names.join(", "));
                let mut list = Self::new();
                for word in text.split(',') {
                    let one = <$kind>::parse(word.trim()).filter(|one| !list.contains(one));
                    list.push(one.ok_or_else(fault)?);
                }
                Ok(list)
            }

            fn text(&self) -> String {
                self.iter().map(|one| one.name()).collect::<Vec<_>>().join(",")
            }
        }
    )+};
}

value_by_list!(DiskFormat, ContainerFormat);

macro_rules! value_by_list_or_none {
    ($($kind:ty),+) => {$(
        /// Names, each once; empty is none of them.
        impl Value for Vec<$kind> {
            fn read(text: &str) -> Result<Self, String> {
                let mut list = Self::new();
                for word in text.split(',').map(str::trim).filter(|_| !text.trim().is_empty()) {
                    let one = <$kind>::parse(word).filter(|one| !list.contains(one));
                    list.push(one.ok_or_else(|| {
                        let names: Vec<_> = <$kind>::ALL.iter().map(|one| one.name()).collect();
                        format!("must be some of {}, separated by commas, not '{text}'", names.join(", "))
                    })?);
                }
                Ok(list)
            }

            fn text(&self) -> String {
                self.iter().map(|one| one.name()).collect::<Vec<_>>().join(",")
            }
        }
    )+};
}

value_by_list_or_none!(Check, ImportMethod, Plugin, Scheme);

macro_rules! value_by_texts {
    ($($kind:ty: $expected:literal,)+) => {$(
        /// Values, separated by commas; empty is none of them.
        impl Value for Vec<$kind> {
            fn read(text: &str) -> Result<Self, String> {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let fault = |part| format!(concat!("must be ", $expected, ", separated by commas, not '{}'"), part);
                parts.map(|part| part.parse().map_err(|_| fault(part))).collect()
            }

            fn text(&self) -> String {
                self.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
            }
        }
    )+};
}

value_by_texts! {
    u16: "ports, 0 to 65535",
    String: "words",
    HostName: "names of hosts in ASCII ('xn--…') or addresses, without a port",
}

macro_rules! value_by_word {
    ($kind:ty { $($word:literal => $variant:ident),+ }) => {
        impl Value for $kind {
            fn read(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("must be one of {}, not '{text}'", [$($word),+].join(", "))),
                }
            }

            fn text(&self) -> String {
                match self { $(Self::$variant => $word,)+ }.to_owned()
            }
        }
    };
}

value_by_word!(OutputFormat { "raw" => Raw, "qcow2" => Qcow2 });
value_by_word!(IdentityMode { "none" => None, "keystone" => Keystone });
value_by_word!(ProtectionFormat { "roles" => Roles, "policies" => Policies });
value_by_word!(Redirect { "never" => Never, "functions" => Functions, "always" => Always });
value_by_word!(KeyManager { "none" => None, "directory" => Directory, "barbican" => Barbican });
value_by_word!(TableAdapter { "sqlite" => Sqlite, "memory" => Memory, "dynamodb" => DynamoDb });
value_by_word!(QueueAdapter { "local" => Local, "sqs" => Sqs });
value_by_word!(StoreAdapter { "file" => File, "memory" => Memory, "s3" => S3, "swift" => Swift, "azblob" => Azblob, "gcs" => Gcs, "http" => Http });
value_by_word!(AuthVersion { "3" => V3, "1" => V1 });
value_by_word!(Interface { "public" => Public, "internal" => Internal, "admin" => Admin });
