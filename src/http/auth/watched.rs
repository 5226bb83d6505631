//! A file that is read at the start, and again when it changes.
//!
//! Invariant: it is looked at no more often than asked for, and by one at a time.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The file, with what was last made of it.
pub(super) struct Watched<T> {
    path: PathBuf,
    look_every: Duration,
    latest: Mutex<Latest<T>>,
}

struct Latest<T> {
    made: Arc<T>,
    stamp: Option<Stamp>,
    looked: Instant,
}

/// What tells one state of the file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    inode: u64,
    modified: (i64, i64),
}

impl<T> Watched<T> {
    /// Reads the file for the first time, and makes something of it. It waits for the disk.
    ///
    /// # Errors
    /// Where it can not be read, or `make` fails.
    pub(super) fn open<E: From<io::Error>>(
        path: &Path,
        look_every: Duration,
        make: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Self, E> {
        let (stamp, text) = read(path)?;
        let made = Arc::new(make(&text)?);
        let latest = Mutex::new(Latest { made, stamp: Some(stamp), looked: Instant::now() });
        Ok(Self { path: path.to_owned(), look_every, latest })
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What was made of it, if it need not be looked at anew. Of those who ask at one time, one is told to look.
    pub(super) fn fresh(&self) -> Option<Arc<T>> {
        let mut latest = self.latest();
        if latest.looked.elapsed() < self.look_every {
            return Some(Arc::clone(&latest.made));
        }
        latest.looked = Instant::now();
        None
    }

    /// Looks whether the file changed, and makes something of it anew if so; where `make` makes nothing, the former
    /// stays. It waits for the disk.
    pub(super) fn look(&self, make: impl FnOnce(io::Result<&str>) -> Option<T>) -> Arc<T> {
        let (known, made) = {
            let latest = self.latest();
            (latest.stamp, Arc::clone(&latest.made))
        };
        let stamp = fs::metadata(&self.path).ok().map(|found| Stamp::of(&found));
        if stamp == known {
            return made;
        }
        let (stamp, new) = match read(&self.path) {
            Ok((stamp, text)) => (Some(stamp), make(Ok(&text))),
            Err(error) => (None, make(Err(error))),
        };
        let mut latest = self.latest();
        latest.stamp = stamp;
        if let Some(new) = new {
            latest.made = Arc::new(new);
        }
        Arc::clone(&latest.made)
    }

    fn latest(&self) -> MutexGuard<'_, Latest<T>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stamp {
    fn of(found: &fs::Metadata) -> Self {
        Self { size: found.size(), inode: found.ino(), modified: (found.mtime(), found.mtime_nsec()) }
    }
}

/// The stamp is taken first: a change between the two is seen at the next look.
fn read(path: &Path) -> io::Result<(Stamp, String)> {
    let stamp = Stamp::of(&fs::metadata(path)?);
    Ok((stamp, fs::read_to_string(path)?))
}
