//! What can be measured from outside: counters, gauges and histograms of the whole process.
//!
//! Cheap to update from everywhere. Invariant: every label has few values, and none names a node. It must not
//! know what the figures mean to anybody.

use std::sync::LazyLock;

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::error::{Error, Result};
use crate::fsm::{Event, State};

/// Seconds that a state lasts: from a commit to the longest timeouts.
const PHASES: [f64; 12] = [0.01, 0.05, 0.25, 1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1200.0, 1800.0, 3600.0];
/// Seconds that a timeout may be late.
const LAGS: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];
/// Seconds of a commit.
const HOLDS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 5.0];
/// Jobs of a commit.
const BATCHES: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// All figures.
pub struct Metrics {
    registry: Registry,
    /// Runs that ended, by kind and outcome.
    pub runs: IntCounterVec,
    /// Committed transitions, by event.
    pub transitions: IntCounterVec,
    /// Refused and failed requests, by the error's code.
    pub refusals: IntCounterVec,
    /// How long states lasted, by state.
    pub phases: HistogramVec,
    /// How late timeouts were committed.
    pub deadline_lag: Histogram,
    /// Jobs that wait for the writer or are being committed.
    pub writer_queue: IntGauge,
    /// Callbacks that wait for their answer.
    pub callbacks: IntGauge,
    /// Accepted connections of ramdisks that wait to be read.
    pub held_connections: IntGauge,
    /// Actors of nodes in memory.
    pub awake: IntGauge,
    /// Calls of the node service, by name and outcome.
    pub node_service_calls: IntCounterVec,
    /// Requests to the node service that were made again, by reason.
    pub retries: IntCounterVec,
    /// Whether calls are held because the node service can not be reached.
    pub breaker_open: IntGauge,
    /// Requests to the node service under way, by pace.
    pub permits: IntGaugeVec,
    /// Jobs of one commit.
    pub batch_jobs: Histogram,
    /// Transactions that were run again, since they stood in the way of others.
    pub commit_retries: IntCounter,
    /// Whether this instance does the unattended work.
    pub leads: IntGauge,
    /// How often the lease of this instance has run out.
    pub lease_breaks: IntCounter,
    /// Nodes that were taken over from instances that are gone.
    pub takeovers: IntCounter,
    /// How long one commit held the database.
    pub hold: Histogram,
    /// Tokens of callers, by what was found out about them.
    pub tokens: IntCounterVec,
    /// Answered requests, by route, method and class of the status.
    pub requests: IntCounterVec,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// The figures of this process.
#[must_use]
pub fn get() -> &'static Metrics {
    &METRICS
}

impl Metrics {
    fn new() -> Self {
        let maker = Maker(Registry::new());
        let metrics = Self {
            runs: maker.counters("runs_total", "Runs that ended.", &["kind", "outcome"]),
            transitions: maker.counters("transitions_total", "Committed transitions.", &["event"]),
            refusals: maker.counters("refusals_total", "Refused and failed requests.", &["code"]),
            phases: maker.phases(),
            deadline_lag: maker.histogram("deadline_lag_seconds", "How late timeouts were committed.", &LAGS),
            writer_queue: maker.gauge("writer_queue_jobs", "Jobs waiting for their commit."),
            callbacks: maker.gauge("callbacks_waiting", "Callbacks waiting for their answer."),
            held_connections: maker
                .gauge("held_connections", "Accepted connections of ramdisks that wait to be read."),
            awake: maker.gauge("awake_actors", "Actors of nodes in memory."),
            node_service_calls: maker.counters(
                "node_service_calls_total",
                "Calls of the node service.",
                &["call", "outcome"],
            ),
            retries: maker.counters(
                "node_service_retries_total",
                "Requests to the node service made again.",
                &["reason"],
            ),
            breaker_open: maker.gauge(
                "node_service_breaker_open",
                "Whether calls are held because the node service can not be reached.",
            ),
            permits: maker.gauges(
                "node_service_permits_in_use",
                "Requests to the node service under way.",
                &["pace"],
            ),
            batch_jobs: maker.histogram("commit_batch_jobs", "Jobs of one commit.", &BATCHES),
            commit_retries: maker.counter(
                "commit_retries_total",
                "Transactions run again after a deadlock or a serialization failure.",
            ),
            leads: maker.gauge("leader", "Whether this instance does the unattended work."),
            lease_breaks: maker
                .counter("lease_breaks_total", "How often the lease of this instance ran out."),
            takeovers: maker.counter("takeovers_total", "Nodes taken over from instances that are gone."),
            hold: maker.histogram("commit_hold_seconds", "How long one commit held the database.", &HOLDS),
            tokens: maker.counters("tokens_total", "Tokens of callers that were looked at.", &["outcome"]),
            requests: maker.counters(
                "http_requests_total",
                "Answered requests.",
                &["route", "method", "status"],
            ),
            registry: maker.0,
        };
        metrics.show_zeroes();
        metrics
    }

    /// A series that shows only after its first event can not be told from one that is not there.
    fn show_zeroes(&self) {
        for event in Event::ALL {
            self.transitions.with_label_values(&[event.name()]);
        }
        for state in State::ALL {
            self.phases.with_label_values(&[state.name()]);
        }
        for outcome in ["finished", "error"] {
            self.runs.with_label_values(&["start", outcome]);
        }
        for reason in ["failed", "held", "slow"] {
            self.retries.with_label_values(&[reason]);
        }
        for pace in ["fast", "slow"] {
            self.permits.with_label_values(&[pace]);
        }
        for outcome in ["remembered", "good", "bad", "unknown"] {
            self.tokens.with_label_values(&[outcome]);
        }
        self.node_service_calls.with_label_values(&["get node", "ok"]);
        self.refusals.with_label_values(&["unavailable"]);
    }

    /// All figures in Prometheus' text format.
    ///
    /// # Errors
    /// Where they can not be written down; a defect.
    pub fn text(&self) -> Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(Error::internal)
    }
}

/// Something that is counted while it is there.
#[derive(Debug)]
pub struct Counted(IntGauge);

impl Counted {
    /// Counts one more, until it is dropped.
    #[must_use]
    pub fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Makes figures and registers them.
struct Maker(Registry);

impl Maker {
    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.keep(IntCounterVec::new(options(name, help), labels))
    }

    fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.keep(IntCounter::with_opts(options(name, help)))
    }

    fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.keep(IntGauge::with_opts(options(name, help)))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        self.keep(IntGaugeVec::new(options(name, help), labels))
    }

    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        let options = HistogramOpts::from(options(name, help)).buckets(buckets.to_vec());
        self.keep(Histogram::with_opts(options))
    }

    fn phases(&self) -> HistogramVec {
        let options = HistogramOpts::from(options("phase_seconds", "How long states lasted."));
        self.keep(HistogramVec::new(options.buckets(PHASES.to_vec()), &["state"]))
    }

    #[expect(clippy::expect_used, reason = "names and labels are constants, and every test makes them all")]
    fn keep<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let figure = made.expect("a wrong name of a figure");
        self.0.register(Box::new(figure.clone())).expect("a figure that is there already");
        figure
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(format!("rollcall_{name}"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_counted_while_it_is_there() {
        let gauge = IntGauge::new("a", "b").unwrap();
        let (one, two) = (Counted::new(&gauge), Counted::new(&gauge));
        assert_eq!(gauge.get(), 2);
        drop((one, two));
        assert_eq!(gauge.get(), 0);
    }

    #[test]
    fn all_figures_can_be_made_and_show_before_anything_has_happened() {
        let text = Metrics::new().text().unwrap();
        for event in Event::ALL {
            let line = format!("rollcall_transitions_total{{event=\"{}\"}} 0\n", event.name());
            assert!(text.contains(&line), "{line}");
        }
    }
}
