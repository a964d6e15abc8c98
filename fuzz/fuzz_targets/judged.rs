//! Whatever is declared, any bytes are judged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::format::properties::any_bytes_are_judged;

fuzz_target!(|bytes: &[u8]| any_bytes_are_judged(bytes));
