//! The ramdisk's logs: a journal of a few lines, packed as the ramdisk packs its own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::gzip;
use crate::demo::fleet::Machine;
use crate::demo::fleet::fate::Fate;

/// The member `logs`.
pub(super) fn of(machine: &Machine) -> String {
    let files = [("journal", journal(machine)), ("ip_addr", addresses(machine))];
    let archive: Vec<u8> = files.iter().flat_map(|(name, text)| tar_entry(name, text.as_bytes())).collect();
    // An archive ends with two empty blocks.
    let whole: Vec<u8> = archive.into_iter().chain([0; 1024]).collect();
    STANDARD.encode(gzip::stored(&whole))
}

fn journal(machine: &Machine) -> String {
    let model = machine.model;
    let mut lines = vec![
        format!("kernel: DMI: {} {}, BIOS {}", model.manufacturer, model.product, model.firmware),
        format!("kernel: smp: Brought up {} CPUs", model.cpu.threads),
        "agent: starting inspection".to_owned(),
    ];
    lines.extend(model.disks.iter().map(|disk| format!("agent: found disk {} {}", disk.name, disk.model)));
    if machine.fate == Fate::RamdiskFails {
        lines.push("agent: collector pci-devices failed: Input/output error".to_owned());
    }
    lines.join("\n") + "\n"
}

fn addresses(machine: &Machine) -> String {
    let nics = machine.model.nics.iter().zip(&machine.macs);
    nics.map(|(nic, mac)| format!("{}: link/ether {mac}\n", nic.name)).collect()
}

/// A file in a tar archive: its header, its bytes, filled up to whole blocks.
fn tar_entry(name: &str, content: &[u8]) -> Vec<u8> {
    let size = format!("{:011o}", content.len());
    let before = [field(name, 100), field("0000644", 8), field("0000000", 8), field("0000000", 8)].concat();
    let middle = [field(&size, 12), field("00000000000", 12)].concat();
    let after = [field("0", 1), field("", 100), field("ustar", 6), field("00", 2), field("", 247)].concat();
    let bytes = before.iter().chain(&middle).chain(&after).copied().map(u32::from);
    // The checksum is made as if its own field were eight blanks.
    let sum = bytes.sum::<u32>().saturating_add(8 * 32);
    let checksum = field(&format!("{sum:06o}\0 "), 8);
    let mut entry = [before, middle, checksum, after].concat();
    entry.extend_from_slice(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn field(text: &str, width: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(width, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_logs_can_be_unpacked_by_tar() {
        let packed = STANDARD.decode(of(&Machine::new(3))).unwrap();
        let mut tar = Command::new("tar")
            .args(["-xzOf", "-", "journal"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        tar.stdin.take().unwrap().write_all(&packed).unwrap();
        let output = tar.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), journal(&Machine::new(3)));
    }
}
