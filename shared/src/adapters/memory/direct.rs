//! Parts that clients bring themselves, held in memory.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

use super::store::{Held, MemoryStore};
use crate::ports::{PartBody, PartError, PresentedPart, StoreError};
use crate::store::{ArrivedPart, ChecksumKind, ObjectKey, Summing};

/// What is called the upload of every object: a key is begun once.
pub(super) const UPLOAD: &str = "memory";

/// An object whose parts come one by one.
#[derive(Debug)]
pub(super) struct Begun {
    size: u64,
    checksum: Option<ChecksumKind>,
    parts: BTreeMap<u32, (ArrivedPart, Bytes)>,
}

impl Begun {
    pub(super) fn new(size: u64, checksum: Option<ChecksumKind>) -> Self {
        Self { size, checksum, parts: BTreeMap::new() }
    }

    pub(super) fn arrived(&self, after: u32, limit: u32) -> Vec<ArrivedPart> {
        let behind = self.parts.range(after.saturating_add(1)..);
        behind.take(limit as usize).map(|(_, (part, _))| part.clone()).collect()
    }
}

/// Takes a part whose leave was looked at.
pub(super) async fn take(
    store: &MemoryStore,
    part: &PresentedPart,
    len: u64,
    declared: Option<&crate::store::Checksum>,
    mut body: PartBody,
) -> Result<String, PartError> {
    let mut taken = BytesMut::new();
    while let Some(bytes) = body.next().await {
        let received = taken.len() as u64;
        taken.extend_from_slice(&bytes.map_err(|source| PartError::Broken { received, source })?);
        if taken.len() as u64 > len {
            return Err(PartError::Length { expected: len, received: taken.len() as u64 });
        }
    }
    if taken.len() as u64 != len {
        return Err(PartError::Length { expected: len, received: taken.len() as u64 });
    }
    let mut held = store.held();
    let begun = held.direct.get_mut(&part.key).ok_or(PartError::Ended)?;
    let sum = |kind| {
        let mut summing = Summing::new(kind);
        summing.update(&taken);
        summing.finish()
    };
    let kind = declared.map(|declared| declared.kind).or(begun.checksum);
    let checksum = kind.map(sum);
    if let Some(declared) = declared.filter(|declared| checksum.as_ref() != Some(declared)) {
        return Err(PartError::Checksum { kind: declared.kind.name() });
    }
    let etag = format!("\"{}\"", sum(ChecksumKind::Crc64Nvme).value());
    let arrived = ArrivedPart { number: part.number, len, etag: etag.clone(), checksum };
    begun.parts.insert(part.number, (arrived, taken.freeze()));
    Ok(etag)
}

/// Makes an object of the parts that were looked at.
pub(super) fn assemble(held: &mut Held, key: &ObjectKey, parts: &[ArrivedPart]) -> Result<(), StoreError> {
    let Some(begun) = held.direct.get(key) else {
        return if held.objects.contains_key(key) { Ok(()) } else { Err(StoreError::NotFound) };
    };
    let mut object = BytesMut::new();
    for (number, part) in (1..).zip(parts) {
        let same = begun.parts.get(&part.number).filter(|(there, _)| there == part && part.number == number);
        let Some((_, bytes)) = same else {
            return Err(StoreError::Failed(format!("part {number} is missing, or has changed").into()));
        };
        object.extend_from_slice(bytes);
    }
    if object.len() as u64 != begun.size {
        return Err(StoreError::Failed(format!("{} bytes of {}", object.len(), begun.size).into()));
    }
    held.direct.remove(key);
    held.objects.insert(key.clone(), object.freeze());
    Ok(())
}
