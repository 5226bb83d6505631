//! A long text, in pieces: it grows and is sent without being copied as a whole.

use std::io::{Read, Write};

use bytes::Bytes;

/// The size of a piece.
const PIECE_BYTES: usize = 64 * 1024;

/// A text in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    full: Vec<Bytes>,
    open: Vec<u8>,
}

impl Pieces {
    /// How long it is.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.full.iter().map(Bytes::len).sum::<usize>().saturating_add(self.open.len())
    }

    /// The pieces, in order.
    pub fn into_pieces(self) -> impl Iterator<Item = Bytes> {
        self.full.into_iter().chain([Bytes::from(self.open)])
    }

    /// The text from its beginning.
    pub fn reader(&self) -> impl Read + '_ {
        let pieces = self.full.iter().map(Bytes::as_ref).chain([self.open.as_slice()]);
        Reader { pieces: pieces.collect::<Vec<_>>().into_iter(), piece: &[] }
    }

    /// All of it at once.
    #[must_use]
    pub fn whole(&self) -> Vec<u8> {
        let mut whole = self.full.concat();
        whole.extend(&self.open);
        whole
    }
}

impl From<Vec<u8>> for Pieces {
    fn from(text: Vec<u8>) -> Self {
        Self { full: Vec::new(), open: text }
    }
}

impl Write for Pieces {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.open.extend_from_slice(text);
        if self.open.len() >= PIECE_BYTES {
            let next = Vec::with_capacity(PIECE_BYTES.saturating_add(PIECE_BYTES / 8));
            self.full.push(std::mem::replace(&mut self.open, next).into());
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Reader<'a> {
    pieces: std::vec::IntoIter<&'a [u8]>,
    piece: &'a [u8],
}

impl Read for Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() {
            let Some(next) = self.pieces.next() else { return Ok(0) };
            self.piece = next;
        }
        self.piece.read(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_however_it_is_cut() {
        let mut pieces = Pieces::default();
        let mut text = Vec::new();
        for number in 0..40_000_u32 {
            let word = format!("{number} ");
            pieces.write_all(word.as_bytes()).unwrap();
            text.extend(word.into_bytes());
        }
        let mut read = Vec::new();
        pieces.reader().read_to_end(&mut read).unwrap();
        assert!(read == text && pieces.whole() == text && pieces.size_bytes() == text.len());
        let cut: Vec<Bytes> = pieces.into_pieces().collect();
        assert!(cut.len() > 3 && cut.concat() == text);
    }
}
