//! Halves of UTF-16 surrogate pairs in JSON text, which no Unicode text can hold.
//!
//! Invariant: everything but such halves is copied as it is. It must not know what the text means.

/// The same JSON text with each lone `\udXXX` replaced by `\ufffd`; `None` where there is none.
pub(super) fn without_lone_surrogates(json: &[u8]) -> Option<Vec<u8>> {
    let mut mended = Vec::with_capacity(json.len());
    let mut replaced = false;
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let (plain, escape) = rest.split_at(at);
        mended.extend_from_slice(plain);
        let (length, is_lone) = measure(escape);
        let (taken, after) = escape.split_at(length.min(escape.len()));
        mended.extend_from_slice(if is_lone { b"\\ufffd" } else { taken });
        replaced |= is_lone;
        rest = after;
    }
    mended.extend_from_slice(rest);
    replaced.then_some(mended)
}

/// How long the escape at the beginning is, and whether it is half a pair.
fn measure(escape: &[u8]) -> (usize, bool) {
    match (unit(escape), escape.get(6..).and_then(unit)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, false),
        (Some(0xd800..=0xdfff), _) => (6, true),
        _ => (2, false),
    }
}

/// The UTF-16 unit of a `\uXXXX` at the beginning.
fn unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(json: &str) -> Option<String> {
        without_lone_surrogates(json.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn only_halves_are_replaced() {
        assert_eq!(mended(r#""a\udcffb""#).unwrap(), r#""a\ufffdb""#);
        assert_eq!(mended(r#""\ud83d\ud83d\ude00\n""#).unwrap(), r#""\ufffd\ud83d\ude00\n""#);
        for whole in [r#""\ud83d\ude00""#, r#""\\udcff""#, r#""\u00fc\n""#, r#""\"#, r#""\ud8"#, ""] {
            assert_eq!(mended(whole), None, "{whole}");
        }
    }
}
