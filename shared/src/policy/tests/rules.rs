//! Rules of files.

use proptest::prelude::*;

use super::*;
use crate::policy::names::{BASES, UNSERVED};

fn policy(text: &str) -> Policy {
    let rules = Rules::parse(text).unwrap();
    rules.check_used(&[]).unwrap();
    Policy::new(rules)
}

fn refusal(text: &str) -> String {
    let refused = Rules::parse(text).and_then(|rules| rules.check_used(&[]));
    refused.unwrap_err().to_string()
}

fn who(project: Option<&str>, roles: &[&str]) -> Caller {
    Caller::new(project.map(|project| project.parse().unwrap()), Some("u1".to_owned()), roles)
}

/// Whether a rule lets a member of p1 through to an image of p1.
fn lets_member(rule: &str) -> bool {
    let image = Image {
        name: Some("web".to_owned()),
        protected: true,
        min_disk: 7,
        properties: [("os_distro".to_owned(), "debian".to_owned()), ("half".to_owned(), "50%".to_owned())]
            .into(),
        ..image(Some("p1"), Visibility::Shared)
    };
    let caller = who(Some("p1"), &["member", "Reader"]).through_service(["Service"]);
    let text = serde_json::json!({ "modify_image": rule }).to_string();
    policy(&text).allows(Operation::ModifyImage, &caller, Target::image(&image))
}

#[test]
fn a_rule_reads_as_the_reference_reads_it() {
    for rule in [
        "",
        "@",
        "role:member",
        "role:MEMBER",
        "not role:admin",
        "not !",
        "not (role:admin or role:boss)",
        "role:admin or role:member",
        "role:admin OR role:member",
        "role:admin and role:boss or role:member",
        "role:member or role:admin and role:boss",
        "(role:member or role:admin) and role:reader",
        "((role:member))",
        "( role:member )",
        "project_id:%(project_id)s",
        "(project_id:%(project_id)s)",
        "project_id:%(owner)s",
        "tenant:%(owner)s",
        "project_id:p1",
        "user_id:u1",
        "roles:member",
        "service_roles:service",
        "'shared':%(visibility)s",
        "\"shared\":%(visibility)s",
        "'debian':%(os_distro)s",
        "'p1-web':%(owner)s-%(name)s",
        "'50%':%(half)s",
        "'%p1%%':%%%(owner)s%%%%",
        "True:%(protected)s",
        "7:%(min_disk)s",
        "None:%(size)s",
        "rule:add_image and rule:default",
        "rule:service_api or rule:modify_member or role:member",
        "not role:%(absent)s",
    ] {
        assert!(lets_member(rule), "{rule}");
    }
    for rule in [
        "!",
        "role:admin",
        "not role:member",
        "role:member and !",
        "role:admin and (role:member or @)",
        "user_id:%(owner)s",
        "user_id:u2",
        "project_id:%(absent)s",
        "project_id:%(size)s",
        "project_id:%(member_id)s",
        "'private':%(visibility)s",
        "'p1':%(p1)s",
        "None:%(owner)s",
        "system_scope:all",
        "domain_id:%(owner)s",
        "rule:context_is_admin",
        "rule:publicize_image",
    ] {
        assert!(!lets_member(rule), "{rule}");
    }
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    for (text, expected) in [
        ("get_image: role:a or", "line 1: rule 'get_image': a check is missing at the end"),
        ("\n# x\nget_image: (role:a", "line 3: rule 'get_image': a '(' is not closed"),
        ("get_image: role:a)", "line 1: rule 'get_image': a ')' closes nothing"),
        ("get_image: and role:a", "line 1: rule 'get_image': a check is missing before 'and'"),
        ("get_image: role:a role:b", "line 1: rule 'get_image': 'and' or 'or' is missing before 'role:b'"),
        ("get_image: (role:a role:b)", "line 1: rule 'get_image': 'and' or 'or' is missing before 'role:b'"),
        (
            "get_image: admin",
            "line 1: rule 'get_image': 'admin' is no check: one is kind:value, such as role:admin, or '@' or '!'",
        ),
        (
            "get_image: is_admin:True",
            "line 1: rule 'get_image': 'is_admin:True': 'is_admin' is nothing a caller is known by; those are user_id, \
             project_id, roles, service_roles, system_scope, domain_id, and a literal has quotes",
        ),
        (
            "a: '@'\nget_image: http://example.com/%(name)s",
            "line 2: rule 'get_image': 'http://example.com/%(name)s': no other server is asked; write the rule without \
             http: and https:",
        ),
        (
            "get_image: project_id:%(owner)",
            "line 1: rule 'get_image': '%(owner': a '%' must begin %(name)s or %%",
        ),
        ("get_image: role:50%", "line 1: rule 'get_image': '50%': a '%' must begin %(name)s or %%"),
        ("get_image: 'rule:'", "line 1: rule 'get_image': 'rule:' names no rule"),
        ("get_image: rule:owner", "line 1: rule 'get_image': there is no rule 'owner'"),
        ("get_image: rule:get_image", "line 1: rule 'get_image': it names itself, by get_image → get_image"),
        (
            "{\n\"b\": \"not rule:a\",\n\"a\": \"role:x and rule:b\"\n}",
            "line 3: rule 'a': it names itself, by a → b → a",
        ),
        (
            "context_is_admin: rule:delete_image",
            "line 1: rule 'add_image': it names itself, by add_image → context_is_admin → delete_image → context_is_admin",
        ),
        ("get_imgae: '@'", "line 1: 'get_imgae' is neither an operation nor named by another rule"),
        (
            "get_image: '@'\ndelete_imagee: '@'",
            "line 2: 'delete_imagee' is neither an operation nor named by another rule: did you mean 'delete_image'?",
        ),
        ("get_image: '@'\nget_image: '!'", "line 2: rule 'get_image' stands in line 1 already"),
        ("get_image:", "line 1: rule 'get_image' has no text: write \"\" for always, or \"!\" for never"),
        ("get_image: !", "line 1: rule 'get_image' has no text: write \"\" for always, or \"!\" for never"),
        ("get_image:\n- role:a", "line 1: rule 'get_image' must be a text"),
        ("- get_image", "line 1: a policy is a map of names to rules"),
        ("get_image", "line 1: a policy is a map of names to rules"),
        ("a: &x '@'\nget_image: *x", "line 2: rule 'get_image' must be a text"),
        ("get_image: '@'\n---\nget_image: '!'", "line 2: a policy is one document, and here begins another"),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
    assert!(refusal("get_image: 'role:a").starts_with("line "), "{}", refusal("get_image: 'role:a"));
    assert!(refusal("{\"get_image\": \"@\"").starts_with("line "));
    assert!(refusal(&format!("get_image: {}role:a{}", "(".repeat(100), ")".repeat(100))).contains("64 deep"));
    assert!(refusal(&format!("get_image: {} role:a", "not ".repeat(100))).contains("64 deep"));
    let chain: Vec<_> = (0..100).map(|at| format!("r{at}: rule:r{}\n", at + 1)).collect();
    let chain = chain.concat();
    assert!(refusal(&format!("{chain}r100: '@'\nget_image: rule:r0")).contains("64 deep"));
    assert!(refusal(&" ".repeat(300_000)).contains("262144 bytes"));
}

#[test]
fn an_empty_file_changes_nothing() {
    for text in ["", "\n", "# get_image: role:a\n", "---\n", "{}", "--- {}\n..."] {
        assert_eq!(Rules::parse(text), Ok(Rules::default()), "{text:?}");
    }
}

#[test]
fn json_is_read_as_it_is_written_with_tabs() {
    let policy =
        policy("{\n\t\"owner\": \"project_id:%(project_id)s\",\n\t\"modify_image\": \"rule:owner\"\n}\n");
    let image = image(Some("p1"), Visibility::Private);
    assert!(policy.allows(Operation::ModifyImage, &who(Some("p1"), &[]), Target::image(&image)));
    assert!(!policy.allows(Operation::ModifyImage, &who(Some("p2"), &["admin"]), Target::image(&image)));
}

#[test]
fn every_name_that_the_reference_has_may_stand_in_a_file() {
    let names = UNSERVED.iter().copied().chain(Operation::ALL.iter().map(|operation| operation.name()));
    let file: Vec<_> = names.map(|name| format!("{name}: rule:metadef_admin\n")).collect();
    let file = file.concat();
    let file = file.replace("metadef_admin: rule:metadef_admin", "metadef_admin: rule:metadef_default");
    let file = file.replace("metadef_default: rule:metadef_admin", "metadef_default: ''");
    assert_eq!(Rules::parse(&file).and_then(|rules| rules.check_used(&[])), Ok(()));
    assert_eq!(
        Rules::parse("cache_list: rule:metadef_admin").and_then(|rules| rules.check_used(&[])),
        Ok(())
    );
    assert!(refusal("get_image: rule:metadef_admin").contains("there is no rule 'metadef_admin'"));
}

#[test]
fn the_documentation_lists_every_rule() {
    let documented = include_str!("../../../../docs/policy.md");
    for operation in Operation::ALL {
        let row =
            format!("| `{}` | {} | `{}` |", operation.name(), operation.calls(), operation.default_rule());
        assert!(documented.lines().any(|line| line == row), "docs/policy.md should have the row\n{row}");
    }
}

#[test]
fn rules_asked_for_elsewhere_are_in_use() {
    let rules = Rules::parse("spl_read: role:spl").unwrap();
    assert!(rules.check_used(&[]).is_err() && rules.check_used(&["spl_read".to_owned()]).is_ok());
}

#[test]
fn whoever_a_file_makes_administrator_is_one_everywhere() {
    let policy = policy("context_is_admin: role:boss and user_id:u1");
    let private = image(Some("p2"), Visibility::Private);
    let (boss, admin) = (who(Some("ops"), &["boss"]), who(Some("ops"), &["admin"]));
    assert!(policy.is_admin(&boss) && !policy.is_admin(&admin));
    for operation in Operation::ALL.iter().filter(|operation| **operation != Operation::GetTask) {
        let told = |caller| told(policy.check(*operation, caller, Target::image(&private)));
        assert_eq!(told(&boss), '+', "{operation:?}");
        assert_eq!(told(&admin), '?', "{operation:?}");
    }
    assert!(!policy.is_admin(&boss.scoped(Scope::System)));
}

#[test]
fn rules_of_lists_and_of_creation_know_the_owner() {
    let policy = policy(
        "add_image: \"project_id:%(owner)s and 'shared':%(visibility)s and not 'web':%(name)s\"\n\
         get_images: project_id:%(project_id)s",
    );
    let new = Image { name: Some("web".to_owned()), ..image(Some("p1"), Visibility::Shared) };
    for (project, created) in [("p1", true), ("p2", false)] {
        let caller = who(Some(project), &[]);
        assert_eq!(
            policy.allows(Operation::AddImage, &caller, Target::new_image(&new)),
            created,
            "{project}"
        );
        assert!(policy.check_list(&caller).is_ok());
    }
    assert!(policy.check_list(&who(None, &[])).is_ok(), "who has no project lists what is of none");
}

#[test]
fn replaced_rules_are_in_force_for_every_clone() {
    let (policy, caller) = (Policy::default(), who(None, &["boss"]));
    let clone = policy.clone();
    policy.replace(Rules::parse("context_is_admin: role:boss").unwrap());
    assert!(clone.is_admin(&caller));
}

fn some_caller() -> impl Strategy<Value = Caller> {
    let project = proptest::sample::select(vec![None, Some("p1"), Some("p2")]);
    let roles = proptest::sample::subsequence(vec!["admin", "member", "reader", "service", "other"], 0..=5);
    (project, roles).prop_map(|(project, roles)| who(project, &roles))
}

fn some_image() -> impl Strategy<Value = Image> {
    let owner = proptest::sample::select(vec![None, Some("p1"), Some("p2")]);
    let visibility = proptest::sample::select(Visibility::ALL.to_vec());
    (owner, visibility).prop_map(|(owner, visibility)| image(owner, visibility))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_rule_answers_the_same_as_text_and_as_compiled(
        caller in some_caller(), image in some_image(), what in 0..5,
    ) {
        let (compiled, read) = (Rules::default(), Rules::parse("default: ''").unwrap());
        let target = match what {
            0 => Target::image(&image),
            1 => Target::image(&image).shared(true),
            2 => Target::new_image(&image),
            3 => Target::own(),
            _ => Target::nothing(),
        };
        for operation in Operation::ALL {
            let answers = (compiled.allows(*operation, &caller, target), read.allows(*operation, &caller, target));
            prop_assert_eq!(answers.0, answers.1, "{:?}", operation);
            let by_name = |rules: &Rules| rules.allows_by_name(operation.name(), &caller);
            prop_assert_eq!(by_name(&compiled), by_name(&read), "{:?}", operation);
        }
        for (base, _) in BASES {
            prop_assert_eq!(compiled.allows_by_name(base, &caller), read.allows_by_name(base, &caller), "{}", base);
        }
    }

    #[test]
    fn no_text_is_a_reason_to_end(text in "(role:|rule:|and|or|not|\\(|\\)|%|%\\(a\\)s|'x':|:|@|!| |\n|\\[|\\{|\"|'|a|-|#|&|\\*){0,40}") {
        let _ = Rules::parse(&text);
    }
}
