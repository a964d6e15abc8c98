//! Bytes as hexadecimal digits: digests and the signatures of URLs.

use std::fmt::Write as _;

/// Two digits a byte, in lower case.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of digits in either case; `None` when anything else is among them, or one is left over.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| {
        let digits = str::from_utf8(pair).ok().filter(|digits| digits.len() == 2)?;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
    };
    text.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(decode(&encode(&bytes).to_uppercase()), Some(bytes));
        }
    }

    #[test]
    fn what_is_no_pair_of_digits_is_nothing() {
        for text in ["0", "0g", "+f", "00f", "é", " 0"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
