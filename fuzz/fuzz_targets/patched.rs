//! Images of every format, written over anywhere.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::format::properties::patched_images_are_judged;

fuzz_target!(|bytes: &[u8]| patched_images_are_judged(bytes));
