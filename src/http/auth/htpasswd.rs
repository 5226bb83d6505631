//! The text of a file of users: one `user:hash` per line, bcrypt only.
//!
//! Invariant: of several lines for one user the first counts; no text made here holds a hash.

use std::collections::HashMap;

use bcrypt::HashParts;

/// Prefixes of the hashes that count as bcrypt.
const PREFIXES: [&str; 3] = ["$2y$", "$2a$", "$2b$"];
/// Salt and hash that no password is known for.
const NOBODY: &str = "abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01232";
/// What a password costs where no user tells otherwise.
const COMMON_COST: u32 = 5;

/// What stands behind a user's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A hash of bcrypt.
    Bcrypt(String),
    /// Anything else.
    Unsupported,
}

/// The users of a file.
pub(super) struct Users {
    entries: HashMap<String, Entry>,
    /// A hash that costs as much as the dearest of the users, so that a stranger is not told by the time it takes.
    nobody: String,
}

impl Users {
    /// Reads the text of a file; lines without a colon mean nothing.
    pub(super) fn parse(text: &str) -> Self {
        let mut entries = HashMap::new();
        for (user, hash) in text.lines().filter_map(|line| line.split_once(':')) {
            entries.entry(user.to_owned()).or_insert_with(|| entry(hash.trim_end()));
        }
        let cost = entries.values().filter_map(cost).max().unwrap_or(COMMON_COST);
        Self { entries, nobody: format!("$2b${cost:02}${NOBODY}") }
    }

    /// The number of the first line whose hash is not bcrypt.
    pub(super) fn first_unsupported(text: &str) -> Option<usize> {
        let is_bad = |line: &str| {
            line.split_once(':').is_some_and(|(_, hash)| entry(hash.trim_end()) == Entry::Unsupported)
        };
        text.lines().position(is_bad).map(|index| index.saturating_add(1))
    }

    pub(super) fn find(&self, user: &str) -> Option<&Entry> {
        self.entries.get(user)
    }

    /// What a stranger's password is compared with: it never fits.
    pub(super) fn nobody(&self) -> &str {
        &self.nobody
    }
}

fn entry(hash: &str) -> Entry {
    let is_bcrypt = PREFIXES.iter().any(|prefix| hash.starts_with(prefix)) && parts(hash).is_some();
    if is_bcrypt { Entry::Bcrypt(hash.to_owned()) } else { Entry::Unsupported }
}

fn cost(entry: &Entry) -> Option<u32> {
    match entry {
        Entry::Bcrypt(hash) => parts(hash).map(|parts| parts.get_cost()),
        Entry::Unsupported => None,
    }
}

/// A hash in its parts, where its form and its cost are possible.
fn parts(hash: &str) -> Option<HashParts> {
    hash.parse().ok().filter(|parts: &HashParts| (4..=31).contains(&parts.get_cost()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2b$06$g9s6UShzRpCPm6.dr314ZebYBopJqMcj.wlgQuoTmQEfncShF2Kcu";

    #[test]
    fn the_first_line_of_a_user_counts() {
        let users = Users::parse(&format!("# no user\n\nann:{HASH}\nann:plain\nbob:{{SHA}}x\r\n"));
        assert_eq!(users.find("ann"), Some(&Entry::Bcrypt(HASH.to_owned())));
        assert_eq!(users.find("bob"), Some(&Entry::Unsupported));
        assert_eq!(users.find("# no user"), None);
    }

    #[test]
    fn only_bcrypt_is_supported() {
        assert_eq!(Users::first_unsupported(&format!("ann:{HASH}\nno colon\n")), None);
        let other = HASH.replace("$2b$", "$2x$");
        let costly = HASH.replace("$06$", "$99$");
        for bad in ["", "plain", "$apr1$x$y", "$2b$05$short", other.as_str(), costly.as_str()] {
            assert_eq!(Users::first_unsupported(&format!("ann:{HASH}\n\nbob:{bad}\n")), Some(3), "{bad}");
        }
    }

    #[test]
    fn a_stranger_costs_as_much_as_the_dearest_user() {
        let users = Users::parse(&format!("ann:{HASH}\nbob:{}\n", HASH.replace("$06$", "$04$")));
        assert_eq!(parts(users.nobody()).unwrap().get_cost(), 6);
        assert_eq!(bcrypt::verify("letmein", users.nobody()).ok(), Some(false));
        assert_eq!(parts(Users::parse("").nobody()).unwrap().get_cost(), COMMON_COST);
    }
}
