//! Figures: processor time, memory, percentiles, and how they are written.

use std::time::Duration;

/// Processor time that a process has used so far, user and system, in seconds.
pub fn cpu_s(pid: u32) -> f64 {
    /// The kernel's unit in `/proc`, whatever its own clock: 100 a second.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name stands in parentheses and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).unwrap().parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS
}

/// Resident memory of a process, in MiB.
pub fn resident_mib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// One figure of several rounds.
#[derive(Clone, Debug, Default)]
pub struct Rounds(Vec<f64>);

impl Rounds {
    /// Takes the figures.
    pub fn of(figures: impl Iterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.collect();
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    /// The one in the middle, or between the two in the middle.
    pub fn median(&self) -> f64 {
        let at = |index: usize| self.0.get(index).copied().unwrap_or(f64::NAN);
        let count = self.0.len();
        f64::midpoint(at(count.saturating_sub(1) / 2), at(count / 2))
    }

    /// `min / median / max`.
    pub fn written(&self, decimals: usize) -> String {
        let first = self.0.first().copied().unwrap_or(f64::NAN);
        let last = self.0.last().copied().unwrap_or(f64::NAN);
        format!("{first:.decimals$} / {:.decimals$} / {last:.decimals$}", self.median())
    }
}

/// The time that `percent` of all stay below, in milliseconds.
pub fn percentile_ms(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let index = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(index).map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
}

/// How many a second.
pub fn rate(count: usize, took: Duration) -> f64 {
    whole(count) / took.as_secs_f64()
}

/// A count as a number to reckon with.
pub fn whole(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
