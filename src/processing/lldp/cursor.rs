//! A place in the bytes of a TLV. Every step may find too little, and then takes nothing.

/// Bytes that are read from the front.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    left: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(count)?;
        self.left = left;
        Some(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, left) = self.left.split_first_chunk()?;
        self.left = left;
        Some(*taken)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// All that is left, as text.
    pub fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(std::mem::take(&mut self.left)).ok()
    }

    /// A check that nothing is left.
    pub fn end(&self) -> Option<()> {
        self.left.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_takes_nothing() {
        let mut cursor = Cursor::new(&[1, 2, 3]);
        assert_eq!((cursor.u32(), cursor.take(4)), (None, None));
        assert_eq!((cursor.u16(), cursor.end()), (Some(0x0102), None));
        assert_eq!((cursor.u8(), cursor.end()), (Some(3), Some(())));
        assert_eq!((cursor.text(), cursor.u8()), (Some(""), None));
    }
}
