//! Buffers that are used again: memory touched for the first time costs more than the copy into it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes in a block. Direct writes are whole blocks at multiples of this; one call moves as much at a time.
pub(super) const BLOCK: usize = 1 << 20;

/// What direct I/O wants of an address: the largest sector or page commonly asked for.
const ALIGNMENT: usize = 4096;

/// Blocks kept for the next taker; more than this many are freed when they come back.
const KEPT: usize = 16;

/// Blocks shared by all readers and writers of a store.
#[derive(Clone, Default)]
pub(super) struct Blocks {
    free: Arc<Mutex<Vec<Box<[u8]>>>>,
}

impl Blocks {
    /// A block with unspecified content, returned to the others when it is dropped.
    pub(super) fn take(&self) -> Block {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let memory = free.unwrap_or_else(|| vec![0; BLOCK + ALIGNMENT].into_boxed_slice());
        Block {
            start: memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT),
            len: BLOCK,
            memory,
            home: self.clone(),
        }
    }
}

impl fmt::Debug for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").finish_non_exhaustive()
    }
}

/// Up to [`BLOCK`] bytes at an aligned address.
pub(super) struct Block {
    memory: Box<[u8]>,
    start: usize,
    len: usize,
    home: Blocks,
}

impl Block {
    /// Shortens it.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl AsRef<[u8]> for Block {
    fn as_ref(&self) -> &[u8] {
        self.memory.get(self.start..self.start + self.len).unwrap_or_default()
    }
}

impl AsMut<[u8]> for Block {
    fn as_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(self.start..self.start + self.len).unwrap_or_default()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        let mut free = self.home.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(std::mem::take(&mut self.memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_aligned_and_used_again_in_full_length() {
        let blocks = Blocks::default();
        let mut block = blocks.take();
        let address = block.as_ref().as_ptr();
        assert_eq!(address.align_offset(ALIGNMENT), 0);
        block.truncate(7);
        assert_eq!(block.as_mut().len(), 7);
        drop(block);
        let again = blocks.take();
        assert_eq!((again.as_ref().as_ptr(), again.as_ref().len()), (address, BLOCK));
    }
}
