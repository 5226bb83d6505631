//! Sections of the ancestor that hold nothing we use, or not yet: each is told of, none is silent.

use super::spec::{Class, Section, no_effect};

/// What stands in the file about such parts.
pub(super) const SECTIONS: &[Section] = &[
    Section {
        name: "mdns",
        help: "Multicast DNS.",
        options: &[
            no_effect("registration_attempts", NO_MDNS),
            no_effect("lookup_attempts", NO_MDNS),
            no_effect("params", NO_MDNS),
            no_effect("interfaces", NO_MDNS),
        ],
        rest: None,
    },
    Section {
        name: "service_catalog",
        help: "How our own address is found for multicast DNS; the options of keystoneauth.",
        options: &[],
        rest: Some(Class::NoEffect(NO_MDNS)),
    },
    Section {
        name: "coordination",
        help: "How several instances found each other.",
        options: &[no_effect("backend_url", "instances share nothing but the database")],
        rest: None,
    },
    messaging("oslo_messaging_rabbit"),
    messaging("oslo_messaging_kafka"),
    messaging("oslo_messaging_amqp"),
    messaging("oslo_messaging_notifications"),
    library("oslo_concurrency"),
    library("oslo_middleware"),
    library("oslo_reports"),
    library("profiler"),
];

const NO_MDNS: &str = "enable_mdns is not there yet";

const fn messaging(name: &'static str) -> Section {
    free(name, "The message bus.", "there is no message bus")
}

const fn library(name: &'static str) -> Section {
    free(name, "A library of the ancestor.", "it belongs to a library that is not used here")
}

const fn free(name: &'static str, help: &'static str, reason: &'static str) -> Section {
    Section { name, help, options: &[], rest: Some(Class::NoEffect(reason)) }
}
