use std::path::Path;

use super::*;
use crate::format::{Check, Rules};
use crate::image::OutputFormat;
use crate::import::{ImportMethod, Plugin};

fn load(toml: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let sources = Sources::default().with_toml(Path::new("glint.toml"), toml)?.with_variables(variables)?;
    Config::load(&flags.iter().fold(sources, |sources, (key, value)| sources.with_flag(*key, *value)))
}

fn refusal(toml: &str, variables: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    load(toml, variables, flags).unwrap_err().to_string()
}

#[test]
fn a_variable_is_of_the_setting_that_names_it_and_of_no_other() {
    for setting in SETTINGS {
        let variable = setting.variable();
        let of: Vec<_> =
            SETTINGS.iter().filter(|other| other.is_variable(&variable)).map(|other| other.key).collect();
        assert_eq!(of, [setting.key], "{variable}");
        assert!(
            !setting.is_variable(setting.key) && !setting.is_variable(&variable.to_lowercase()),
            "{variable}"
        );
    }
}

#[test]
fn the_defaults_run_on_one_machine() {
    let config = load("", &[], &[]).unwrap();
    assert_eq!(config, Config::default());
    assert!(config.uses_data_directory());
}

#[test]
fn what_may_be_fetched_from_is_said_by_lists() {
    let toml = "[egress]\nallowed_schemes = 'https'\nallowed_ports = ''\ndisallowed_ports = '22, 25'\n\
                disallowed_hosts = 'Evil.example.,[2600::1]'\nallowed_networks = '10.20.0.0/16'";
    let config = load(toml, &[], &[]).unwrap();
    let rules = &config.egress.rules;
    assert!(rules.check("https://images.example:8443/").is_ok());
    assert!(rules.check("https://10.20.0.1/").is_ok());
    for url in [
        "http://images.example/",
        "https://images.example:25/",
        "https://evil.example/",
        "https://[2600::1]/",
        "https://10.21.0.1/",
    ] {
        assert!(rules.check(url).is_err(), "{url}");
    }
    for (said, why) in [
        ("allowed_schemes = 'ftp'", "must be some of http, https, separated by commas, not 'ftp'"),
        ("allowed_ports = '80,65536'", "must be ports, 0 to 65535, separated by commas, not '65536'"),
        (
            "allowed_hosts = 'a:80'",
            "must be names of hosts in ASCII ('xn--…') or addresses, without a port, separated by commas, not 'a:80'",
        ),
        ("connect_seconds = 61", "must be 1 to 60, not 61"),
    ] {
        let told = refusal(&format!("[egress]\n{said}"), &[], &[]);
        assert!(told.ends_with(why), "{told}");
    }
}

#[test]
fn the_later_source_wins() {
    let toml = "listen = '127.0.0.1:1'\ndata = '/file'\n[store]\nid = 'file'\n[limits]\ntags = -1";
    let variables =
        [("GLINT_LISTEN", "127.0.0.1:2"), ("GLINT_STORE_ID", "environment"), ("GLINT_CONFIG", "glint.toml")];
    let config = load(toml, &variables, &[("listen", "127.0.0.1:3")]).unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.store.id.as_str(), "environment");
    assert_eq!(config.data, Path::new("/file"));
    assert_eq!(config.limits.tags, None);
}

#[test]
fn a_bad_value_names_its_key_its_origin_and_its_fault() {
    for (said, expected) in [
        (
            refusal("drain_seconds = 'soon'", &[], &[]),
            "setting 'drain_seconds', from the file glint.toml: must be a whole number, 0 or more, not 'soon'",
        ),
        (
            refusal("[table]\nadapter = 'oracle'", &[], &[]),
            "setting 'table.adapter', from the file glint.toml: must be one of sqlite, memory, dynamodb, not 'oracle'",
        ),
        (
            refusal("log = ['a']", &[], &[]),
            "setting 'log', from the file glint.toml: must be a text, a whole number, true or false, not of type array",
        ),
        (
            refusal("", &[("GLINT_UPLOAD_PART_MIB", "1")], &[]),
            "setting 'upload.part_mib', from the variable GLINT_UPLOAD_PART_MIB: must be 5 to 5120, not 1",
        ),
        (
            refusal("", &[], &[("listen", "localhost")]),
            "setting 'listen', from the command line: must be an address and a port, such as 127.0.0.1:9292 or [::1]:9292, not 'localhost'",
        ),
        (
            refusal("", &[], &[("public_endpoint", "images.example")]),
            "setting 'public_endpoint', from the command line: must be a URL such as https://host:9292, not 'images.example'",
        ),
        (
            refusal("", &[("GLINT_DOWNLOAD_TRUSTED_HOSTS", "a.example.com,https://b.example.com")], &[]),
            "setting 'download.trusted_hosts', from the variable GLINT_DOWNLOAD_TRUSTED_HOSTS: must be hosts such as images.s3.example.com or 10.0.0.1:9000, not 'https://b.example.com'",
        ),
        (
            refusal("[cors]\nallowed_origins = 'https://a.example.com/'", &[], &[]),
            "setting 'cors.allowed_origins', from the file glint.toml: must be origins such as https://console.example.com, or *, not 'https://a.example.com/'",
        ),
        (
            refusal("[download]\nredirect = 'yes'", &[], &[]),
            "setting 'download.redirect', from the file glint.toml: must be one of never, functions, always, not 'yes'",
        ),
        (
            refusal("", &[], &[("limits.page_max", "10")]),
            "setting 'limits.page_default', from the defaults: must be 1 to 10, not 25",
        ),
    ] {
        assert_eq!(said, expected);
    }
    assert!(refusal("listen = ", &[], &[]).starts_with("configuration file glint.toml: "));
}

#[test]
fn an_unknown_setting_is_refused_with_the_one_that_was_meant() {
    for (said, expected) in [
        (
            refusal("[tabel]\nadapter = 'sqlite'", &[], &[]),
            "unknown setting 'tabel.adapter' in the file glint.toml: did you mean 'table.adapter'?",
        ),
        (
            refusal("[table.adapter]\nx = 1", &[], &[]),
            "setting 'table.adapter', from the file glint.toml: must be a text, a whole number, true or false, not of type table",
        ),
        (
            refusal("", &[("GLINT_STORE_BUKET", "b")], &[]),
            "unknown setting 'GLINT_STORE_BUKET' in the variable GLINT_STORE_BUKET: did you mean GLINT_STORE_BUCKET?",
        ),
        (
            refusal("", &[("GLINT_BUCKET", "b")], &[]),
            "unknown setting 'GLINT_BUCKET' in the variable GLINT_BUCKET: did you mean GLINT_STORE_BUCKET?",
        ),
        (refusal("", &[], &[("colour", "red")]), "unknown setting 'colour' in the command line"),
    ] {
        assert_eq!(said, expected);
    }
}

#[test]
fn settings_must_fit_each_other() {
    assert!(refusal("[store]\nadapter = 's3'", &[], &[]).contains("'store.bucket'"));
    assert!(refusal("", &[("GLINT_TABLE_ADAPTER", "memory")], &[]).contains("both or neither"));
    assert!(refusal("", &[], &[("listen", "0.0.0.0:9292")]).contains("identity.none_on_any_address = true"));
    assert!(refusal("[queue]\nadapter = 'sqs'", &[], &[]).contains("'queue.url'"));
    assert!(refusal("stage = 'the first'", &[], &[]).contains("'stage'"));
    let open = load("[identity]\nnone_on_any_address = true", &[], &[("listen", "0.0.0.0:9292")]).unwrap();
    assert!(!open.listen.ip().is_loopback());
    let cloud = [
        ("GLINT_TABLE_ADAPTER", "dynamodb"),
        ("GLINT_STORE_ADAPTER", "s3"),
        ("GLINT_STORE_BUCKET", "images"),
        ("GLINT_STORE_ENDPOINT", ""),
        ("GLINT_QUEUE_ADAPTER", "sqs"),
        ("GLINT_QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/glint-jobs"),
    ];
    let cloud = load("", &cloud, &[]).unwrap();
    assert!(!cloud.uses_data_directory());
    assert_eq!(cloud.store.endpoint, None);
}

#[test]
fn every_setting_has_its_own_variable_and_reads_what_it_writes() {
    let mut variables: Vec<_> = SETTINGS.iter().map(Setting::variable).collect();
    variables.sort_unstable();
    variables.dedup();
    assert_eq!(variables.len(), SETTINGS.len());
    let mut config = Config::default();
    for setting in SETTINGS {
        (setting.set)(&mut config, &setting.default_text()).unwrap();
    }
    assert_eq!(config, Config::default());
}

#[test]
fn the_documentation_lists_every_setting() {
    let documented = include_str!("../../../docs/configuration.md");
    let (_, settings) = documented.split_once("## Settings").unwrap();
    let table: Vec<_> = settings.lines().filter(|line| line.starts_with('|')).collect();
    let expected = reference();
    assert!(
        table == expected.lines().collect::<Vec<_>>(),
        "the table of docs/configuration.md should be\n{expected}"
    );
}

#[test]
fn keystone_needs_its_url_and_credentials_of_one_kind() {
    let refused = |said: &[(&str, &str)]| {
        let said: Vec<_> = said.iter().map(|(key, value)| (format!("identity.{key}"), *value)).collect();
        let said: Vec<_> = said.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        load("", &[], &said).err().map(|error| error.to_string())
    };
    let (mode, url) = (("mode", "keystone"), ("keystone.auth_url", "https://keystone.example.com/v3"));
    let (id, secret) =
        (("keystone.application_credential_id", "c"), ("keystone.application_credential_secret", "hush"));
    let user =
        [("keystone.username", "glint"), ("keystone.password", "hush"), ("keystone.project_name", "service")];
    for (said, key) in [
        (vec![mode], "auth_url"),
        (vec![mode, url], "application_credential_id"),
        (vec![mode, id, secret], "auth_url"),
        (vec![mode, url, id], "application_credential_secret"),
        (vec![mode, url, secret], "application_credential_id"),
        (vec![mode, url, user[0], user[2]], "password"),
        (vec![mode, url, user[0], user[1]], "project_name"),
        (vec![mode, url, user[1], user[2]], "username"),
        (vec![mode, url, id, secret, user[1]], "password"),
        (vec![id], "application_credential_secret"),
        (vec![("keystone.auth_url", "keystone:5000")], "auth_url"),
        (vec![("keystone.www_authenticate_uri", "keystone")], "www_authenticate_uri"),
        (vec![("keystone.cache_seconds", "3601")], "cache_seconds"),
        (vec![("keystone.timeout_seconds", "0")], "timeout_seconds"),
    ] {
        let why = refused(&said).unwrap();
        assert!(why.starts_with(&format!("setting 'identity.keystone.{key}', from ")), "{said:?}: {why}");
        assert!(!why.contains("hush"), "{why}");
    }
    assert_eq!(refused(&[mode, url, id, secret]), None);
    assert_eq!(refused(&[mode, url, user[0], user[1], user[2]]), None);
    assert_eq!(refused(&[url]), None, "a function that only says where to authenticate");
}

#[test]
fn a_store_of_azure_needs_a_container_an_account_and_one_kind_of_leave() {
    let of = |lines: &[&str]| format!("[stores.far]\nadapter = 'azblob'\n{}\n", lines.join("\n"));
    let (container, account) = ("container = 'images'", "account_name = 'glint'");
    let (key, token) = ("account_key = 'aHVzaA=='", "sas_token = '?sig=aHVzaA'");
    for (lines, why) in [
        (vec![account, key], "far.container must name the container when the store's adapter is azblob"),
        (vec![container, key], "far.account_name must name the account when the store's adapter is azblob"),
        (vec![container, account], "far.account_key must be set when the store's adapter is azblob"),
        (vec![container, account, key, token], "or else sas_token, and not both"),
        (vec![container, account, key, "timeout_seconds = 301"], "far.timeout_seconds must be 1 to 300"),
    ] {
        let told = refusal(&of(&lines), &[], &[]);
        assert!(told.contains(why) && !told.contains("aHVzaA"), "{told}");
    }
    let (far, other) = (of(&[container, account, key]), of(&[container, account, token]));
    load(&far, &[], &[]).unwrap();
    let twice = format!("{far}{}", other.replace("far", "other"));
    assert!(refusal(&twice, &[], &[]).contains("store 'other' lies where another does"));
}

#[test]
fn a_store_of_google_needs_a_bucket_and_a_key() {
    let of = |lines: &[&str]| format!("[stores.far]\nadapter = 'gcs'\n{}\n", lines.join("\n"));
    let (bucket, key) = ("bucket = 'images'", "access_key_id = 'GOOG1E'\nsecret_access_key = 'hush'");
    for (lines, why) in [
        (vec![key], "far.bucket must name the bucket when the store's adapter is gcs"),
        (vec![bucket], "far.access_key_id must be the access id of an HMAC key"),
    ] {
        let told = refusal(&of(&lines), &[], &[]);
        assert!(told.contains(why) && !told.contains("hush"), "{told}");
    }
    load(&of(&[bucket, key]), &[], &[]).unwrap();
}

#[test]
fn a_store_in_swift_needs_a_container_and_who_gives_tokens() {
    let v1 = "auth_version = '1'\nusername = 'test:tester'\npassword = 'hush'";
    let url = "auth_url = 'https://swift.example/auth/v1.0'";
    let of = |lines: &[&str]| format!("[stores.far]\nadapter = 'swift'\n{}\n", lines.join("\n"));
    let container = "container = 'images'";
    for (lines, why) in [
        (vec![url, v1], "far.container must name the container when the store's adapter is swift"),
        (vec![container, v1], "far.auth_url must say who gives tokens when the store's adapter is swift"),
        (vec![container, url], "far.application_credential_id must be set together with its secret"),
        (
            vec![container, url, "auth_version = '1'\nusername = 'test:tester'"],
            "far.username must be set together with password when auth_version is 1",
        ),
        (vec![container, url, v1, "timeout_seconds = 0"], "far.timeout_seconds must be 1 to 300"),
        (vec![container, url, v1, "seal_key = 'hush'"], "far.seal_key must have 32 characters or more"),
        (vec![container, url, v1, "interface = 'own'"], "must be one of public, internal, admin, not 'own'"),
    ] {
        let told = refusal(&of(&lines), &[], &[]);
        assert!(told.contains(why) && !told.contains("hush"), "{told}");
    }
    let far = of(&[container, url, v1]);
    load(&far, &[], &[]).unwrap();
    let twice = far.clone() + &far.replace("far", "near");
    assert!(refusal(&twice, &[], &[]).contains("store 'near' lies where another does"));
}

#[test]
fn what_is_only_read_is_not_the_default_store() {
    let told = refusal("[store]\nadapter = 'http'", &[], &[]);
    assert!(told.contains("nothing can be written to http"), "{told}");
    load("[stores.web]\nadapter = 'http'", &[], &[]).unwrap();
}

#[test]
fn a_key_manager_needs_what_it_is_reached_by() {
    for (toml, told) in [
        ("key_manager = 'directory'", "'signatures.directory'"),
        ("key_manager = 'barbican'", "'signatures.barbican_endpoint'"),
        ("key_manager = 'barbican'\nbarbican_endpoint = 'barbican'", "must be a URL such as"),
        ("key_manager = 'vault'", "must be one of none, directory, barbican, not 'vault'"),
        ("barbican_timeout_seconds = 26", "must be 1 to 25, not 26"),
        ("trusted_certificates = 'me'", "'signatures.trusted_certificates'"),
        ("trusted_certificates_file = '/nonexistent'", "cannot read /nonexistent"),
    ] {
        let error = refusal(&format!("[signatures]\n{toml}"), &[], &[]);
        assert!(error.contains(told), "{toml}: {error}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let pem = "-----BEGIN CERTIFICATE-----\n";
    std::fs::write(file.path(), pem).unwrap();
    let path = file.path().display();
    let of_file = load(&format!("[signatures]\ntrusted_certificates_file = '{path}'"), &[], &[]).unwrap();
    let of_text = load("", &[("GLINT_SIGNATURES_TRUSTED_CERTIFICATES", pem)], &[]).unwrap();
    for (config, key) in
        [(of_file, "signatures.trusted_certificates_file"), (of_text, "signatures.trusted_certificates")]
    {
        let (told, trusted) = config.signatures.trusted().unwrap();
        assert_eq!((told, trusted.as_str()), (key, pem));
    }
    let both = format!("[signatures]\ntrusted_certificates_file = '{path}'");
    let error = refusal(&both, &[("GLINT_SIGNATURES_TRUSTED_CERTIFICATES", pem)], &[]);
    assert!(error.contains("must not be set beside"), "{error}");
}

#[test]
fn a_table_within_a_table_is_read_and_a_secret_in_it_never_shown() {
    let toml = "[identity]\nmode = 'keystone'\n[identity.keystone]\nauth_url = 'http://k:5000'\n\
                application_credential_id = 'c'\napplication_credential_secret = 'hush'\ncache_seconds = 5";
    let config = load(toml, &[], &[]).unwrap();
    let keystone = &config.identity.keystone;
    assert_eq!((config.identity.mode, keystone.cache_seconds), (IdentityMode::Keystone, 5));
    assert_eq!(keystone.credentials.application_credential_secret.as_ref().map(Secret::reveal), Some("hush"));
    assert!(!format!("{config:?}").contains("hush"));
    assert_eq!(
        refusal("[identity.keystone]\nauth_urls = 'x'", &[], &[]),
        "unknown setting 'identity.keystone.auth_urls' in the file glint.toml: did you mean 'identity.keystone.auth_url'?"
    );
}

#[test]
fn with_keystone_any_address_may_be_listened_on_and_without_it_none() {
    let keystone = "[identity.keystone]\nauth_url = 'http://k:5000'\napplication_credential_id = 'c'\n\
                    application_credential_secret = 's'";
    let listen = [("listen", "0.0.0.0:9292")];
    assert!(load(&format!("identity.mode = 'keystone'\n{keystone}"), &[], &listen).is_ok());
    assert!(refusal(keystone, &[], &listen).contains("identity.mode none lets everybody do everything"));
}

#[test]
fn rules_are_read_with_the_setting_and_a_bad_one_stops_the_start_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.yaml");
    let file = path.to_str().unwrap();
    let of_file = |text: &str| {
        std::fs::write(&path, text).unwrap();
        load("", &[], &[("policy.file", file)])
    };
    assert_eq!(
        of_file("get_image: role:a").unwrap().policy.rules().unwrap().text("get_image"),
        Some(("role:a", true))
    );
    for (text, why) in [
        ("\nget_image: role", "line 2: rule 'get_image': 'role' is no check"),
        ("{", "line "),
        ("#\nget_imag: '@'", "line 2: 'get_imag' is neither an operation nor named by another rule"),
    ] {
        let refused = of_file(text).unwrap_err().to_string();
        let expected = format!("setting 'policy.file', from the command line: {file}, {why}");
        assert!(refused.starts_with(&expected), "{refused}");
    }
    let absent = refusal("", &[], &[("policy.file", "/nonexistent/policy.yaml")]);
    assert!(
        absent
            .contains("setting 'policy.file', from the command line: cannot read /nonexistent/policy.yaml: ")
    );

    let rules = ("GLINT_POLICY_RULES", "{\"get_image\": \"role:a\"}");
    assert_eq!(
        load("", &[rules], &[]).unwrap().policy.rules().unwrap().text("get_image"),
        Some(("role:a", true))
    );
    for text in ["get_image: role", "a: role:b"] {
        let refused = refusal("", &[("GLINT_POLICY_RULES", text)], &[]);
        assert!(
            refused.starts_with("setting 'policy.rules', from the variable GLINT_POLICY_RULES: line 1: "),
            "{refused}"
        );
    }
    std::fs::write(&path, "").unwrap();
    assert!(refusal("", &[rules], &[("policy.file", file)]).contains("must not be set beside policy.file"));
}

#[test]
fn protections_are_read_with_their_setting_and_held_against_the_rules() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("protections.conf");
    let file = path.to_str().unwrap();
    let value = |rule: &str| format!("[^x_]\ncreate = {rule}\nread = @\nupdate = @\ndelete = @\n");
    let of_file = |text: &str, more: &[(&str, &str)]| {
        std::fs::write(&path, text).unwrap();
        let flags = [&[("policy.property_protections_file", file)], more].concat();
        load("", &[], &flags).map_err(|error| error.to_string())
    };
    let refused = |why: &str| {
        Err(format!("setting 'policy.property_protections_file', from the command line: {file}, {why}"))
    };
    let policies = ("policy.property_protections_format", "policies");
    let rules = ("policy.rules", "spl: role:spl");
    assert!(of_file(&value("spl,admin"), &[]).is_ok());
    assert_eq!(
        of_file("[^x_]\ncreate = spl", &[]),
        refused("line 1: section [^x_] must have create, read, update and delete: 'read' is missing")
    );
    assert_eq!(
        of_file(&value("spl,admin"), &[policies]),
        refused("line 2: a value is one rule of the policy")
    );
    assert_eq!(of_file(&value("spl"), &[policies]), refused("line 2: there is no rule 'spl'"));
    let config = of_file(&value("spl"), &[policies, rules]).unwrap();
    assert_eq!(
        config.policy.check(&crate::policy::Rules::default()),
        Err("for the property protections, line 2: there is no rule 'spl'".to_owned())
    );
    assert!(
        of_file(&value("spl"), &[rules])
            .unwrap_err()
            .contains("'spl' is neither an operation nor named by another rule")
    );
    let text = ("policy.property_protections", value("@"));
    assert!(load("", &[], &[(text.0, &text.1)]).is_ok());
    assert!(of_file(&value("@"), &[(text.0, &text.1)]).unwrap_err().contains("must not be set beside"));
    assert!(
        refusal("", &[], &[("policy.property_protections_format", "rules")])
            .contains("must be one of roles, policies")
    );
}

#[test]
fn checks_of_data_are_known_by_name() {
    let set =
        |text| load("", &[], &[("image.format_checks_allowed", text)]).unwrap().image.format_checks_allowed;
    assert_eq!(set("mbr, gptmbr"), [Check::Mbr, Check::GptMbr]);
    assert_eq!(set(" "), []);
    let refused = refusal("", &[], &[("image.format_checks_allowed", "mbr,gpt")]);
    assert!(refused.contains("must be some of backing_file, data_file, "), "{refused}");
    assert!(refused.ends_with("not 'mbr,gpt'"), "{refused}");
    assert!(refusal("", &[], &[("image.require_format_match", "no")]).contains("must be true or false"));
    let config = load("[image]\nrequire_format_match = false", &[], &[]).unwrap();
    assert_eq!(config.image.rules(), Rules { require_match: false, allowed: vec![] });
}

#[test]
fn ways_to_import_are_named_each_once() {
    let methods = |text| load("", &[], &[("import.methods", text)]).unwrap().import.methods;
    assert_eq!(methods("glance-direct"), [ImportMethod::GlanceDirect]);
    for none in ["", " "] {
        assert_eq!(methods(none), []);
    }
    for wrong in ["carrier-pigeon", "glance-direct,glance-direct", "glance-direct,", "Glance-Direct"] {
        let refused = refusal("", &[], &[("import.methods", wrong)]);
        assert!(refused.contains("must be some of glance-direct"), "{wrong}: {refused}");
    }
}

#[test]
fn plugins_of_import_are_named_with_what_they_do() {
    let toml = "[import]\nplugins = 'image_conversion, inject_image_metadata'\noutput_format = 'qcow2'\n\
                inject = 'hw_disk_bus:scsi'\ninject_ignore_user_roles = 'admin,service'\nmax_ratio = 50";
    let plugins = load(toml, &[], &[]).unwrap().import.plugins;
    assert_eq!(plugins.enabled, [Plugin::ImageConversion, Plugin::InjectImageMetadata]);
    assert_eq!((plugins.output_format, plugins.max_ratio), (OutputFormat::Qcow2, 50));
    assert_eq!(plugins.inject.to_string(), "hw_disk_bus:scsi");
    assert_eq!(plugins.ignore_user_roles, ["admin", "service"]);
    for (said, why) in [
        ("plugins = 'no_op'", "must be some of inject_image_metadata, image_decompression, image_conversion"),
        ("output_format = 'vmdk'", "must be one of raw, qcow2, not 'vmdk'"),
        ("max_ratio = 0", "must be 1 to 1000000, not 0"),
        ("inject = 'size:1'", "'import.inject', from the file glint.toml: "),
        (
            "inject = 'a:b'",
            "'import.inject', from the file glint.toml: needs inject_image_metadata in import.plugins",
        ),
    ] {
        let told = refusal(&format!("[import]\n{said}"), &[], &[]);
        assert!(told.contains(why), "{told}");
    }
}
