//! A request body made of the pieces a part arrived in, sent without joining them, and again when a try fails.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::ports::Chunks;

/// The body of a request that sends these bytes.
pub(super) fn of(chunks: &Chunks) -> ByteStream {
    let chunks = chunks.clone();
    ByteStream::new(SdkBody::retryable(move || {
        SdkBody::from_body_1_x(Pieces { left: chunks.len(), next: 0, chunks: chunks.clone() })
    }))
}

struct Pieces {
    chunks: Chunks,
    next: usize,
    left: u64,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(piece) = self.chunks.pieces().get(self.next).cloned() else { return Poll::Ready(None) };
        self.next += 1;
        self.left = self.left.saturating_sub(piece.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    /// Exact, so that the request says its length.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
