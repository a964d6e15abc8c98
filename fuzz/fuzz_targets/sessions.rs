//! What clients of upload sessions send, and what one worker leaves to the next: the first byte says which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::store::properties::{
    a_seal_is_good_for_one_part, any_request_is_read, pages_hold_each_part_once,
};
use shared::transfer::properties::any_saved_state_is_gone_on_from_or_refused;

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    match which % 4 {
        0 => any_request_is_read(bytes),
        1 => pages_hold_each_part_once(bytes),
        2 => a_seal_is_good_for_one_part(bytes),
        _ => any_saved_state_is_gone_on_from_or_refused(bytes),
    }
});
