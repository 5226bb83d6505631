//! A folder of files, one a document, named as the objects of Swift are.
//!
//! Invariant: a file is whole or not there: it is written under another name, brought to the disk and then renamed.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;

use super::{DataStore, Failure, Key, StoreResult};

/// The folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A folder; it is made when the first document is saved.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Works on the file of a key, on a thread that may wait for the disk.
    async fn with<T: Send + 'static>(
        &self,
        key: &Key,
        what: &'static str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        let path = self.0.join(key.object());
        let told = path.clone();
        let done = tokio::task::spawn_blocking(move || work(&path)).await;
        let failed = |why: String| {
            Failure::passing(format!("File {} could not be {what}. Error was: {why}", told.display()))
        };
        match done {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

#[async_trait]
impl DataStore for Folder {
    async fn save(&self, key: &Key, document: Bytes) -> StoreResult<()> {
        self.with(key, "written", move |path| write(path, &document)).await
    }

    async fn get(&self, key: &Key) -> StoreResult<Option<Bytes>> {
        self.with(key, "read", read).await
    }

    async fn holds(&self, key: &Key, document: &Bytes) -> StoreResult<bool> {
        Ok(self.get(key).await?.as_ref() == Some(document))
    }

    async fn remove(&self, key: &Key) -> StoreResult<()> {
        self.with(key, "removed", |path| absent_is_fine(std::fs::remove_file(path)).map(drop)).await
    }
}

fn write(path: &Path, document: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(document)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    // The name is safe only when the folder is.
    std::fs::File::open(folder)?.sync_all()
}

fn read(path: &Path) -> io::Result<Option<Bytes>> {
    absent_is_fine(std::fs::read(path).map(Bytes::from))
}

fn absent_is_fine<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::node::Variant;

    #[actix_rt::test]
    async fn a_document_is_kept_replaced_and_removed() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(&place.path().join("deep").join("down"));
        let raw = Key::new(Uuid::nil(), Variant::Raw);
        let processed = Key::new(Uuid::nil(), Variant::Processed);
        assert_eq!(folder.get(&raw).await, Ok(None));
        folder.remove(&raw).await.unwrap();
        folder.save(&raw, Bytes::from_static(b"{}")).await.unwrap();
        folder.save(&raw, Bytes::from_static(b"{\"a\": 1}")).await.unwrap();
        assert_eq!(folder.get(&raw).await, Ok(Some(Bytes::from_static(b"{\"a\": 1}"))));
        assert_eq!(folder.get(&processed).await, Ok(None));
        assert_eq!(folder.holds(&raw, &Bytes::from_static(b"{}")).await, Ok(false));
        assert_eq!(folder.holds(&raw, &Bytes::from_static(b"{\"a\": 1}")).await, Ok(true));
        let names: Vec<_> = std::fs::read_dir(&folder.0).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(names, ["inspector_data-00000000-0000-0000-0000-000000000000-UNPROCESSED"]);
        folder.remove(&raw).await.unwrap();
        assert_eq!(folder.get(&raw).await, Ok(None));
    }

    #[actix_rt::test]
    async fn what_the_disk_refuses_is_told_with_the_file() {
        let place = tempfile::NamedTempFile::new().unwrap();
        let folder = Folder::new(place.path());
        let failure =
            folder.save(&Key::new(Uuid::nil(), Variant::Processed), Bytes::new()).await.unwrap_err();
        assert!(failure.text.contains("could not be written") && failure.text.contains("inspector_data-"));
    }
}
