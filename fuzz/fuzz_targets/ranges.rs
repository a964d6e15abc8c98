//! Reading by ranges tells the same as the stream, within bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::format::properties::ranges_tell_what_the_stream_tells;

fuzz_target!(|bytes: &[u8]| ranges_tell_what_the_stream_tells(bytes));
