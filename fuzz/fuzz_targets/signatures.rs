//! Certificates, what properties say of a signature, and saved verifiers: the first byte says which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::signature::properties::{
    any_certificate_is_judged, any_declaration_is_read, any_saved_verifier_is_gone_on_from,
    patched_certificates_are_judged,
};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    match which % 4 {
        0 => any_certificate_is_judged(bytes),
        1 => patched_certificates_are_judged(bytes),
        2 => any_declaration_is_read(&String::from_utf8_lossy(bytes)),
        _ => any_saved_verifier_is_gone_on_from(&String::from_utf8_lossy(bytes)),
    }
});
