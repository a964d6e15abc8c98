//! Names that policy files may hold beside Glint's operations.

/// Rules that other rules are made of, with what they say when nobody says otherwise.
pub(super) const BASES: [(&str, &str); 3] =
    [("context_is_admin", "role:admin"), ("service_api", "role:service or role:admin"), ("default", "@")];

/// Rules of Glance that guard what is not served here. A file that has them is taken, and they guard nothing.
pub(super) const UNSERVED: &[&str] = &[
    "add_metadef_namespace",
    "add_metadef_object",
    "add_metadef_property",
    "add_metadef_resource_type_association",
    "add_metadef_tag",
    "add_metadef_tags",
    "cache_clean",
    "cache_delete",
    "cache_image",
    "cache_list",
    "cache_prune",
    "delete_metadef_namespace",
    "delete_metadef_object",
    "delete_metadef_tag",
    "delete_metadef_tags",
    "get_metadef_namespace",
    "get_metadef_namespaces",
    "get_metadef_object",
    "get_metadef_objects",
    "get_metadef_properties",
    "get_metadef_property",
    "get_metadef_resource_type",
    "get_metadef_tag",
    "get_metadef_tags",
    "list_cached_nodes",
    "list_metadef_resource_types",
    "manage_image_cache",
    "metadef_admin",
    "metadef_default",
    "modify_metadef_namespace",
    "modify_metadef_object",
    "modify_metadef_property",
    "modify_metadef_tag",
    "modify_task",
    "remove_metadef_property",
    "remove_metadef_resource_type_association",
];
