//! The rules in force: those that come with the program, and over them those of a file, read again when it changes.
//!
//! Invariant: a file that can not be understood prevents the start, and later leaves the former rules in force.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::super::policy::{Roles, defaults};
use super::watched::Watched;
use crate::error::{Error, Result};
use crate::policy::{Rules, parse_document};

/// The rules in force.
pub struct Policies {
    roles: Roles,
    source: Source,
}

enum Source {
    Defaults(Arc<Rules>),
    File(Arc<Watched<Rules>>),
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies").field("roles", &self.roles).finish_non_exhaustive()
    }
}

/// Why a file can not be used.
struct Unusable(String);

impl From<io::Error> for Unusable {
    fn from(cause: io::Error) -> Self {
        Self(format!("can not be read: {cause}"))
    }
}

impl Policies {
    /// Reads the file, if there is one. It waits for the disk.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn open(path: Option<&Path>, roles: Roles, look_every: Duration) -> Result<Self> {
        let source = match path {
            None => Source::Defaults(Arc::new(read("", roles).map_err(Error::internal)?)),
            Some(path) => {
                let told = |Unusable(why)| {
                    Error::bad_request(format!("[oslo_policy]policy_file: {}: {why}", path.display()))
                };
                let make = |text: &str| read(text, roles).map_err(Unusable);
                let watched = Watched::open(path, look_every, make).map_err(told)?;
                if let Some(rules) = watched.fresh() {
                    tell(path, &rules);
                }
                Source::File(Arc::new(watched))
            }
        };
        Ok(Self { roles, source })
    }

    /// The rules in force.
    pub(super) async fn rules(&self) -> Option<Arc<Rules>> {
        let watched = match &self.source {
            Source::Defaults(rules) => return Some(Arc::clone(rules)),
            Source::File(watched) => watched,
        };
        if let Some(rules) = watched.fresh() {
            return Some(rules);
        }
        let (watched, roles) = (Arc::clone(watched), self.roles);
        spawn_blocking(move || watched.look(|text| read_again(watched.path(), text, roles))).await.ok()
    }
}

fn read(text: &str, roles: Roles) -> std::result::Result<Rules, String> {
    Rules::new(&defaults(roles), &parse_document(text)?)
}

fn read_again(path: &Path, text: io::Result<&str>, roles: Roles) -> Option<Rules> {
    let read = text.map_err(|cause| cause.to_string()).and_then(|text| read(text, roles));
    match read {
        Ok(rules) => {
            log::info!("The policy was read again path={}", path.display());
            tell(path, &rules);
            Some(rules)
        }
        Err(why) => {
            log::error!(
                "The policy can not be used: the former one stays in force. {why} path={}",
                path.display()
            );
            None
        }
    }
}

fn tell(path: &Path, rules: &Rules) {
    for name in rules.of_target() {
        log::warn!(
            "A rule compares with %(...)s: requests have no such target, so nobody satisfies that rule={name} path={}",
            path.display()
        );
    }
}
