//! MAC addresses, parsed once and lower-cased once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A six-octet MAC address, lower case with colons.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(String);

/// A text that is no MAC address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a MAC address: expected six pairs of hexadecimal digits joined by colons")]
pub struct InvalidMac(pub String);

impl Mac {
    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address in `BOOTIF` form (`01-aa-bb-cc-dd-ee-ff`) or with colons (processing 2.4.3). A dashed
    /// address may come with or without the leading hardware type.
    #[must_use]
    pub fn from_boot_interface(text: &str) -> Option<Self> {
        if !text.contains('-') {
            return text.parse().ok();
        }
        let octets: Vec<&str> = text.split('-').collect();
        let address = match octets.as_slice() {
            [_, rest @ ..] if rest.len() == 6 => rest.join(":"),
            all => all.join(":"),
        };
        address.parse().ok()
    }
}

impl FromStr for Mac {
    type Err = InvalidMac;

    /// Exactly six colon-separated pairs of hex digits, any case (processing 2.4.4).
    fn from_str(text: &str) -> Result<Self, InvalidMac> {
        let pairs: Vec<&str> = text.split(':').collect();
        let good = |pair: &&str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
        if pairs.len() == 6 && pairs.iter().all(good) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidMac(text.to_owned()))
        }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_six_pairs_with_colons_are_a_mac() {
        assert_eq!("52:54:00:AB:cd:01".parse::<Mac>().unwrap().as_str(), "52:54:00:ab:cd:01");
        for bad in ["", "52-54-00-ab-cd-01", "52:54:00:zz:00:01", "52:54:00", "00:11:22:33:44:55:66:77"] {
            assert!(bad.parse::<Mac>().is_err(), "{bad}");
        }
    }

    #[test]
    fn boot_interface_is_read_in_each_of_its_forms() {
        let mac = "52:54:00:ab:cd:01".parse::<Mac>().ok();
        for text in ["01-52-54-00-AB-CD-01", "52-54-00-ab-cd-01", "52:54:00:AB:cd:01"] {
            assert_eq!(Mac::from_boot_interface(text), mac, "{text}");
        }
        assert_eq!(Mac::from_boot_interface("eth0"), None);
    }
}
