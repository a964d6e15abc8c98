//! Who looks at bytes on their way in.

use bytes::Bytes;

use crate::error::Result;
use crate::format::Examination;

/// Somebody who is shown a body as it flows, before it is an object. Nothing is copied for it, and it must not linger: the
/// body waits.
pub trait Watch: Send {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Why the body is refused, as soon as that is certain.
    fn see(&mut self, pieces: &[Bytes]) -> Result<()>;

    /// Hears that there is no more, before the object becomes whole.
    ///
    /// # Errors
    /// Why the body is refused.
    fn end(&mut self) -> Result<()>;
}

/// Nobody.
impl Watch for () {
    fn see(&mut self, _: &[Bytes]) -> Result<()> {
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

impl<W: Watch> Watch for Option<W> {
    fn see(&mut self, pieces: &[Bytes]) -> Result<()> {
        self.as_mut().map_or(Ok(()), |watch| watch.see(pieces))
    }

    fn end(&mut self) -> Result<()> {
        self.as_mut().map_or(Ok(()), Watch::end)
    }
}

impl Watch for Examination {
    fn see(&mut self, pieces: &[Bytes]) -> Result<()> {
        Ok(self.update(pieces.iter().map(AsRef::as_ref))?)
    }

    fn end(&mut self) -> Result<()> {
        Ok(self.conclude()?)
    }
}
