//! Images of every format with data in them, written over anywhere.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::convert::properties;

fuzz_target!(|script: &[u8]| properties::patched_images_are_converted_or_refused(script));
