//! A stream that is cut anywhere is what the whole is: the first bytes say where.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::format::properties::any_split_is_the_same;

fuzz_target!(|bytes: &[u8]| {
    let (lengths, bytes) = bytes.split_at(bytes.len().min(8));
    let lengths: Vec<_> = lengths
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte)))
        .collect();
    any_split_is_the_same(bytes, &lengths);
});
