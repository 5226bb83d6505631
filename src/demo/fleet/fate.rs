//! What is to become of each machine.

use crate::fsm::State;

/// What a machine does once it was told to boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It posts a good inventory.
    Succeeds,
    /// Its ramdisk posts what it found, and that something went wrong.
    RamdiskFails,
    /// It posts an inventory without interfaces.
    LacksInterfaces,
    /// It never posts anything.
    StaysSilent,
    /// An operator ends its introspection while it boots.
    IsAborted,
}

impl Fate {
    /// The fate of a machine: four of sixteen do not succeed, each in its own way, all of them among the first
    /// twelve.
    #[must_use]
    pub fn of(index: u32) -> Self {
        match index & 15 {
            3 => Self::RamdiskFails,
            5 => Self::LacksInterfaces,
            8 => Self::StaysSilent,
            10 => Self::IsAborted,
            _ => Self::Succeeds,
        }
    }

    /// Whether an introspection that ended like this ended as planned.
    #[must_use]
    pub fn fits(self, state: State, error: Option<&str>) -> bool {
        match (self.error(), error) {
            (None, None) => state == State::Finished,
            (Some(wanted), Some(error)) => state == State::Error && error.contains(wanted),
            _ => false,
        }
    }

    /// What is in the record's error.
    #[must_use]
    pub fn error(self) -> Option<&'static str> {
        match self {
            Self::Succeeds => None,
            Self::RamdiskFails => Some("Ramdisk reported error"),
            Self::LacksInterfaces => Some("No network interfaces provided in the inventory"),
            Self::StaysSilent => Some("Introspection timeout"),
            Self::IsAborted => Some("Canceled by operator"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_machines_have_every_fate_and_most_succeed() {
        let fates: Vec<Fate> = (0..12).map(Fate::of).collect();
        for fate in [Fate::RamdiskFails, Fate::LacksInterfaces, Fate::StaysSilent, Fate::IsAborted] {
            assert_eq!(fates.iter().filter(|other| **other == fate).count(), 1, "{fate:?}");
        }
    }

    #[test]
    fn an_end_fits_only_with_state_and_reason() {
        assert!(Fate::Succeeds.fits(State::Finished, None));
        assert!(!Fate::Succeeds.fits(State::Error, Some("x")));
        assert!(Fate::StaysSilent.fits(State::Error, Some("Introspection timeout")));
        assert!(!Fate::StaysSilent.fits(State::Error, Some("Canceled by operator")));
        assert!(!Fate::StaysSilent.fits(State::Finished, None));
    }
}
