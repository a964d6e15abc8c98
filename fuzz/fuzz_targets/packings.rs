//! Any bytes, unpacked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::decompress::properties;

fuzz_target!(|bytes: &[u8]| properties::any_bytes_are_unpacked_within_bounds(bytes));
