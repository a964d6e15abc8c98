use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use shared::http::{ApiError, ImagePath, JsonBody, MemberPath};
use shared::identity::Caller;
use shared::image::{MemberStatus, read_member};
use shared::operations::Members;

use crate::view::{MemberView, MembersView};

/// Lists the members of an image.
#[utoipa::path(get, path = "/v2/images/{image_id}/members", operation_id = "listMembers", tag = "members",
    params(ImagePath),
    responses(
        (status = 200, description = "The members",
            body = ref("#/components/schemas/Members"), content_type = "application/json"),
        (status = 403, description = "The image is not shared, or the caller may not"),
        (status = 404, description = "There is no such image to the caller")))]
pub(crate) async fn list(
    State(members): State<Members>,
    caller: Caller,
    ImagePath(id): ImagePath,
) -> Result<Json<MembersView>, ApiError> {
    Ok(Json(MembersView::new(members.list(&caller, &id).await?)))
}

/// Shares an image with a project.
#[utoipa::path(post, path = "/v2/images/{image_id}/members", operation_id = "addMember", tag = "members",
    params(ImagePath),
    request_body(content = ref("#/components/schemas/NewMember"), content_type = "application/json"),
    responses(
        (status = 200, description = "The member",
            body = ref("#/components/schemas/Member"), content_type = "application/json"),
        (status = 400, description = "No JSON object, or no name that a project may have"),
        (status = 403, description = "The image is not shared, or the caller may not"),
        (status = 404, description = "There is no such image to the caller"),
        (status = 409, description = "The project is a member already, or the image is changed all the time"),
        (status = 413, description = "The image has as many members as it may")))]
pub(crate) async fn add(
    State(members): State<Members>,
    caller: Caller,
    ImagePath(id): ImagePath,
    JsonBody(body): JsonBody,
) -> Result<Json<MemberView>, ApiError> {
    let project = read_member(&body)?;
    Ok(Json(members.add(&caller, &id, project).await?.into()))
}

/// Shows a member.
#[utoipa::path(get, path = "/v2/images/{image_id}/members/{member_id}", operation_id = "showMember", tag = "members",
    params(MemberPath),
    responses(
        (status = 200, description = "The member",
            body = ref("#/components/schemas/Member"), content_type = "application/json"),
        (status = 404, description = "There is no such image to the caller, or no such member")))]
pub(crate) async fn show(
    State(members): State<Members>,
    caller: Caller,
    MemberPath(id, project): MemberPath,
) -> Result<Json<MemberView>, ApiError> {
    Ok(Json(members.show(&caller, &id, &project).await?.into()))
}

/// Says what a member makes of an image.
#[utoipa::path(put, path = "/v2/images/{image_id}/members/{member_id}", operation_id = "setMemberStatus", tag = "members",
    params(MemberPath),
    request_body(content = ref("#/components/schemas/MemberStatus"), content_type = "application/json"),
    responses(
        (status = 200, description = "The member",
            body = ref("#/components/schemas/Member"), content_type = "application/json"),
        (status = 400, description = "No JSON object, or no such status"),
        (status = 403, description = "The image is not shared, or the caller may not"),
        (status = 404, description = "There is no such image to the caller, or no such member"),
        (status = 409, description = "It is changed all the time")))]
pub(crate) async fn set_status(
    State(members): State<Members>,
    caller: Caller,
    MemberPath(id, project): MemberPath,
    JsonBody(body): JsonBody,
) -> Result<Json<MemberView>, ApiError> {
    let status = MemberStatus::read(&body)?;
    Ok(Json(members.set_status(&caller, &id, &project, status).await?.into()))
}

/// Shares an image with a project no more.
#[utoipa::path(delete, path = "/v2/images/{image_id}/members/{member_id}", operation_id = "removeMember", tag = "members",
    params(MemberPath),
    responses(
        (status = 204, description = "It is a member no more"),
        (status = 403, description = "The image is not shared, or the caller may not"),
        (status = 404, description = "There is no such image to the caller, or no such member"),
        (status = 409, description = "It is changed all the time")))]
pub(crate) async fn remove(
    State(members): State<Members>,
    caller: Caller,
    MemberPath(id, project): MemberPath,
) -> Result<StatusCode, ApiError> {
    members.remove(&caller, &id, &project).await?;
    Ok(StatusCode::NO_CONTENT)
}
