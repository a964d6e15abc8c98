//! The rules operations have when nobody says otherwise, made by the compiler: a start reads none of them.

use super::Target;
use crate::identity::Caller;
use crate::image::Visibility;

/// Who is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Everybody.
    Everybody,
    /// Administrators.
    Admin,
    /// Administrators, and services by a token of their own.
    AdminOrService,
    /// The same, and members of the owner's project.
    ServiceOrMemberOfOwner,
    /// Readers of the target's project.
    ReaderOfProject,
    /// Readers to whom the image's visibility shows it.
    ReaderWhoSees,
    /// Members to whom the image's visibility shows it.
    MemberWhoSees,
    /// Members of the owner's project.
    MemberOfOwner,
    /// Readers of the owner's project, or of one the image is shared with.
    ReaderWhoShares,
    /// Members of a project the image is shared with.
    MemberOfMember,
}

impl Rule {
    /// The same rule, as a policy file says it.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Everybody => "rule:default",
            Self::Admin => "rule:context_is_admin",
            Self::AdminOrService => "rule:context_is_admin or rule:service_api",
            Self::ServiceOrMemberOfOwner => {
                "rule:context_is_admin or rule:service_api or (role:member and project_id:%(project_id)s)"
            }
            Self::ReaderOfProject => "rule:context_is_admin or (role:reader and project_id:%(project_id)s)",
            Self::MemberOfOwner => "rule:context_is_admin or (role:member and project_id:%(project_id)s)",
            Self::ReaderWhoSees => {
                "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s or \
                 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))"
            }
            Self::MemberWhoSees => {
                "rule:context_is_admin or (role:member and (project_id:%(project_id)s or project_id:%(member_id)s or \
                 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))"
            }
            Self::ReaderWhoShares => {
                "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s))"
            }
            Self::MemberOfMember => "rule:context_is_admin or (role:member and project_id:%(member_id)s)",
        }
    }

    pub(super) fn allows(self, caller: &Caller, target: Target<'_>) -> bool {
        let has = |role| caller.has_role(role);
        // The word shared alone passes: who is shared with is asked before any rule is.
        let shown = || {
            target.owned_by(caller)
                || target.shared_with(caller)
                || target.visibility().is_some_and(|visibility| visibility != Visibility::Private)
        };
        has("admin")
            || match self {
                Self::Everybody => true,
                Self::Admin => false,
                Self::AdminOrService => has("service"),
                Self::ServiceOrMemberOfOwner => has("service") || (has("member") && target.owned_by(caller)),
                Self::ReaderOfProject => has("reader") && target.owned_by(caller),
                Self::ReaderWhoSees => has("reader") && shown(),
                Self::MemberWhoSees => has("member") && shown(),
                Self::MemberOfOwner => has("member") && target.owned_by(caller),
                Self::ReaderWhoShares => {
                    has("reader") && (target.owned_by(caller) || target.shared_with(caller))
                }
                Self::MemberOfMember => has("member") && target.shared_with(caller),
            }
    }
}
