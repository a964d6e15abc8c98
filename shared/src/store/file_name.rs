//! Names that images' data is saved by (RFC 6266, RFC 8187).

use crate::text::escaped;

/// Bytes of a name at most: file systems take 255, and browsers add to it.
const MOST_BYTES: usize = 200;

/// The name of a file, as it may be told to somebody who saves it: without control characters, ways out of a directory, or marks
/// that turn the reading direction and so hide what a name ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// The name of what somebody called so; `otherwise` where nothing is left of it.
    pub fn of(name: &str, otherwise: &str) -> Self {
        let mut text = String::new();
        for letter in name.trim().chars().map(|letter| if is_unsafe(letter) { '_' } else { letter }) {
            if text.len() + letter.len_utf8() > MOST_BYTES {
                break;
            }
            // A file whose name begins with a dot is hidden, `..` is no file.
            text.push(if text.is_empty() && letter == '.' { '_' } else { letter });
        }
        let text = text.trim_end();
        Self(if text.is_empty() { otherwise.to_owned() } else { text.to_owned() })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of `Content-Disposition` that has a browser save by this name. ASCII alone, in one line.
    pub fn disposition(&self) -> String {
        let plain = |letter: char| letter == ' ' || (letter.is_ascii_graphic() && !"\"%\\".contains(letter));
        let fallback: String =
            self.0.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
        let exact = if fallback == self.0 {
            String::new()
        } else {
            format!("; filename*=UTF-8''{}", escaped(&self.0, b"!#$&+-.^_`|~"))
        };
        format!("attachment; filename=\"{fallback}\"{exact}")
    }

    /// The name as it stands in a query.
    pub(crate) fn in_query(&self) -> String {
        escaped(&self.0, b"-._~")
    }
}

fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '/' | '\\' | '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}')
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_told_so_that_it_can_be_saved() {
        for (name, told) in [
            ("web", r#"attachment; filename="web""#),
            ("Debian 12 (cloud).qcow2", r#"attachment; filename="Debian 12 (cloud).qcow2""#),
            ("a\"b", r#"attachment; filename="a_b"; filename*=UTF-8''a%22b"#),
            ("50%", r#"attachment; filename="50_"; filename*=UTF-8''50%25"#),
            ("Zürich", r#"attachment; filename="Z_rich"; filename*=UTF-8''Z%C3%BCrich"#),
            ("日本", r#"attachment; filename="__"; filename*=UTF-8''%E6%97%A5%E6%9C%AC"#),
            ("a\r\nSet-Cookie: x", r#"attachment; filename="a__Set-Cookie: x""#),
            ("../../etc/passwd", r#"attachment; filename="_._.._etc_passwd""#),
            ("c:\\boot.ini", r#"attachment; filename="c:_boot.ini""#),
            ("safe\u{202e}gpj.exe", r#"attachment; filename="safe_gpj.exe""#),
            ("", r#"attachment; filename="id""#),
            (" \t ", r#"attachment; filename="id""#),
        ] {
            assert_eq!(FileName::of(name, "id").disposition(), told, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn no_name_breaks_out_of_its_header(name in any::<String>()) {
            let name = FileName::of(&name, "id");
            let told = name.disposition();
            prop_assert!(told.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{told}");
            let quoted = told.strip_prefix("attachment; filename=\"").and_then(|rest| rest.split_once('"'));
            let (fallback, rest) = quoted.unwrap();
            prop_assert!(!fallback.is_empty() && !fallback.contains(['/', '\\']) && !fallback.starts_with('.'));
            prop_assert!(rest.is_empty() || rest.starts_with("; filename*=UTF-8''"));
            prop_assert!(!rest.contains('"') && rest.matches(';').count() <= 1);
            prop_assert!(name.as_str().len() <= MOST_BYTES);
            prop_assert_eq!(&FileName::of(name.as_str(), "id"), &name);
        }
    }
}
