//! A connection on which a refusal is read even when it came before the whole request was sent.
//!
//! A server may answer early and close. A client that then stops at its own failure to send never sees the answer.

use std::io::{Error, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// A connection that takes what can no longer be sent for sent. Reading it tells what became of the request.
#[derive(Debug)]
pub(crate) struct Patient<T>(pub(crate) T);

impl<T: Unpin> Patient<T> {
    fn inner(self: Pin<&mut Self>) -> Pin<&mut T> {
        Pin::new(&mut self.get_mut().0)
    }
}

/// The outcome of sending, where a connection that the other end closed is none.
fn unless_closed<V>(sent: Poll<Result<V, Error>>, instead: V) -> Poll<Result<V, Error>> {
    match sent {
        Poll::Ready(Err(error))
            if [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset].contains(&error.kind()) =>
        {
            Poll::Ready(Ok(instead))
        }
        other => other,
    }
}

impl<T: Read + Unpin> Read for Patient<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<Result<(), Error>> {
        self.inner().poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for Patient<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        unless_closed(self.inner().poll_write(context, bytes), bytes.len())
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>> {
        let length = bytes.iter().map(|slice| slice.len()).sum();
        unless_closed(self.inner().poll_write_vectored(context, bytes), length)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        unless_closed(self.inner().poll_flush(context), ())
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        unless_closed(self.inner().poll_shutdown(context), ())
    }
}

impl<T: Connection> Connection for Patient<T> {
    fn connected(&self) -> Connected {
        self.0.connected()
    }
}
