//! The record of attacks on image services that fetch (OSSA-2026-004, LP 2152110, LP 2161330), and their kin.

use std::net::Ipv4Addr;

use shared::contract::fetch::drained;
use shared::egress::HostName;
use shared::identity::Token;

use super::*;

const UNREACHED: &str = "the source its host is not found, or lies in a network that is not fetched from";
const ODD: &str = "its host must be a name or a plainly written address";

/// A server that may be asked, and one of the inside that may not.
async fn outside_and_inside() -> (Origin, Origin) {
    (Origin::start().await, Origin::start_at(Ipv4Addr::new(127, 0, 0, 2)).await)
}

#[tokio::test]
async fn without_a_word_of_the_operator_this_machine_is_not_asked() {
    let origin = Origin::start().await;
    let names = Names::default();
    names.tell("images.example", &["127.0.0.1"]);
    let fetch = egress(Rules { ports: Choice::default(), ..Rules::default() }, &names);
    for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "images.example"] {
        let url = format!("http://{host}:{}/data", origin.address().port());
        refused(&fetch, &url).await;
    }
    assert!(origin.asked().is_empty());
    assert_eq!(names.asked(), ["images.example"]);
}

#[tokio::test]
async fn an_address_in_disguise_is_refused_before_anybody_is_asked() {
    let origin = Origin::start().await;
    let names = Names::default();
    let fetch = egress(here(), &names);
    let port = origin.address().port();
    for host in [
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "127.0.0.01",
        "%31%32%37.0.0.1",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
        "127\u{3002}0\u{3002}0\u{3002}1",
        "\u{2460}\u{2461}\u{2466}.0.0.1",
    ] {
        assert_eq!(
            refused(&fetch, &format!("http://{host}:{port}/data")).await,
            format!("the source {ODD}"),
            "{host}"
        );
    }
    assert!(origin.asked().is_empty() && names.asked().is_empty());
    for host in [
        "[::ffff:7f00:2]",
        "[64:ff9b::127.0.0.2]",
        "[2002:7f00:2::]",
        "[::127.0.0.2]",
        "[::ffff:0:127.0.0.2]",
    ] {
        let said = refused(&fetch, &format!("http://{host}:{port}/data")).await;
        assert!(said.starts_with("the source its address is "), "{host}: {said}");
    }
}

#[tokio::test]
async fn a_host_stands_where_everybody_looks_for_it() {
    let (fetch, names) = (egress(here(), &Names::default()), Names::default());
    for (url, why) in [
        ("http://127.0.0.1@10.0.0.1/", "must not hold a user or a password"),
        ("http://127.0.0.1:80@10.0.0.1/", "must not hold a user or a password"),
        ("http://10.0.0.1#@127.0.0.1/", "its address is private, and such addresses are not fetched from"),
        ("http://10.0.0.1?@127.0.0.1/", "its address is private, and such addresses are not fetched from"),
        ("http://10.0.0.1/@127.0.0.1/", "its address is private, and such addresses are not fetched from"),
        (
            "http://127.0.0.1\\@10.0.0.1/",
            "must be a URL with a host, without blanks, control characters and '\\'",
        ),
        (
            "http://127.0.0.1\t@10.0.0.1/",
            "must be a URL with a host, without blanks, control characters and '\\'",
        ),
        ("http:\\\\10.0.0.1/", "must be a URL with a host, without blanks, control characters and '\\'"),
        ("file:///etc/passwd", "its scheme must be http or https"),
        ("filesystem:///etc/passwd", "its scheme must be http or https"),
        ("gopher://127.0.0.1/_x", "its scheme must be http or https"),
    ] {
        assert_eq!(refused(&fetch, url).await, format!("the source {why}"), "{url}");
    }
    assert!(names.asked().is_empty());
}

#[tokio::test]
async fn a_redirect_is_followed_to_nothing_that_could_not_have_been_named() {
    let (outside, inside) = outside_and_inside().await;
    let names = Names::default();
    names.tell("images.example", &["127.0.0.1"]);
    names.tell("inside.example", &["127.0.0.2"]);
    let fetch = egress(here(), &names);
    let (near, far) = (outside.address().port(), inside.address().port());
    for (location, why) in [
        (inside.url("/data"), "the source its address is loopback, and such addresses are not fetched from"),
        (
            format!("//127.0.0.2:{far}/data"),
            "the source its address is loopback, and such addresses are not fetched from",
        ),
        (
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            "the source its address is link-local, and such addresses are not fetched from",
        ),
        (
            "http://10.0.0.1/".to_owned(),
            "the source its address is private, and such addresses are not fetched from",
        ),
        (
            "http://[::1]/".to_owned(),
            "the source its address is loopback, and such addresses are not fetched from",
        ),
        (
            format!("http://[::ffff:127.0.0.2]:{far}/data"),
            "the source its address is loopback, and such addresses are not fetched from",
        ),
        (
            "http://[fe80::1]/".to_owned(),
            "the source its address is link-local, and such addresses are not fetched from",
        ),
        (
            format!("http://2130706434:{far}/data"),
            "the source its host must be a name or a plainly written address",
        ),
        (format!("http://127.0.0.1@127.0.0.2:{far}/data"), "the source must not hold a user or a password"),
        (format!("http://inside.example:{far}/data"), UNREACHED),
        (format!("http://nobody.example:{near}/data"), UNREACHED),
        ("file:///etc/passwd".to_owned(), "the source its scheme must be http or https"),
        ("gopher://127.0.0.2/".to_owned(), "the source its scheme must be http or https"),
    ] {
        outside.redirect("/moved", &location);
        assert_eq!(refused(&fetch, &outside.url("/moved")).await, why, "{location}");
    }
    assert!(inside.asked().is_empty());
    outside.asked();
    outside.redirect("/moved", format!("http://IMAGES.example.:{near}/data#part"));
    let fetched = open(&fetch, &outside.url("/moved")).await.unwrap();
    assert_eq!(drained(fetched.body).await.0, bytes());
    let asked: Vec<_> =
        outside.asked().iter().map(|one| format!("{} {}", one.headers["host"], one.path)).collect();
    assert_eq!(asked, [format!("127.0.0.1:{near} /moved"), format!("images.example:{near} /data")]);
}

#[tokio::test]
async fn redirects_are_followed_five_times() {
    let origin = Origin::start().await;
    let fetch = egress(here(), &Names::default());
    origin.redirect("/loop", "/loop");
    assert_eq!(refused(&fetch, &origin.url("/loop")).await, "the source redirects more than 5 times");
    assert_eq!(origin.asked().len(), 6);
    for hop in 1..=4 {
        origin.redirect(&format!("/{hop}"), format!("{}", hop + 1));
    }
    origin.redirect("/5", "data");
    assert_eq!(drained(open(&fetch, &origin.url("/1")).await.unwrap().body).await.0, bytes());
    origin.redirect("/0", "1");
    assert_eq!(refused(&fetch, &origin.url("/0")).await, "the source redirects more than 5 times");
}

#[tokio::test]
async fn a_name_is_looked_up_once_a_connection_and_the_connection_goes_where_that_said() {
    let (outside, inside) = outside_and_inside().await;
    let names = Names::default();
    names.tell("rebound.example", &["127.0.0.1", "127.0.0.2"]);
    let fetch = egress(here(), &names);
    let url = format!("http://rebound.example:{}/data", outside.address().port());
    assert_eq!(drained(open(&fetch, &url).await.unwrap().body).await.0, bytes());
    assert_eq!(names.asked(), ["rebound.example"]);
    assert_eq!(outside.asked()[0].headers["host"], format!("rebound.example:{}", outside.address().port()));
    assert_eq!(refused(&fetch, &url).await, UNREACHED);
    // Between two hops it is another connection, and is judged again.
    names.tell("rebound.example", &["127.0.0.1", "127.0.0.2"]);
    outside.redirect("/data", "/data");
    assert_eq!(refused(&fetch, &url).await, UNREACHED);
    assert_eq!(outside.asked().len(), 1);
    assert!(inside.asked().is_empty());
}

#[tokio::test]
async fn of_a_names_addresses_all_may_be_asked_or_none_is() {
    let (outside, _inside) = outside_and_inside().await;
    let names = Names::default();
    let fetch = egress(here(), &names);
    let url = format!("http://both.example:{}/data", outside.address().port());
    for addresses in ["127.0.0.1 10.0.0.1", "::ffff:169.254.169.254 127.0.0.1", "127.0.0.1 127.0.0.2"] {
        names.tell("both.example", &[addresses]);
        assert_eq!(refused(&fetch, &url).await, UNREACHED);
    }
    assert!(outside.asked().is_empty());
    names.tell("both.example", &["::ffff:127.0.0.1 127.0.0.1"]);
    open(&fetch, &url).await.unwrap();
}

#[tokio::test]
async fn a_name_of_the_inside_is_told_of_no_more_than_one_that_is_none() {
    let names = Names::default();
    names.tell("vault.internal", &["10.0.0.7"]);
    names.tell("empty.internal", &[]);
    let fetch = egress(Rules::default(), &names);
    for host in ["vault.internal", "empty.internal", "nobody.internal"] {
        let error = open(&fetch, &format!("http://{host}/")).await.unwrap_err();
        assert_eq!(error.to_string(), UNREACHED, "{host}");
        assert!(!format!("{error:?}").contains("10.0.0.7"), "{error:?}");
        assert!(!error.is_passing());
    }
}

#[tokio::test]
async fn ports_and_hosts_are_held_to_at_every_hop() {
    let (one, other) = (Origin::start().await, Origin::start().await);
    let names = Names::default();
    for name in ["images.example", "mirror.example"] {
        names.tell(name, &["127.0.0.1"]);
    }
    let mut rules = here();
    rules.ports.allowed = vec![one.address().port()];
    let fetch = egress(rules, &names);
    one.redirect("/moved", other.url("/data"));
    for url in [other.url("/data"), one.url("/moved")] {
        let said = refused(&fetch, &url).await;
        assert_eq!(said, format!("the source its port is not allowed: it must be {}", one.address().port()));
    }
    let mut rules = here();
    let host = |name: &str| name.parse::<HostName>().unwrap();
    rules.hosts.disallowed = vec![host("mirror.example")];
    let fetch = egress(rules.clone(), &names);
    one.redirect("/moved", format!("http://MIRROR.Example.:{}/data", other.address().port()));
    assert_eq!(refused(&fetch, &one.url("/moved")).await, "the source its host is not allowed");
    rules.hosts.allowed = vec![host("images.example")];
    let fetch = egress(rules, &names);
    assert_eq!(refused(&fetch, &one.url("/data")).await, "the source its host is not allowed");
    open(&fetch, &format!("http://Images.EXAMPLE.:{}/data", one.address().port())).await.unwrap();
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn a_token_goes_to_no_other_server() {
    let (one, other) = (Origin::start().await, Origin::start().await);
    let fetch = egress(here(), &Names::default());
    one.redirect("/moved", other.url("/moved"));
    other.redirect("/moved", one.url("/data"));
    let token = Some(Token::new("hush"));
    let request = FetchRequest { token, ..FetchRequest::whole(fetch.check(&one.url("/moved")).unwrap()) };
    fetch.open(request).await.unwrap();
    let tokens = |origin: &Origin| {
        origin.asked().iter().map(|one| one.headers.get("x-auth-token").cloned()).collect::<Vec<_>>()
    };
    assert_eq!(tokens(&other), [None]);
    assert_eq!(tokens(&one), [Some("hush".to_owned()), Some("hush".to_owned())]);
}

#[tokio::test]
async fn a_request_says_no_more_than_it_must() {
    let origin = Origin::start().await;
    let fetch = egress(here(), &Names::default());
    open(&fetch, &origin.url("/data?a=b#c")).await.unwrap();
    let asked = origin.asked().remove(0);
    assert_eq!(asked.path, "/data?a=b");
    let expected = ["accept", "accept-encoding", "connection", "host", "user-agent"];
    assert_eq!(asked.headers.keys().collect::<Vec<_>>(), expected);
    assert_eq!(asked.headers["accept-encoding"], "identity");
}

#[tokio::test]
async fn a_secret_in_a_query_is_in_no_error() {
    let origin = Origin::start().await;
    let fetch = egress(here(), &Names::default());
    for path in ["/status/404", "/status/503", "/no-http"] {
        let error = open(&fetch, &origin.url(&format!("{path}?signature=hush"))).await;
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    }
}

#[tokio::test]
async fn nobody_listens_is_told_apart_from_a_refusal() {
    let gone = Origin::start().await.address();
    let fetch = egress(here(), &Names::default());
    let error = open(&fetch, &format!("http://{gone}/data")).await.unwrap_err();
    assert!(matches!(error, FetchError::Unavailable(_)), "{error:?}");
}
