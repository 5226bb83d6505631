//! `[swift]`: introspection data in Swift.
//!
//! Invariant: with `store_data = "swift"`, a section whose check found nothing leads to a Swift that can be asked. For
//! other stores it is not looked at, but by `rollcall migrate-data`.

use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::keystone::with_adapter;
use super::spec::Section;
use super::{Adapter, Auth, AuthType};

/// What stands in the file about `[swift]`.
pub(super) const SECTION: Section = Section {
    name: "swift",
    help: "Introspection data in Swift, with processing.store_data \"swift\" and for migrate-data. auth_type \
           \"v1password\" is for a Swift without Keystone: auth_url is where it gives tokens (/auth/v1.0).",
    options: with_adapter![
        "\"none\"",
        keystone::WORKING_ALONE,
        "\"object-store\"",
        RETRIES,
        works(
            "container",
            Kind::Form(forms::CONTAINER),
            Some("\"ironic-inspector\""),
            "Container; it is made where it is missing."
        ),
        works(
            "delete_after",
            Kind::Integer(0, 3_155_760_000),
            Some("0"),
            "Seconds after which Swift deletes an object; 0: never."
        ),
        works(
            "endpoint_override",
            Kind::Form(forms::HTTP_URL),
            None,
            "URL of the account, /v1/AUTH_... included; unset: as who we are tells it.",
        ),
        works("timeout", Kind::Integer(1, 3600), Some("30"), "Seconds that one request may take."),
        works("max_concurrency", Kind::Integer(1, 1000), Some("16"), "Requests at one time."),
        no_effect("max_retries", RETRIES),
    ],
    rest: None,
};

const RETRIES: &str = "a run tries five times, and what could not be stored then is delivered later";

/// `[swift]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Swift {
    /// Who we are to it.
    #[serde(flatten)]
    pub auth: Auth,
    /// Where it is in the service catalogue.
    #[serde(flatten)]
    pub adapter: Adapter,
    /// The container.
    pub container: String,
    /// Seconds after which Swift deletes an object; 0: never.
    pub delete_after: u64,
    /// URL of the account; without it, the service catalogue or Swift itself tells.
    pub endpoint_override: Option<String>,
    /// Type in the service catalogue.
    pub service_type: String,
    /// Seconds that one request may take.
    pub timeout: u64,
    /// Requests at one time.
    pub max_concurrency: usize,
}

impl Default for Swift {
    fn default() -> Self {
        Self {
            auth: Auth::default(),
            adapter: Adapter::default(),
            container: "ironic-inspector".to_owned(),
            delete_after: 0,
            endpoint_override: None,
            service_type: "object-store".to_owned(),
            timeout: 30,
            max_concurrency: 16,
        }
    }
}

impl Swift {
    /// Adds what is missing or idle.
    pub(super) fn check(&self, draft: &mut Draft) {
        self.auth.check("swift", draft);
        for name in ["service_type", "service_name", "valid_interfaces", "region_name"] {
            let idle = self.endpoint_override.is_some() || !self.auth.uses_keystone();
            if idle && draft.has("swift", name) {
                let why =
                    if self.endpoint_override.is_some() { "endpoint_override" } else { "this auth_type" };
                draft.warning(&format!("swift.{name}"), &format!("has no effect with {why}"));
            }
        }
        if self.lacks_place() {
            draft.problem("swift.endpoint_override", NO_PLACE);
        }
    }

    /// What keeps it from being used, a line each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let told = |(name, why): (&'static str, String)| format!("swift.{name}: {why}");
        let place = self.lacks_place().then(|| format!("swift.endpoint_override: {NO_PLACE}"));
        self.auth.missing().into_iter().map(told).chain(place).collect()
    }

    fn lacks_place(&self) -> bool {
        let told = self.auth.uses_keystone() || self.auth.auth_type == AuthType::V1Password;
        self.endpoint_override.is_none() && !told
    }
}

const NO_PLACE: &str = "needed where no token brings a service catalogue or the place of the account";
