//! The logs that a ramdisk sends along: taken out of the document, decoded, written to a folder.
//!
//! Invariant: nothing that a ramdisk sends leaves the folder or fails a run; what cannot be used is logged. The
//! functions block: they are not for a reactor thread.

mod base64;
mod file_name;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;
use uuid::Uuid;

use super::bmc;
use super::inventory::boot_mac;
use super::python::{is_truthy, type_name};
use crate::clock::Timestamp;
use crate::config::Processing;
use crate::error::{Error, Result};
use crate::mac::Mac;
use crate::node_service::Object;
use file_name::Template;

/// The most that is written of one document's logs.
pub const MAX_DECODED_BYTES: usize = 64 << 20;

/// Logs as they came: base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RamdiskLogs(String);

impl RamdiskLogs {
    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The archive itself; nothing where it can not be decoded.
    #[must_use]
    pub fn archive(&self) -> Option<Vec<u8>> {
        decoded(self).ok().filter(|archive| !archive.is_empty())
    }

    /// Takes `logs` out of the document, so that it is neither processed nor stored.
    pub fn take(document: &mut Object) -> Option<Self> {
        match document.shift_remove("logs")? {
            Value::String(logs) if !logs.is_empty() => Some(Self(logs)),
            other => {
                if is_truthy(&other) {
                    log::warn!(
                        "Ignoring the ramdisk's logs: expected base64 text, got {}",
                        type_name(&other)
                    );
                }
                None
            }
        }
    }
}

/// What the name of a log file may tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The node, where it is known.
    pub node: Option<Uuid>,
    /// The interface that the machine booted from.
    pub boot_mac: Option<Mac>,
    /// The IPv4 address of its BMC.
    pub bmc: Option<Ipv4Addr>,
}

impl Origin {
    /// Reads the origin of a document.
    #[must_use]
    pub fn of(node: Option<Uuid>, document: &Object) -> Self {
        let bmc = bmc::addresses(document).into_iter().find_map(|address| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        });
        Self { node, boot_mac: boot_mac(document), bmc }
    }
}

/// Where logs are written, and under which names.
#[derive(Clone, Debug, PartialEq)]
pub struct LogStore {
    folder: Option<PathBuf>,
    template: Template,
}

impl LogStore {
    /// As configured. Without a folder nothing is ever written.
    ///
    /// # Errors
    ///
    /// A name template with an unknown field or time format.
    pub fn from_config(options: &Processing) -> Result<Self> {
        let template = Template::parse(&options.ramdisk_logs_filename_format).map_err(|reason| {
            Error::bad_request(format!("[processing]ramdisk_logs_filename_format: {reason}"))
        })?;
        Ok(Self { folder: options.ramdisk_logs_dir.clone(), template })
    }

    /// Writes the logs; whatever fails is only logged. Answers where they are.
    pub fn store(&self, logs: &RamdiskLogs, origin: &Origin, now: Timestamp) -> Option<PathBuf> {
        let node = origin.node.map_or_else(|| "unknown".to_owned(), |uuid| uuid.to_string());
        let Some(folder) = &self.folder else {
            log::warn!(
                "The ramdisk's logs are not stored: [processing]ramdisk_logs_dir is not set node={node}"
            );
            return None;
        };
        let path = folder.join(self.template.file_name(origin, now));
        match decoded(logs).and_then(|bytes| write(folder, &path, &bytes).map_err(|e| e.to_string())) {
            Ok(()) => Some(path),
            Err(reason) => {
                log::warn!("The ramdisk's logs could not be stored: {reason} node={node}");
                None
            }
        }
    }
}

fn decoded(logs: &RamdiskLogs) -> std::result::Result<Vec<u8>, String> {
    if logs.0.len() / 4 * 3 > MAX_DECODED_BYTES {
        return Err(format!("they are larger than {MAX_DECODED_BYTES} bytes"));
    }
    base64::decode(&logs.0).ok_or_else(|| "they are no valid base64".to_owned())
}

fn write(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(path, bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn store(folder: Option<PathBuf>) -> LogStore {
        let options = Processing {
            ramdisk_logs_dir: folder,
            ramdisk_logs_filename_format: "x_{uuid}_{mac}_{bmc}.tar.gz".to_owned(),
            ..Processing::default()
        };
        LogStore::from_config(&options).unwrap()
    }

    fn logs(value: Value) -> Option<RamdiskLogs> {
        let mut document = json!({"a": 1, "logs": value, "b": 2, "c": 3}).as_object().unwrap().clone();
        let logs = RamdiskLogs::take(&mut document);
        assert_eq!(document.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        logs
    }

    #[test]
    fn logs_leave_the_document_whatever_they_are() {
        assert_eq!(logs(json!("bG9n")), Some(RamdiskLogs("bG9n".to_owned())));
        for useless in [json!(null), json!(""), json!(7), json!(["x"])] {
            assert_eq!(logs(useless), None);
        }
    }

    #[test]
    fn the_folder_is_made_and_the_content_decoded() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("made/on/demand");
        let document =
            json!({"boot_interface": "01-52-54-00-00-00-01", "inventory": {"bmc_address": "192.0.2.1"}});
        let origin = Origin::of(Some(Uuid::from_u128(1)), document.as_object().unwrap());
        let path = store(Some(folder)).store(&logs(json!("bG9n")).unwrap(), &origin, Timestamp(0)).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(name, "x_00000000-0000-0000-0000-000000000001_525400000001_192.0.2.1.tar.gz");
        assert_eq!(fs::read(path).unwrap(), b"log");
    }

    #[test]
    fn hostile_values_are_unknown() {
        let document = json!({"boot_interface": "../../etc/passwd", "inventory": {"bmc_address": "../x"}});
        let origin = Origin::of(None, document.as_object().unwrap());
        assert_eq!(origin, Origin::default());
    }

    #[test]
    fn what_cannot_be_stored_is_only_logged() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let good = logs(json!("bG9n")).unwrap();
        assert_eq!(store(None).store(&good, &Origin::default(), Timestamp(0)), None);
        assert_eq!(store(Some(file)).store(&good, &Origin::default(), Timestamp(0)), None);
        let bad = logs(json!("bG9nX")).unwrap();
        let folder = place.path().to_owned();
        assert_eq!(store(Some(folder.clone())).store(&bad, &Origin::default(), Timestamp(0)), None);
        let huge = RamdiskLogs("A".repeat(MAX_DECODED_BYTES / 3 * 4 + 8));
        assert_eq!(store(Some(folder)).store(&huge, &Origin::default(), Timestamp(0)), None);
    }

    #[test]
    fn a_bad_template_is_refused_when_the_configuration_is_read() {
        let options =
            Processing { ramdisk_logs_filename_format: "{serial}".to_owned(), ..Processing::default() };
        assert!(LogStore::from_config(&options).unwrap_err().text.contains("serial"));
    }
}
