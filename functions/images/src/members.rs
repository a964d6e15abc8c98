use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use shared::http::{ApiError, ImagePath, JsonBody, MemberPath};
use shared::identity::Caller;
use shared::image::{MemberStatus, read_member};
use shared::operations::Members;

use crate::view::{MemberView, MembersView};

/// Lists the members of an image (`GET /v2/images/{image_id}/members`).
pub(crate) async fn list(
    State(members): State<Members>,
    caller: Caller,
    ImagePath(id): ImagePath,
) -> Result<Json<MembersView>, ApiError> {
    Ok(Json(MembersView::new(members.list(&caller, &id).await?)))
}

/// Shares an image with a project (`POST /v2/images/{image_id}/members`).
pub(crate) async fn add(
    State(members): State<Members>,
    caller: Caller,
    ImagePath(id): ImagePath,
    JsonBody(body): JsonBody,
) -> Result<Json<MemberView>, ApiError> {
    let project = read_member(&body)?;
    Ok(Json(members.add(&caller, &id, project).await?.into()))
}

/// Shows a member (`GET /v2/images/{image_id}/members/{member_id}`).
pub(crate) async fn show(
    State(members): State<Members>,
    caller: Caller,
    MemberPath(id, project): MemberPath,
) -> Result<Json<MemberView>, ApiError> {
    Ok(Json(members.show(&caller, &id, &project).await?.into()))
}

/// Says what a member makes of an image (`PUT /v2/images/{image_id}/members/{member_id}`).
pub(crate) async fn set_status(
    State(members): State<Members>,
    caller: Caller,
    MemberPath(id, project): MemberPath,
    JsonBody(body): JsonBody,
) -> Result<Json<MemberView>, ApiError> {
    let status = MemberStatus::read(&body)?;
    Ok(Json(members.set_status(&caller, &id, &project, status).await?.into()))
}

/// Shares an image with a project no more (`DELETE /v2/images/{image_id}/members/{member_id}`).
pub(crate) async fn remove(
    State(members): State<Members>,
    caller: Caller,
    MemberPath(id, project): MemberPath,
) -> Result<StatusCode, ApiError> {
    members.remove(&caller, &id, &project).await?;
    Ok(StatusCode::NO_CONTENT)
}
