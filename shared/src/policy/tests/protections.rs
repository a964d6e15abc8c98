//! Property protections.

use super::*;
use crate::image::PropertyAction;

const SPL: &str = "\
# licences
[^spl_.*]
create = spl
read = spl,Member
update = spl
delete = spl

[_seen$]
create: admin
read: @
update: !
delete:

[^x_]
  create = @
  read = @
  update = @
  delete = @
[os_glance_.*]
create = !
read = !
update = !
delete = !
";

fn protected(text: &str, format: ProtectionFormat, rules: &str) -> Policy {
    let (protections, rules) = (Protections::parse(text).unwrap(), Rules::parse(rules).unwrap());
    rules.check_used(&protections.rules(format)).unwrap();
    protections.check(format, &rules).unwrap();
    Policy::new(rules).protecting(protections, format)
}

/// The first letters of what a caller may do to a property.
fn may(policy: &Policy, caller: &Caller, name: &str) -> String {
    let allowed = PropertyAction::ALL.into_iter().filter(|action| policy.may(caller, *action, name));
    allowed.filter_map(|action| action.name().chars().next()).collect()
}

fn section(rights: [&str; 4]) -> String {
    let [create, read, update, delete] = rights;
    format!("[.*]\ncreate = {create}\nread = {read}\nupdate = {update}\ndelete = {delete}\n")
}

#[test]
fn the_first_section_found_in_a_name_decides_by_roles() {
    let policy = protected(SPL, ProtectionFormat::Roles, "");
    let spl = caller("p1", &["SPL"]);
    let member = caller("p1", &["member"]);
    let admin = caller("p1", &["admin"]);
    let through = caller("p1", &["member"]).through_service(["Spl"]);
    for (name, expected) in [
        ("spl_licence", ["crud", "r", "", "crud"]),
        ("spl_seen", ["crud", "r", "", "crud"]),
        ("was_seen", ["r", "r", "cr", "r"]),
        ("was_seen_by", ["", "", "", ""]),
        ("x_seen", ["r", "r", "cr", "r"]),
        ("x_any", ["crud", "crud", "crud", "crud"]),
        ("y", ["", "", "", ""]),
        ("X_any", ["", "", "", ""]),
        ("os_glance_import_task", ["crud", "crud", "crud", "crud"]),
    ] {
        assert_eq!(
            [&spl, &member, &admin, &through].map(|caller| may(&policy, caller, name)),
            expected,
            "{name}"
        );
    }
    assert_eq!(may(&Policy::default(), &member, "y"), "crud", "without protections all are free");
}

#[test]
fn a_rule_of_the_policy_decides_who_it_lets_through() {
    let text =
        section(["spl_create", "@", "context_is_admin", "!"]) + "[b]\ncreate=\nread=@\nupdate=@\ndelete=@\n";
    let policy = protected(&text, ProtectionFormat::Policies, "spl_create: role:spl\n");
    assert_eq!(may(&policy, &caller("p1", &["spl"]), "a"), "cr");
    assert_eq!(may(&policy, &caller("p1", &["admin"]), "a"), "ru");
    let own =
        protected(&section(["modify_image", "default", "", "service_api"]), ProtectionFormat::Policies, "");
    assert_eq!(may(&own, &caller("p1", &["member"]), "a"), "r", "a rule that asks for an owner finds none");
    assert_eq!(may(&own, &caller("p1", &["service"]), "a"), "rd");
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    for (text, expected) in [
        ("create = @\n[a]", "line 1: a section's [name] must come first"),
        ("[DEFAULT]\ncreate=@", "line 1: sections inherit nothing: write each in full, and none as DEFAULT"),
        ("[a]\ncreate", "line 2: must be a section's [name], or key = value"),
        ("[]\n", "line 1: must be a section's [name], or key = value"),
        (
            "#\n[a]\ncreate=@\nread=@\ndelete=@",
            "line 2: section [a] must have create, read, update and delete: 'update' is missing",
        ),
        ("[a]\ncreate=@\ncreate=@", "line 3: section [a] has 'create' already"),
        ("[a]\nwrite=@", "line 2: section [a] has create, read, update and delete, and not 'write'"),
        ("[a]\ncreate=a\n  b", "line 3: a value is one line, and this one goes on with the one before"),
        (&(section(["@"; 4]) + &section(["@"; 4])), "line 6: section [.*] stands here twice"),
    ] {
        assert_eq!(Protections::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    for expression in ["(", "(?=a)", "*"] {
        let refused = Protections::parse(&format!("[{expression}]\n")).unwrap_err().to_string();
        assert!(
            refused.starts_with(&format!("line 1: section [{expression}] is no regular expression: ")),
            "{refused}"
        );
    }
    assert!(Protections::parse(&format!("[{}]\ncreate=@\nread=@\nupdate=@\ndelete=@", "[^x_.*]")).is_ok());
}

#[test]
fn a_value_has_to_be_one_of_its_format() {
    use ProtectionFormat::{Policies, Roles};
    let checked = |right: &str, format| {
        let protections = Protections::parse(&section(["@", "@", right, "@"])).unwrap();
        protections.check(format, &Rules::default()).map_err(|error| error.to_string())
    };
    let refused = |why: &str| Err(format!("line 4: {why}"));
    assert_eq!(checked("a, b", Roles), Ok(()));
    assert_eq!(checked("a, b", Policies), refused("a value is one rule of the policy"));
    assert_eq!(checked("spl", Policies), refused("there is no rule 'spl'"));
    assert_eq!(checked("get_image", Policies), Ok(()));
    for format in [Roles, Policies] {
        assert_eq!(checked("@, !", format), refused("'@' and '!' exclude each other"));
        assert_eq!((checked("", format), checked("!", format)), (Ok(()), Ok(())));
    }
}
