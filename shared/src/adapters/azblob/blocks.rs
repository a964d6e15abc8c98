//! Blocks: written, listed, and made one object.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use http::header::IF_NONE_MATCH;
use http::{HeaderMap, Method};
use xmlparser::{ElementEnd, Token, Tokenizer};

use super::Inner;
use super::account::Asked;
use super::blob::{ANY, is_there};
use super::names::Block;
use crate::adapters::objects::failure::nonsense;
use crate::ports::{Chunks, StoreError};
use crate::store::{Checksum, ObjectKey};

/// A block that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) block: Block,
    pub(super) len: u64,
}

impl Inner {
    /// A block that never was, later than any of this process.
    pub(super) fn block(&self, number: u32, checksum: Option<Checksum>) -> Block {
        let now = u64::try_from(self.clock.now().microseconds()).unwrap_or_default();
        let later = |latest: u64| now.max(latest.saturating_add(1));
        let before =
            self.latest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |latest| Some(later(latest)));
        Block::new(number, later(before.unwrap_or_else(|latest| latest)), checksum)
    }

    /// Writes a part as a block of its own. It is of no use when parts may not come any more, and goes in a week.
    pub(super) async fn write_block(
        &self,
        key: &ObjectKey,
        number: u32,
        bytes: &Chunks,
    ) -> Result<Written, StoreError> {
        let (block, path) = (self.block(number, None), self.names.object(key));
        let id = block.id();
        let query = [("blockid", id.as_str()), ("comp", "block")];
        let asked =
            Asked { query: &query, body: bytes.clone(), ..Asked::new("write a part of", Method::PUT, &path) };
        let answer = self.account.answer(&asked).await?;
        if !answer.status.is_success() {
            return Err(asked.refused(answer.status, &answer.headers));
        }
        // Who removes the object takes its mark away before it looks for blocks: this one is seen by it, or sees that.
        if !self.is_marked(key).await? {
            return Err(StoreError::Failed("the object was removed while it was written".into()));
        }
        Ok(Written { block, len: bytes.len() })
    }

    /// The blocks at a path that are of no object yet, in any order.
    pub(super) async fn blocks(&self, path: &str) -> Result<Vec<Written>, StoreError> {
        let query = [("blocklisttype", "uncommitted"), ("comp", "blocklist")];
        let asked = Asked { query: &query, ..Asked::new("list the parts of", Method::GET, path) };
        let answer = self.account.answer(&asked).await?;
        if !answer.status.is_success() {
            return Err(asked.refused(answer.status, &answer.headers));
        }
        let text = str::from_utf8(&answer.body).map_err(|error| nonsense(path, error))?;
        uncommitted(text).ok_or_else(|| nonsense(path, "no list of blocks"))
    }

    /// The parts at a path, in their order: of one that came twice the later.
    pub(super) async fn latest(&self, path: &str) -> Result<Vec<Written>, StoreError> {
        let mut blocks = match self.blocks(path).await {
            Err(StoreError::NotFound) => Vec::new(),
            listed => listed?,
        };
        blocks.sort_by(|one, other| {
            let order = |written: &Written| (written.block.number, std::cmp::Reverse(written.block.at));
            order(one).cmp(&order(other)).then_with(|| one.block.id().cmp(&other.block.id()))
        });
        blocks.dedup_by_key(|written| written.block.number);
        Ok(blocks)
    }

    /// Makes the object of blocks, in their order; all others are gone then. `false` when it is there already.
    pub(super) async fn commit(&self, path: &str, parts: &[Written]) -> Result<bool, StoreError> {
        let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        for part in parts {
            // Writing to a string cannot fail.
            let _ = write!(list, "<Uncommitted>{}</Uncommitted>", part.block.id());
        }
        list.push_str("</BlockList>");
        let asked = Asked {
            query: &[("comp", "blocklist")],
            headers: HeaderMap::from_iter([(IF_NONE_MATCH, ANY)]),
            body: Chunks::from(vec![list.into()]),
            ..Asked::new("complete", Method::PUT, path)
        };
        let answer = self.account.answer(&asked).await?;
        if answer.status.is_success() || is_there(&answer.headers) {
            return Ok(answer.status.is_success());
        }
        Err(asked.refused(answer.status, &answer.headers))
    }
}

/// Reads the answer that lists them. Blocks of others are left out.
fn uncommitted(text: &str) -> Option<Vec<Written>> {
    let mut blocks = Vec::new();
    let (mut open, mut name, mut size) = (Vec::new(), None, None);
    let mut was_list = false;
    for token in Tokenizer::from(text.trim_start_matches('\u{feff}')) {
        match token.ok()? {
            Token::ElementStart { local, .. } => open.push(local.as_str()),
            Token::Text { text } => {
                let text = text.as_str().trim();
                match open.as_slice() {
                    ["BlockList", "UncommittedBlocks", "Block", "Name"] => name = Some(text),
                    ["BlockList", "UncommittedBlocks", "Block", "Size"] => size = text.parse().ok(),
                    _ => {}
                }
            }
            Token::ElementEnd { end: ElementEnd::Close(..) | ElementEnd::Empty, .. } => {
                match open.as_slice() {
                    ["BlockList", "UncommittedBlocks", "Block"] => {
                        let (name, len) = (name.take()?, size.take()?);
                        blocks.extend(Block::parse(name).map(|block| Written { block, len }));
                    }
                    ["BlockList"] => was_list = true,
                    _ => {}
                }
                open.pop();
            }
            _ => {}
        }
    }
    (was_list && open.is_empty()).then_some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_blocks_is_read_whole_or_not_at_all() {
        let block = Block::new(3, 7, None);
        let of = |inner: &str| {
            format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{inner}</BlockList>")
        };
        let one = |name: &str, size: &str| {
            format!(
                "<UncommittedBlocks><Block><Name>{name}</Name><Size>{size}</Size></Block></UncommittedBlocks>"
            )
        };
        let written = Written { block: block.clone(), len: 5 };
        assert_eq!(uncommitted(&of(&one(&block.id(), "5"))), Some(vec![written]));
        assert_eq!(uncommitted(&of(&one("b3RoZXJz", "5"))), Some(vec![]), "of others");
        assert_eq!(uncommitted(&of("<CommittedBlocks /><UncommittedBlocks />")), Some(vec![]));
        let committed = one(&block.id(), "5").replace("Uncommitted", "Committed");
        assert_eq!(uncommitted(&of(&committed)), Some(vec![]));
        for broken in
            ["", "<html/>", "<BlockList>", &of("<UncommittedBlocks><Block></Block></UncommittedBlocks>")]
        {
            assert_eq!(uncommitted(broken), None, "{broken}");
        }
        assert_eq!(uncommitted(&of(&one(&block.id(), "many"))), None);
    }
}
