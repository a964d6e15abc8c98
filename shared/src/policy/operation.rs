//! The operations, by Glance's names, each with the rule it has when nobody says otherwise.

use super::rule::Rule;

macro_rules! operations {
    ($($name:literal => $variant:ident, $rule:ident: $calls:literal;)+) => {
        /// What a caller wants to do. The names are those of Glance's policy rules.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operation {
            $(#[doc = concat!("`", $name, "`: ", $calls)] $variant,)+
        }

        impl Operation {
            /// Every operation, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As policy files name it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The calls that ask for it, in words of the API.
            pub const fn calls(self) -> &'static str {
                match self { $(Self::$variant => $calls,)+ }
            }

            /// The rule it has when nobody says otherwise, as policy files write one.
            pub const fn default_rule(self) -> &'static str {
                self.rule().text()
            }

            pub(super) const fn rule(self) -> Rule {
                match self { $(Self::$variant => Rule::$rule,)+ }
            }
        }
    };
}

operations! {
    "add_image" => AddImage, MemberOfOwner: "POST /v2/images";
    "get_images" => GetImages, ReaderOfProject: "GET /v2/images";
    "get_image" => GetImage, ReaderWhoSees: "GET /v2/images/{image_id}, each image of a list, GET /v2/images/{image_id}/tasks";
    "download_image" => DownloadImage, MemberWhoSees: "GET /v2/images/{image_id}/file";
    "download_from_store" => DownloadFromStore, MemberWhoSees: "GET /v2/images/{image_id}/file?prefer={stores}, beside download_image";
    "modify_image" => ModifyImage, MemberOfOwner: "PATCH /v2/images/{image_id}, tags, stage, import";
    "delete_image" => DeleteImage, MemberOfOwner: "DELETE /v2/images/{image_id}";
    "upload_image" => UploadImage, MemberOfOwner: "PUT /v2/images/{image_id}/file, every call of /v2/images/{image_id}/uploads";
    "add_image_location" => AddImageLocation, ServiceOrMemberOfOwner: "POST /v2/images/{image_id}/locations";
    "fetch_image_location" => FetchImageLocation, AdminOrService: "GET /v2/images/{image_id}/locations";
    "get_image_location" => GetImageLocation, ReaderOfProject: "locations and direct_url of an image, where they are shown";
    "set_image_location" => SetImageLocation, MemberOfOwner: "PATCH /v2/images/{image_id} that adds or replaces locations";
    "delete_image_location" => DeleteImageLocation, Admin: "DELETE /v2/stores/{store_id}/{image_id}, PATCH /v2/images/{image_id} that removes a location";
    "publicize_image" => PublicizeImage, Admin: "setting visibility to public";
    "communitize_image" => CommunitizeImage, MemberOfOwner: "setting visibility to community";
    "deactivate" => Deactivate, MemberOfOwner: "POST /v2/images/{image_id}/actions/deactivate";
    "reactivate" => Reactivate, MemberOfOwner: "POST /v2/images/{image_id}/actions/reactivate";
    "copy_image" => CopyImage, Admin: "POST /v2/images/{image_id}/import by the method copy-image";
    "add_member" => AddMember, MemberOfOwner: "POST /v2/images/{image_id}/members";
    "delete_member" => DeleteMember, MemberOfOwner: "DELETE /v2/images/{image_id}/members/{member_id}";
    "get_member" => GetMember, ReaderWhoShares: "GET /v2/images/{image_id}/members/{member_id}";
    "get_members" => GetMembers, ReaderWhoShares: "GET /v2/images/{image_id}/members";
    "modify_member" => ModifyMember, MemberOfMember: "PUT /v2/images/{image_id}/members/{member_id}";
    "tasks_api_access" => TasksApiAccess, Admin: "every call of /v2/tasks";
    "get_task" => GetTask, Everybody: "GET /v2/tasks/{task_id}, beside tasks_api_access";
    "get_tasks" => GetTasks, Everybody: "GET /v2/tasks, beside tasks_api_access";
    "add_task" => AddTask, Everybody: "POST /v2/tasks, beside tasks_api_access";
    "stores_info_detail" => StoresInfoDetail, AdminOrService: "GET /v2/info/stores/detail";
}
