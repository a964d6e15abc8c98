use super::*;

fn refused(rules: &Rules, url: &str) -> String {
    rules.check(url).map(|url| url.as_str().to_owned()).unwrap_err().to_string()
}

fn reaching(networks: &str) -> Rules {
    Rules { networks: networks.parse().unwrap(), ..Rules::default() }
}

const PLAIN: &str = "its host must be a name or a plainly written address";
const NONE: &str = "must be a URL with a host, without blanks, control characters and '\\'";
const CREDENTIALS: &str = "must not hold a user or a password";
const UNREACHED: &str = "its host is not found, or lies in a network that is not fetched from";

#[test]
fn a_url_is_read_in_one_form() {
    for (url, expected) in [
        ("http://images.example", "http://images.example/"),
        ("HTTPS://Images.EXAMPLE.:443/A?b#c", "https://images.example/A?b"),
        ("http://b\u{fc}cher.example/\u{fc}", "http://xn--bcher-kva.example/%C3%BC"),
        ("http://1a.example:/x", "http://1a.example/x"),
        ("http://images.example:443/../a", "http://images.example:443/a"),
        ("http://1.1.1.1/a@b", "http://1.1.1.1/a@b"),
        ("http://[2A00:1450::1]/", "http://[2a00:1450::1]/"),
        ("https://a_b.example/?u=http://127.0.0.1/", "https://a_b.example/?u=http://127.0.0.1/"),
    ] {
        assert_eq!(Rules::default().check(url).unwrap().as_str(), expected);
    }
}

#[test]
fn a_checked_url_tells_its_parts_and_keeps_its_query_to_itself() {
    let url = Rules::default().check("http://images.example:443/a?signature=hush").unwrap();
    let parts = (url.scheme(), url.host(), url.port(), url.authority(), url.path_and_query(), url.address());
    assert_eq!(parts, (Scheme::Http, "images.example", 443, "images.example:443", "/a?signature=hush", None));
    assert_eq!(format!("{url} {url:?}"), "http://images.example:443/a http://images.example:443/a");
    let address = Rules::default().check("http://[2600::1]/").unwrap();
    assert_eq!((address.host(), address.address()), ("2600::1", Some("2600::1".parse().unwrap())));
}

#[test]
fn each_refusal_says_its_rule() {
    let rules = Rules::default();
    for (url, why) in [
        ("", NONE),
        ("images.example/a", NONE),
        ("http:images.example/a", NONE),
        ("http:///images.example/a", NONE),
        ("http://:80/a", NONE),
        ("http://images.example\\@1.1.1.1/", NONE),
        ("http://images.example/a b", NONE),
        ("http://images.example/\t", NONE),
        ("file:///etc/passwd", "its scheme must be http or https"),
        ("filesystem:///etc/passwd", "its scheme must be http or https"),
        ("swift+config://images.example/a", "its scheme must be http or https"),
        ("ftp://images.example/a", "its scheme must be http or https"),
        ("http://user@images.example/", CREDENTIALS),
        ("http://user:pass@images.example/", CREDENTIALS),
        ("http://@images.example/", CREDENTIALS),
        ("http://images.example@10.0.0.1/", CREDENTIALS),
        ("http://images.example:22/", "its port is not allowed: it must be 80 or 443"),
        ("http://images.example:0/", "its port is not allowed: it must be 80 or 443"),
        ("http://images.example:99999/", "its port is not allowed"),
        ("http://2130706433/", PLAIN),
        ("http://0x7f000001/", PLAIN),
        ("http://127.1/", PLAIN),
        ("http://0177.0.0.1/", PLAIN),
        ("http://127.0.0.1./", PLAIN),
        ("http://\u{ff11}27.0.0.1/", PLAIN),
        ("http://127\u{3002}0\u{3002}0\u{3002}1/", PLAIN),
        ("http://%31%32%37.0.0.1/", PLAIN),
        ("http://images%2eexample/", PLAIN),
        ("http://a..example/", PLAIN),
        ("http://[fe80::1%25eth0]/", PLAIN),
        ("http://example.123/", PLAIN),
        ("http://127.0.0.1/", "its address is loopback, and such addresses are not fetched from"),
        (
            "http://10.0.0.1#@images.example/",
            "its address is private, and such addresses are not fetched from",
        ),
        (
            "http://10.0.0.1?@images.example/",
            "its address is private, and such addresses are not fetched from",
        ),
        (
            "http://169.254.169.254/latest",
            "its address is link-local, and such addresses are not fetched from",
        ),
        ("http://[::ffff:a9fe:a9fe]/", "its address is link-local, and such addresses are not fetched from"),
        ("http://[64:ff9b::10.0.0.1]/", "its address is private, and such addresses are not fetched from"),
        ("http://localhost/", UNREACHED),
        ("http://x.LOCALHOST./", UNREACHED),
    ] {
        assert_eq!(refused(&rules, url), why, "{url}");
    }
    let long = format!("http://images.example/{}", "a".repeat(MAX_URL_BYTES));
    assert_eq!(refused(&rules, &long), "must be at most 4096 bytes");
    let grows = format!("http://images.example/{}", "\u{fc}".repeat(MAX_URL_BYTES / 4));
    assert_eq!(refused(&rules, &grows), "must be at most 4096 bytes");
    assert_eq!(refused(&rules, &format!("http://{}.example/", "a".repeat(64))), PLAIN);
}

#[test]
fn what_is_allowed_wins_over_what_is_disallowed() {
    let hosts = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<HostName>>();
    let mut rules = Rules::default();
    rules.hosts.disallowed = hosts(&["Evil.example.", "XN--bcher-kva.example"]);
    for url in [
        "http://evil.example/",
        "http://EVIL.example./",
        "http://xn--bcher-kva.example/",
        "http://b\u{fc}cher.example/",
    ] {
        assert_eq!(refused(&rules, url), "its host is not allowed");
    }
    rules.check("http://not.evil.example/").unwrap();
    rules.hosts.allowed = hosts(&["evil.example", "[2600::1]", "2600::2"]);
    for url in ["http://evil.example/", "http://[2600:0::1]/", "http://[2600::2]/"] {
        rules.check(url).unwrap();
    }
    assert_eq!(refused(&rules, "http://images.example/"), "its host is not allowed");

    let mut rules = Rules { ports: Choice { allowed: vec![], disallowed: vec![25] }, ..Rules::default() };
    rules.check("http://images.example:8080/").unwrap();
    assert_eq!(refused(&rules, "http://images.example:25/"), "its port is not allowed");
    assert_eq!(refused(&rules, "http://images.example:0/"), "its port is not allowed");
    rules.schemes = Choice { allowed: vec![Scheme::Https], disallowed: vec![Scheme::Https] };
    assert_eq!(refused(&rules, "http://images.example/"), "its scheme must be https");
    rules.check("https://images.example/").unwrap();
}

#[test]
fn a_host_that_is_allowed_is_not_reached_at_any_address() {
    let mut rules = Rules::default();
    rules.hosts.allowed = vec!["127.0.0.1".parse().unwrap(), "localhost".parse().unwrap()];
    assert!(rules.check("http://127.0.0.1/").is_err());
    assert!(rules.check("http://localhost/").is_err());
}

#[test]
fn networks_that_are_allowed_are_reached_in_every_form_and_no_others() {
    let rules = reaching("10.1.0.0/16, 127.0.0.0/8, fd00:1::/32");
    for host in
        ["10.1.2.3", "127.0.0.1", "[::ffff:10.1.2.3]", "[64:ff9b::10.1.2.3]", "[fd00:1::7]", "localhost"]
    {
        rules.check(&format!("http://{host}/")).unwrap();
    }
    for host in ["10.2.0.1", "169.254.169.254", "[fd00:2::7]", "[::ffff:10.2.0.1]", "[::1]"] {
        assert!(refused(&rules, &format!("http://{host}/")).starts_with("its address is "), "{host}");
    }
    assert_eq!(rules.reach("10.2.0.1".parse().unwrap()), Err(AddressClass::Private));
    assert_eq!(rules.reach("10.1.0.1".parse().unwrap()), Ok(()));
}

#[test]
fn a_redirect_is_judged_as_if_it_had_been_named() {
    let rules = Rules::default();
    let base = rules.check("https://images.example/a/b?c").unwrap();
    for (location, expected) in [
        ("/x", "https://images.example/x"),
        ("x?y#z", "https://images.example/a/x?y"),
        ("", "https://images.example/a/b?c"),
        ("//other.example/x", "https://other.example/x"),
        ("https://other.example:443/x", "https://other.example/x"),
    ] {
        assert_eq!(rules.follow(&base, location).unwrap().as_str(), expected);
    }
    for (location, why) in [
        ("http://images.example/", "redirects from https to http"),
        ("https://10.0.0.1/", "its address is private, and such addresses are not fetched from"),
        ("//169.254.169.254/x", "its address is link-local, and such addresses are not fetched from"),
        ("//0x7f.1/x", PLAIN),
        ("//user@images.example/x", CREDENTIALS),
        ("file:///etc/passwd", "its scheme must be http or https"),
        ("https:10.0.0.1/", NONE),
        ("https:///10.0.0.1/", NONE),
        ("/\\10.0.0.1/", NONE),
        ("//", NONE),
        ("//images.example:22/", "its port is not allowed: it must be 80 or 443"),
    ] {
        assert_eq!(rules.follow(&base, location).unwrap_err().to_string(), why, "{location}");
    }
    let plain = rules.check("http://images.example/").unwrap();
    rules.follow(&plain, "https://images.example/").unwrap();
    // What is no host after a third slash is a path of the same.
    assert_eq!(rules.follow(&plain, "a//10.0.0.1/").unwrap().host(), "images.example");
}

#[test]
fn what_is_no_host_is_no_rule() {
    for wrong in [
        "",
        ".",
        "a b",
        "http://a",
        "a/",
        "a:80",
        "user@a",
        "a?b",
        "a..b",
        "127.1",
        "1.2.3.4.",
        "a.0x7f",
        "a.0X",
        "7",
        "[::1]:80",
        "[127.0.0.1]",
        "[a]",
        "::1%eth0",
        "*.example",
        "b\u{fc}cher.example",
    ] {
        let told = wrong.parse::<HostName>();
        assert_eq!(
            told,
            Err(format!("must be a name in ASCII ('xn--…') or an address, without a port, not '{wrong}'"))
        );
    }
    assert_eq!("[::1]".parse::<HostName>().unwrap().to_string(), "::1");
}

#[test]
fn a_rule_names_a_host_as_its_url_is_read() {
    for host in
        ["A.Example.", "a_b", "1a.example", "0x7f.example", "[::ffff:1.1.1.1]", "2600:0:0::1", "1.1.1.1"]
    {
        let url =
            if host.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.to_owned() };
        let read = Rules::default().check(&format!("http://{url}/")).unwrap();
        assert_eq!(host.parse::<HostName>(), Ok(HostName::of(&read)));
    }
}
