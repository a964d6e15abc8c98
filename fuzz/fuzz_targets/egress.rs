//! URLs, redirects, and ways to write an address: the first byte says which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::egress::properties::{any_url_is_judged, any_way_to_write_an_address_is_refused_or_plain};

fuzz_target!(|bytes: &[u8]| {
    match bytes {
        [0, way, a, b, c, d, ..] => any_way_to_write_an_address_is_refused_or_plain([*a, *b, *c, *d], *way),
        [_, text @ ..] => any_url_is_judged(&String::from_utf8_lossy(text)),
        [] => {}
    }
});
