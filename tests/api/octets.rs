//! What every request that brings an image's bytes says of them in its headers.

use tests::request::Answer;

use super::Lines;

pub(super) const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");

/// Three bytes are brought under each size.
pub(super) async fn sizes_must_come_true(announce: impl AsyncFn(&[(&str, &str)]) -> Answer) {
    let mut lines = Lines::default();
    for size in ["3", "0", "2", "4", "many", "-1", "", "1048577", "18446744073709551616"] {
        lines.answer(size, &announce(&[OCTETS, ("x-openstack-image-size", size)]).await);
    }
    insta::allow_duplicates!(insta::assert_snapshot!(lines, @r#"
    3 → 204
    0 → 204
    2 → 400 the data exceeds the size announced, 2 bytes
    4 → 400 the size of the data received, 3 bytes, does not match the size announced, 4 bytes
    many → 400 x-openstack-image-size: must be a number of bytes, not 'many'
    -1 → 400 x-openstack-image-size: must be a number of bytes, not '-1'
     → 400 x-openstack-image-size: must be a number of bytes, not ''
    1048577 → 413 the data announced, 1048577 bytes, exceeds the limit of 1048576 bytes
    18446744073709551616 → 400 x-openstack-image-size: must be a number of bytes, not '18446744073709551616'
    "#));
}

/// Three bytes are brought as each media type.
pub(super) async fn only_octets_come_in(announce: impl AsyncFn(&[(&str, &str)]) -> Answer) {
    let mut lines = Lines::default();
    for kind in ["application/octet-stream; charset=x", "application/json", "text/plain", ""] {
        lines.answer(kind, &announce(&[("content-type", kind)]).await);
    }
    lines.answer("(none)", &announce(&[]).await);
    insta::allow_duplicates!(insta::assert_snapshot!(lines, @r#"
    application/octet-stream; charset=x → 204
    application/json → 415 the content type must be application/octet-stream, not 'application/json'
    text/plain → 415 the content type must be application/octet-stream, not 'text/plain'
     → 415 the content type must be application/octet-stream, not ''
    (none) → 415 the content type must be application/octet-stream, not ''
    "#));
}
