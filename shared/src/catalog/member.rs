//! Members: whom an image is shared with, and the rows by which a project finds what is shared with it.
//!
//! A member and its row come and go with the image's record, which counts them: of two requests that would both add the last
//! member allowed, one finds the record changed. So a record without members has none, and nobody needs to look.

use super::record::{DueMembersRecord, MemberRecord, MemberRow, decode, encode, since};
use super::{Catalog, ChangeError, Stored, key};
use crate::error::{Error, Result};
use crate::id::{ImageId, ProjectId};
use crate::image::{Image, Member};
use crate::ports::{Change, Condition, Item, Position, Query, Write};
use crate::time::Timestamp;

/// How many members a query reads.
const STEP: usize = 250;

/// How many members one write removes: each is two changes, and one is left for the due row.
const REMOVED_AT_ONCE: usize = (Write::MAX_CHANGES - 1) / 2;

/// A deleted image whose members are to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueMembers {
    /// Not before this time.
    pub at: Timestamp,
    /// The image.
    pub image: ImageId,
}

impl Catalog {
    /// Reads a member of an image. Cost: one read.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn member(&self, image: &ImageId, project: &ProjectId) -> Result<Option<Member>> {
        let key = key::member(image, project);
        // A project's name may be longer than any key: such a one is no member.
        if !key.is_possible() {
            return Ok(None);
        }
        self.table.get(&key).await?.map(|item| read(image, item)).transpose()
    }

    /// Reads all members of an image, by project. Cost: one query for each 250.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn members(&self, image: &ImageId) -> Result<Vec<Member>> {
        let mut query = Query { range: Some(key::members()), ..of_image(image, STEP) };
        let mut members = Vec::new();
        loop {
            let page = self.table.query(&query).await?;
            query.after =
                page.items.last().map(|last| Position { sort: last.key.sort.clone(), indexed: None });
            for item in page.items {
                members.push(read(image, item)?);
            }
            if !page.more {
                return Ok(members);
            }
        }
    }

    /// Shares an image with a project. Cost: one write. `Lost` when the image has changed since it was read, or the project
    /// is a member already.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn add_member(&self, seen: &Stored, member: &Member) -> Result<(), ChangeError> {
        let image = &seen.image;
        let counted = Image { members: image.members.saturating_add(1), ..image.clone() };
        let mut write = self.change(Some(seen), &counted)?;
        write.extend(put(image, member, Condition::Absent)?);
        self.commit(write).await
    }

    /// Sets what a member makes of an image. Cost: one write. `Lost` when the member is gone or changed since it was read.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn set_member(&self, image: &Image, seen: &Member, member: &Member) -> Result<(), ChangeError> {
        let mut write = Write::default();
        write.extend(put(image, member, since(seen.updated_at))?);
        self.commit(write).await
    }

    /// Shares an image with a project no more. Cost: one write. `Lost` when the image has changed since it was read, or the
    /// project is no member.
    ///
    /// # Errors
    /// `ChangeError::Lost` as said, or a fault of the table.
    pub async fn remove_member(&self, seen: &Stored, project: &ProjectId) -> Result<(), ChangeError> {
        let image = &seen.image;
        let counted = Image { members: image.members.saturating_sub(1), ..image.clone() };
        let mut write = self.change(Some(seen), &counted)?;
        write.extend(remove(image, project, Condition::Present));
        self.commit(write).await
    }

    /// Reads which deleted images still have members by a time, oldest first, behind `after`: at most `limit`. Cost: one
    /// query.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn due_members(
        &self,
        by: Timestamp,
        after: Option<&DueMembers>,
        limit: usize,
    ) -> Result<Vec<DueMembers>> {
        let query = Query {
            range: Some(String::from("0")..=key::due_until(by)),
            after: after.map(|due| Position { sort: key::due_image(due.at, &due.image).sort, indexed: None }),
            ..Query::partition(key::due_images(), limit)
        };
        let page = self.table.query(&query).await?;
        let due = page.items.into_iter().map(|item| {
            let record: DueMembersRecord = decode(item.attributes)?;
            Ok(DueMembers { at: record.at, image: record.image })
        });
        due.collect()
    }

    /// Removes members of a deleted image, as many as one write takes, and with the last of them that they were due.
    /// Answers whether that was it. A second run goes on, or changes nothing. Cost: one query and one write.
    ///
    /// # Errors
    /// `ChangeError::Lost` never; a fault of the table.
    pub async fn remove_members(&self, due: &DueMembers, image: &Image) -> Result<bool, ChangeError> {
        let query = Query { range: Some(key::members()), ..of_image(&image.id, REMOVED_AT_ONCE) };
        let page = self.table.query(&query).await.map_err(Error::from)?;
        let mut write = Write::default();
        for item in page.items {
            let member = read(&image.id, item)?;
            write.extend(remove(image, &member.project, Condition::Always));
        }
        if !page.more {
            write.extend([Change::Remove(key::due_image(due.at, &due.image), Condition::Always)]);
        }
        self.commit(write).await?;
        Ok(!page.more)
    }

    /// Forgets that members were due. Cost: one write.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn settle_members(&self, due: &DueMembers) -> Result<(), ChangeError> {
        let row = Change::Remove(key::due_image(due.at, &due.image), Condition::Always);
        self.commit(Write::default().with(row)).await
    }
}

/// What is written when an image that has members is deleted.
pub(super) fn put_due(due: &DueMembers) -> Result<Change> {
    let attributes = encode(&DueMembersRecord { at: due.at, image: due.image.clone() })?;
    Ok(Change::Put(Item { key: key::due_image(due.at, &due.image), attributes }, Condition::Always))
}

fn of_image(image: &ImageId, limit: usize) -> Query {
    Query::partition(key::image(image).partition, limit)
}

fn read(image: &ImageId, item: Item) -> Result<Member> {
    let project = key::member_project(&item.key).unwrap_or_default().parse().map_err(Error::internal)?;
    let record: MemberRecord = decode(item.attributes)?;
    Ok(Member {
        image: image.clone(),
        project,
        status: record.status,
        created_at: record.created_at,
        updated_at: record.updated_at,
    })
}

fn put(image: &Image, member: &Member, condition: Condition) -> Result<[Change; 2]> {
    let record =
        MemberRecord { status: member.status, created_at: member.created_at, updated_at: member.updated_at };
    let row = MemberRow { image: image.id.clone(), status: member.status };
    let item = Item { key: key::member(&image.id, &member.project), attributes: encode(&record)? };
    let row = Item { key: key::member_row(image, &member.project), attributes: encode(&row)? };
    Ok([Change::Put(item, condition), Change::Put(row, Condition::Always)])
}

fn remove(image: &Image, project: &ProjectId, condition: Condition) -> [Change; 2] {
    let member = Change::Remove(key::member(&image.id, project), condition);
    [member, Change::Remove(key::member_row(image, project), Condition::Always)]
}
