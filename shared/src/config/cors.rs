//! Scripts of which pages may ask.

use std::fmt;
use std::str::FromStr;

/// Scripts of which pages may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsConfig {
    /// Whose.
    pub allowed_origins: Origins,
    /// How long a browser remembers what it may send.
    pub max_age_seconds: u64,
}

impl Default for CorsConfig {
    fn default() -> Self {
        Self { allowed_origins: Origins::default(), max_age_seconds: 3600 }
    }
}

/// Origins as browsers write them, `null` for what has none, `*` for all; none is nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &String> {
        self.0.iter()
    }
}

impl FromStr for Origins {
    type Err = String;

    /// They are separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let origin = |origin: &str| {
            let fault =
                || format!("must be origins such as https://console.example.com, or *, not '{origin}'");
            is_origin(origin).then(|| origin.to_owned()).ok_or_else(fault)
        };
        origins.map(origin).collect::<Result<_, _>>().map(Self)
    }
}

/// Whether a browser may write an origin so: a scheme and a host, in small letters, no path, no port that is the scheme's own.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return ["*", "null"].contains(&text) };
    let is_small = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let own_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let whole = own_port.is_empty() || !host.ends_with(own_port);
    !scheme.is_empty()
        && scheme.bytes().all(|letter| is_small(letter) || b"+-.".contains(&letter))
        && !host.is_empty()
        && host.bytes().all(|letter| is_small(letter) || b"-._:[]".contains(&letter))
        && whole
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_says() {
        for right in [
            "*",
            "null",
            "https://console.example.com",
            "http://localhost:3000",
            "http://[::1]:8080",
            "app://-",
        ] {
            assert_eq!(right.parse::<Origins>().unwrap().to_string(), right);
        }
        for wrong in [
            "console.example.com",
            "https://console.example.com/",
            "https://Console.example.com",
            "https://console.example.com:443",
            "http://console.example.com:80",
            "https://*.example.com",
            "https://",
            "://x",
        ] {
            assert!(wrong.parse::<Origins>().unwrap_err().contains(wrong), "{wrong}");
        }
        assert_eq!(" https://a , https://b".parse::<Origins>().unwrap().iter().count(), 2);
        assert_eq!("".parse::<Origins>().unwrap().iter().count(), 0);
    }
}
