//! `glint settings`: what can be told, for reading at a terminal.

use shared::config::SETTINGS;

/// Every setting: its key and variable on one line, what it decides below.
pub(crate) fn list() -> String {
    let one = |setting: &shared::config::Setting| {
        let default = setting.default_text();
        let default = if default.is_empty() { "none" } else { &default };
        format!("{}  ({})\n    {}\n    Default: {default}\n", setting.key, setting.variable(), setting.about)
    };
    SETTINGS.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_setting_is_listed_with_its_variable_and_default() {
        let list = super::list();
        assert!(list.contains("listen  (GLINT_LISTEN)\n    Address and port the gateway listens on.\n    Default: 127.0.0.1:9292\n"));
    }
}
