//! Who an image is shared with.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::id::{ImageId, ProjectId};
use crate::time::Timestamp;

/// A project that an image is shared with (API reference, "Sharing").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The image.
    pub image: ImageId,
    /// The project.
    pub project: ProjectId,
    /// What the project makes of it.
    pub status: MemberStatus,
    /// Since when.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
}

/// What a member makes of an image. Whatever it is, the member may see the image and download it; only an accepted one is in
/// the member's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// The member has not said yet.
    Pending,
    /// It is in the member's lists.
    Accepted,
    /// The member does not want it.
    Rejected,
}

impl MemberStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Accepted, Self::Rejected];

    /// As the API says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the API's word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == text)
    }

    /// Reads the body of a request that sets it: `{"status": "accepted"}`.
    ///
    /// # Errors
    /// `Invalid` when the body is no object, or its status missing or none of the three.
    pub fn read(body: &Value) -> Result<Self> {
        let expected = || Error::Invalid("status: must be one of pending, accepted, rejected".to_owned());
        let status = member_of(body, "status")?;
        status.as_str().and_then(Self::parse).ok_or_else(expected)
    }
}

/// Reads the body of a request that adds a member: `{"member": "<project>"}`. A number is taken for its digits, as Glance
/// does.
///
/// # Errors
/// `Invalid` when the body is no object, or its member missing or no project that a path can name.
pub fn read_member(body: &Value) -> Result<ProjectId> {
    let text = match member_of(body, "member")? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Error::Invalid("member: must be a project id, a string".to_owned())),
    };
    let refused = |why: &str| Err(Error::Invalid(format!("member: {why}")));
    // A member is shown and removed by a path that ends in its id.
    if text.contains('/') || text == "." || text == ".." || text.chars().any(char::is_control) {
        return refused(
            "must not be '.' or '..' nor have a '/' or a control character, for no path can name it",
        );
    }
    if text.chars().any(|letter| letter > '\u{ffff}') {
        return refused("characters beyond U+FFFF (4-byte unicode) are not supported");
    }
    ProjectId::try_from(text).or_else(|_| refused("must have 1 to 255 characters"))
}

fn member_of<'a>(body: &'a Value, name: &str) -> Result<&'a Value> {
    let Value::Object(object) = body else {
        return Err(Error::Invalid(format!("the request body must be a JSON object with '{name}'")));
    };
    object.get(name).ok_or_else(|| Error::Invalid(format!("the request body must have '{name}'")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_is_any_text_that_a_path_can_name() {
        let longest = "x".repeat(255);
        for (body, project) in [
            (json!({"member": "p2"}), "p2"),
            (json!({"member": "p2", "status": "accepted"}), "p2"),
            (json!({"member": 12}), "12"),
            (json!({"member": "a b#c%2F?é"}), "a b#c%2F?é"),
            (json!({"member": "..."}), "..."),
            (json!({"member": longest}), longest.as_str()),
        ] {
            assert_eq!(read_member(&body).unwrap().as_str(), project);
        }
    }

    #[test]
    fn what_no_path_can_name_is_no_member() {
        for (body, word) in [
            (json!([]), "object"),
            (json!("p2"), "object"),
            (json!({}), "'member'"),
            (json!({"member": ""}), "1 to 255"),
            (json!({"member": "x".repeat(256)}), "1 to 255"),
            (json!({"member": null}), "string"),
            (json!({"member": true}), "string"),
            (json!({"member": ["p2"]}), "string"),
            (json!({"member": {"id": "p2"}}), "string"),
            (json!({"member": "a/b"}), "path"),
            (json!({"member": "."}), "path"),
            (json!({"member": ".."}), "path"),
            (json!({"member": "a\nb"}), "path"),
            (json!({"member": "\u{1f600}"}), "4-byte"),
        ] {
            match read_member(&body) {
                Err(Error::Invalid(message)) => assert!(message.contains(word), "{body}: {message}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_status_is_one_of_three() {
        for status in MemberStatus::ALL {
            assert_eq!(MemberStatus::read(&json!({"status": status.name()})).unwrap(), status);
        }
        for body in [
            json!({}),
            json!([]),
            json!({"status": 1}),
            json!({"status": "Accepted"}),
            json!({"status": null}),
        ] {
            assert!(matches!(MemberStatus::read(&body), Err(Error::Invalid(_))), "{body}");
        }
    }
}
