//! Least privilege, both ways: each function is driven through everything it does, over the AWS adapters on engines in
//! this process; the rights its requests needed are those that `infra/template.yaml` grants it, no fewer and no more.

#![cfg(test)]

mod calls;
mod functions;
mod recorder;
mod routes;
mod template;

use std::collections::{BTreeMap, BTreeSet};

use functions::recorded;
use recorder::Right;
use template::{granted, granted_by};
use tokio::sync::OnceCell;

/// The rights that Lambda itself uses with a function's role, not the function.
fn is_the_platforms(right: &Right) -> bool {
    let consumes = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
    consumes.contains(&&*right.action) || ["logs:", "xray:"].iter().any(|kind| right.action.starts_with(kind))
}

/// Where what was needed and what is granted differ, a line each.
fn differences(
    needed: &BTreeMap<String, BTreeSet<Right>>,
    granted: &BTreeMap<String, BTreeSet<Right>>,
) -> Vec<String> {
    let none = BTreeSet::new();
    let names: BTreeSet<_> = needed.keys().chain(granted.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        let (needed, granted) = (needed.get(name).unwrap_or(&none), granted.get(name).unwrap_or(&none));
        lines.extend(needed.difference(granted).map(|right| format!("{name} needs {right}")));
        let unused = granted.difference(needed).filter(|right| !is_the_platforms(right));
        lines.extend(unused.map(|right| format!("{name} never needs {right}")));
    }
    lines
}

/// What was needed, found out once.
async fn needed() -> &'static BTreeMap<String, BTreeSet<Right>> {
    static NEEDED: OnceCell<BTreeMap<String, BTreeSet<Right>>> = OnceCell::const_new();
    NEEDED.get_or_init(recorded).await
}

#[tokio::test]
async fn each_function_is_granted_what_it_needs_and_nothing_else() {
    let found = differences(needed().await, &granted());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn a_right_less_or_a_right_more_is_noticed() {
    let needed = needed().await;
    let (mut checked, all) = (0, granted());
    for (name, rights) in &all {
        let mut more = all.clone();
        more.get_mut(name).unwrap().insert(Right::new("s3:PutBucketPolicy", "Bucket.Arn"));
        let found = differences(needed, &more);
        assert_eq!(found, [format!("{name} never needs s3:PutBucketPolicy on Bucket.Arn")]);
        for right in rights.iter().filter(|right| !is_the_platforms(right)) {
            let mut fewer = all.clone();
            fewer.get_mut(name).unwrap().remove(right);
            assert_eq!(differences(needed, &fewer), [format!("{name} needs {right}")]);
            checked += 1;
        }
    }
    assert!(checked > 0);
}

#[test]
fn a_template_is_read_as_iam_reads_it() {
    let template = r#"
Resources:
  Other: { Type: "AWS::S3::Bucket" }
  OneFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: one } }
    Properties:
      Policies:
        - Statement:
            - { Effect: Allow, Action: [a:B, a:C], Resource: [!GetAtt T.Arn, !Sub "${T.Arn}/index/*"] }
            - { Effect: Allow, Action: d:E, Resource: !Sub "${B.Arn}/*" }
"#;
    let rights: Vec<_> = granted_by(template)["one"].iter().map(ToString::to_string).collect();
    let expected =
        ["a:B on T.Arn", "a:B on T.Arn/index/*", "a:C on T.Arn", "a:C on T.Arn/index/*", "d:E on B.Arn/*"];
    assert_eq!(rights, expected);
}
