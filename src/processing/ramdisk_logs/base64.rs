//! Base64 as leniently as ramdisks' servers have always read it: foreign characters are skipped, and padding
//! that completes a group ends the text.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes; `None` where the last group is not complete.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut digits = Vec::with_capacity(text.len());
    let mut padding = 0;
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' => {
                digits.push(byte);
                padding = 0;
            }
            b'=' => padding += 1,
            _ => {}
        }
        if padding > 0 && digits.len() % 4 >= 2 && digits.len() % 4 + padding >= 4 {
            return ENGINE.decode(digits).ok();
        }
    }
    if digits.len() % 4 == 0 { ENGINE.decode(digits).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_characters_are_skipped() {
        assert_eq!(decode("b G\n9-n!").unwrap(), b"log");
        assert_eq!(decode("!!!").unwrap(), b"");
        assert_eq!(decode("").unwrap(), b"");
    }

    #[test]
    fn padding_ends_the_text() {
        assert_eq!(decode("bG8=").unwrap(), b"lo");
        assert_eq!(decode("bA==bG9n").unwrap(), b"l");
        assert_eq!(decode("bG9n====").unwrap(), b"log");
    }

    #[test]
    fn an_incomplete_group_is_refused() {
        for bad in ["b", "bG", "bG9nX", "bG9nbA="] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
