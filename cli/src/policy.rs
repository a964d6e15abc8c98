//! `glint policy`: who may do what, as configured.

use shared::config::Sources;
use shared::policy::{Operation, Rules};

use crate::told::Told;
use crate::{Failure, say};

/// Prints the rules in force: what is printed is a policy file that says the same.
pub(crate) fn print(told: Told) -> Result<(), Failure> {
    let config = told.configuration([], Sources::file_from_environment()).map_err(Failure::usage)?;
    say(&listed(config.policy.rules().unwrap_or(&Rules::default())))
}

const BASES: [(&str, &str); 3] = [
    ("context_is_admin", "Who is an administrator"),
    ("service_api", "Who is a service"),
    ("default", "Who may do what nothing else is said of"),
];

fn listed(rules: &Rules) -> String {
    let operations = Operation::ALL.iter().map(|operation| (operation.name(), operation.calls()));
    let others = rules.others().map(|name| (name, "Named by other rules, or guards nothing here"));
    let one = |(name, about): (&str, &str)| {
        let (text, written) = rules.text(name).unwrap_or_default();
        let source = if written { " (set by the policy)" } else { "" };
        format!("# {about}{source}\n{}: {}\n", quoted(name), quoted(text))
    };
    let all: Vec<_> = BASES.into_iter().chain(operations).chain(others).map(one).collect();
    all.join("\n")
}

/// A text in double quotes, as YAML and JSON have it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_says_the_same_as_what_was_read() {
        let text =
            "owner: 'project_id:%(owner)s and \"x\":%(name)s'\nget_image: rule:owner\ncache_list: '!'\n";
        for rules in [Rules::default(), Rules::parse(text).unwrap()] {
            let printed = listed(&rules);
            let read = Rules::parse(&printed).unwrap();
            for name in Operation::ALL.iter().map(|operation| operation.name()).chain(["owner", "cache_list"])
            {
                let said = |rules: &Rules| rules.text(name).map(|(text, _)| text.to_owned());
                assert_eq!(said(&read), said(&rules), "{name}");
            }
        }
    }

    #[test]
    fn a_rule_is_printed_with_its_calls_and_where_it_is_from() {
        let rules = Rules::parse("get_image: \"'public':%(visibility)s\"").unwrap();
        let printed = listed(&rules);
        assert!(printed.starts_with("# Who is an administrator\n\"context_is_admin\": \"role:admin\"\n\n"));
        assert!(printed.contains("(set by the policy)\n\"get_image\": \"'public':%(visibility)s\"\n"));
        assert!(printed.contains("# DELETE /v2/images/{image_id}\n\"delete_image\": "));
    }
}
