//! What holds for any saved state of a hash: the body of a property test and of a fuzz target.

use super::Hashing;
use crate::error::Error;
use crate::store::HashState;
use crate::store::properties::patched;

/// A saved state, written over anywhere or cut short, is gone on from as it says, or is an error of the service's; it never
/// becomes another. The first two bytes say where it is cut.
pub fn any_saved_state_is_gone_on_from_or_refused(script: &[u8]) {
    let Ok(fresh) = Hashing::from(None, None) else { return };
    let state = fresh.save();
    let (cut, script) = script.split_at(script.len().min(2));
    let cut = cut.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let mut both = [state.md5.as_slice(), &state.sha512].concat();
    both = patched(both, script);
    both.truncate(if cut == 0 { both.len() } else { cut });
    let sha512 = both.split_off(state.md5.len().min(both.len()));
    let saved = HashState { bytes: 0, md5: both, sha512, signed: None };
    match Hashing::from(Some(&saved), None) {
        Ok(resumed) => {
            assert_eq!(resumed.bytes(), saved.bytes);
            assert_eq!(resumed.save(), saved);
            let (digests, signed) = resumed.finish();
            assert_eq!((digests.md5.len(), digests.sha512.len(), signed), (32, 128, None));
        }
        Err(error) => assert!(matches!(error, Error::Internal(_)), "{error:?}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn states(script in vec(any::<u8>(), 0..32)) {
            any_saved_state_is_gone_on_from_or_refused(&script);
        }

        #[test]
        fn whole_states(script in vec(any::<u8>(), 0..32)) {
            any_saved_state_is_gone_on_from_or_refused(&[&[0, 0][..], &script].concat());
        }
    }
}
