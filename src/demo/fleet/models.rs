//! The models that the simulated machines are of.

/// A machine model.
#[derive(Debug)]
pub struct Model {
    /// Who makes it.
    pub manufacturer: &'static str,
    /// What it is called.
    pub product: &'static str,
    /// Version of its firmware.
    pub firmware: &'static str,
    /// `bios` or `uefi`.
    pub boot_mode: &'static str,
    /// Its processor.
    pub cpu: Cpu,
    /// Memory, which some machines of the model have twice.
    pub memory_gib: u64,
    /// First half of its MAC addresses.
    pub oui: &'static str,
    /// Its network interfaces; the first one boots.
    pub nics: &'static [Nic],
    /// Its disks.
    pub disks: &'static [Disk],
}

/// A processor.
#[derive(Debug)]
pub struct Cpu {
    /// Its name.
    pub model: &'static str,
    /// Its architecture.
    pub architecture: &'static str,
    /// Its frequency, as the ramdisk writes it.
    pub mhz: &'static str,
    /// Threads of all sockets.
    pub threads: u64,
    /// Sockets.
    pub sockets: u64,
    /// What it can do.
    pub flags: &'static [&'static str],
}

/// A network interface.
#[derive(Debug)]
pub struct Nic {
    /// The kernel's name of it.
    pub name: &'static str,
    /// The kernel's driver.
    pub driver: &'static str,
    /// PCI vendor.
    pub vendor: &'static str,
    /// PCI product.
    pub product: &'static str,
    /// PCI address.
    pub pci: &'static str,
    /// Speed.
    pub mbps: u64,
}

/// A disk.
#[derive(Debug)]
pub struct Disk {
    /// The kernel's name of it.
    pub name: &'static str,
    /// Its model.
    pub model: &'static str,
    /// Who makes it.
    pub vendor: Option<&'static str>,
    /// Size.
    pub bytes: u64,
    /// Whether it turns.
    pub rotational: bool,
    /// How it is attached.
    pub transport: &'static str,
}

/// The model of a machine.
#[must_use]
pub fn of(index: u32) -> &'static Model {
    let turn = usize::try_from(index).unwrap_or(0).checked_rem(MODELS.len()).unwrap_or(0);
    MODELS.get(turn).unwrap_or(&MODELS[0])
}

const INTEL_FLAGS: &[&str] = &["fpu", "vmx", "smx", "pse", "aes", "pdpe1gb", "avx2", "avx512f"];
const AMD_FLAGS: &[&str] = &["fpu", "svm", "pse", "aes", "pdpe1gb", "avx2", "sha_ni"];
const ARM_FLAGS: &[&str] = &["fp", "asimd", "aes", "sha2", "crc32", "atomics"];

const fn nic(
    name: &'static str,
    driver: &'static str,
    ids: (&'static str, &'static str),
    pci: &'static str,
    mbps: u64,
) -> Nic {
    Nic { name, driver, vendor: ids.0, product: ids.1, pci, mbps }
}

const fn sata(name: &'static str, model: &'static str, bytes: u64) -> Disk {
    Disk { name, model, vendor: Some("ATA"), bytes, rotational: false, transport: "sata" }
}

const fn spinning(name: &'static str, model: &'static str, bytes: u64) -> Disk {
    Disk { name, model, vendor: Some("ATA"), bytes, rotational: true, transport: "sata" }
}

const fn nvme(name: &'static str, model: &'static str, bytes: u64) -> Disk {
    Disk { name, model, vendor: None, bytes, rotational: false, transport: "nvme" }
}

const MODELS: [Model; 5] = [
    Model {
        manufacturer: "Dell Inc.",
        product: "PowerEdge R650",
        firmware: "1.12.1",
        boot_mode: "uefi",
        cpu: Cpu {
            model: "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz",
            architecture: "x86_64",
            mhz: "3200.0000",
            threads: 128,
            sockets: 2,
            flags: INTEL_FLAGS,
        },
        memory_gib: 256,
        oui: "b4:96:91",
        nics: &[
            nic("ens3f0", "ice", ("0x8086", "0x159b"), "0000:31:00.0", 25_000),
            nic("ens3f1", "ice", ("0x8086", "0x159b"), "0000:31:00.1", 25_000),
            nic("eno1", "tg3", ("0x14e4", "0x165f"), "0000:04:00.0", 1_000),
        ],
        disks: &[
            sata("/dev/sda", "MTFDDAK480TDS", 480_103_981_056),
            sata("/dev/sdb", "MTFDDAK480TDS", 480_103_981_056),
            nvme("/dev/nvme0n1", "Dell Ent NVMe P5500 RI U.2 3.84TB", 3_840_755_982_336),
        ],
    },
    Model {
        manufacturer: "HPE",
        product: "ProLiant DL325 Gen11",
        firmware: "1.48",
        boot_mode: "uefi",
        cpu: Cpu {
            model: "AMD EPYC 9354P 32-Core Processor",
            architecture: "x86_64",
            mhz: "3799.0720",
            threads: 64,
            sockets: 1,
            flags: AMD_FLAGS,
        },
        memory_gib: 384,
        oui: "b8:3f:d2",
        nics: &[
            nic("ens1f0np0", "mlx5_core", ("0x15b3", "0x101f"), "0000:81:00.0", 100_000),
            nic("ens1f1np1", "mlx5_core", ("0x15b3", "0x101f"), "0000:81:00.1", 100_000),
        ],
        disks: &[
            nvme("/dev/nvme0n1", "VO001920KYDMT", 1_920_383_410_176),
            nvme("/dev/nvme1n1", "VO001920KYDMT", 1_920_383_410_176),
        ],
    },
    Model {
        manufacturer: "Supermicro",
        product: "SYS-5019C-MR",
        firmware: "1.9",
        boot_mode: "bios",
        cpu: Cpu {
            model: "Intel(R) Xeon(R) E-2278G CPU @ 3.40GHz",
            architecture: "x86_64",
            mhz: "5000.0000",
            threads: 16,
            sockets: 1,
            flags: INTEL_FLAGS,
        },
        memory_gib: 64,
        oui: "3c:ec:ef",
        nics: &[
            nic("eno1", "igb", ("0x8086", "0x1533"), "0000:03:00.0", 1_000),
            nic("eno2", "igb", ("0x8086", "0x1533"), "0000:04:00.0", 1_000),
        ],
        disks: &[
            sata("/dev/sda", "INTEL SSDSC2KB24", 240_057_409_536),
            spinning("/dev/sdb", "ST4000NM000A-2HZ", 4_000_787_030_016),
            spinning("/dev/sdc", "ST4000NM000A-2HZ", 4_000_787_030_016),
        ],
    },
    Model {
        manufacturer: "Lenovo",
        product: "ThinkSystem SR630 V2",
        firmware: "AFE126F-3.20",
        boot_mode: "uefi",
        cpu: Cpu {
            model: "Intel(R) Xeon(R) Silver 4314 CPU @ 2.40GHz",
            architecture: "x86_64",
            mhz: "3400.0000",
            threads: 64,
            sockets: 2,
            flags: INTEL_FLAGS,
        },
        memory_gib: 128,
        oui: "6c:fe:54",
        nics: &[
            nic("ens2f0", "i40e", ("0x8086", "0x1572"), "0000:98:00.0", 10_000),
            nic("ens2f1", "i40e", ("0x8086", "0x1572"), "0000:98:00.1", 10_000),
        ],
        disks: &[
            sata("/dev/sda", "MZ7L3960HCJRAD3", 960_197_124_096),
            sata("/dev/sdb", "MZ7L3960HCJRAD3", 960_197_124_096),
        ],
    },
    Model {
        manufacturer: "GIGABYTE",
        product: "R272-P30-JG",
        firmware: "F28",
        boot_mode: "uefi",
        cpu: Cpu {
            model: "Ampere(R) Altra(R) Processor Q80-30",
            architecture: "aarch64",
            mhz: "3000.0000",
            threads: 80,
            sockets: 1,
            flags: ARM_FLAGS,
        },
        memory_gib: 256,
        oui: "18:c0:4d",
        nics: &[
            nic("enp1s0f0", "bnxt_en", ("0x14e4", "0x16d8"), "0001:01:00.0", 25_000),
            nic("enp1s0f1", "bnxt_en", ("0x14e4", "0x16d8"), "0001:01:00.1", 25_000),
        ],
        disks: &[nvme("/dev/nvme0n1", "SAMSUNG MZQL21T9HCJR-00A07", 1_920_383_410_176)],
    },
];
