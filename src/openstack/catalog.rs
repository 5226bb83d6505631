//! The service catalogue: from the type of a service to where it is.

use serde::Deserialize;

use super::Failure;
use crate::config;

/// A service with its endpoints.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Service {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Clone, Debug, Deserialize)]
struct Endpoint {
    interface: String,
    /// The region's id; older documents call it `region`.
    region_id: Option<String>,
    region: Option<String>,
    url: String,
}

/// The services that a token knows of.
#[derive(Clone, Debug, Default)]
pub struct Catalog(Vec<Service>);

/// Which of the endpoints of a service is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// Name of the service; any where unset.
    pub service_name: Option<String>,
    /// Interfaces, the first that is there counts.
    pub interfaces: Vec<String>,
    /// Region; any where unset.
    pub region: Option<String>,
}

impl Lookup {
    /// As a section of the configuration has it.
    #[must_use]
    pub fn from_config(options: &config::Adapter) -> Self {
        let plain = |name: &String| name.strip_suffix("URL").unwrap_or(name).to_owned();
        Self {
            service_name: options.service_name.clone(),
            interfaces: options.valid_interfaces.iter().map(plain).collect(),
            region: options.region_name.clone(),
        }
    }

    fn takes(&self, service: &Service, service_type: &str) -> bool {
        let is_named = self.service_name.is_none() || self.service_name == service.name;
        is_named && service.kind == service_type
    }

    fn is_in_region(&self, endpoint: &Endpoint) -> bool {
        let region = endpoint.region_id.as_ref().or(endpoint.region.as_ref());
        self.region.is_none() || self.region.as_ref() == region
    }
}

impl Catalog {
    pub(super) fn new(services: Vec<Service>) -> Self {
        Self(services)
    }

    /// Where a service is.
    ///
    /// # Errors
    /// Where the catalogue does not have it; the text tells what was looked for.
    pub fn find(&self, service_type: &str, lookup: &Lookup) -> Result<&str, Failure> {
        let endpoints: Vec<&Endpoint> = self
            .0
            .iter()
            .filter(|service| lookup.takes(service, service_type))
            .flat_map(|service| &service.endpoints)
            .filter(|endpoint| lookup.is_in_region(endpoint))
            .collect();
        let of_interface = |interface: &String| endpoints.iter().find(|it| it.interface == *interface);
        match lookup.interfaces.iter().find_map(of_interface) {
            Some(endpoint) => Ok(&endpoint.url),
            None => Err(Failure::missing(format!(
                "The service catalogue has no {} endpoint of {service_type}{}{}",
                lookup.interfaces.join(" or "),
                lookup.service_name.as_ref().map(|name| format!(" named {name}")).unwrap_or_default(),
                lookup.region.as_ref().map(|name| format!(" in region {name}")).unwrap_or_default(),
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn catalog() -> Catalog {
        let endpoint = |interface: &str, region: &str, url: &str| json!({"interface": interface, "region_id": region, "region": region, "url": url});
        let services = json!([
            {"type": "identity", "name": "keystone", "endpoints": [endpoint("public", "R1", "http://id")]},
            {"type": "baremetal", "name": "ironic", "endpoints": [
                endpoint("public", "R1", "http://public1"),
                endpoint("internal", "R2", "http://internal2"),
                endpoint("public", "R2", "http://public2"),
            ]},
            {"type": "baremetal", "name": "other", "endpoints": [
                {"interface": "public", "region": "R1", "url": "http://other"}
            ]},
        ]);
        Catalog::new(serde_json::from_value(services).unwrap())
    }

    fn lookup(interfaces: &[&str], region: Option<&str>, name: Option<&str>) -> Lookup {
        Lookup::from_config(&config::Adapter {
            service_name: name.map(str::to_owned),
            valid_interfaces: interfaces.iter().map(|name| (*name).to_owned()).collect(),
            region_name: region.map(str::to_owned),
        })
    }

    #[test]
    fn the_first_interface_that_is_there_counts_within_region_and_name() {
        for (interfaces, region, name, url) in [
            (&["internal", "public"][..], None, None, "http://internal2"),
            (&["public", "internal"], None, None, "http://public1"),
            (&["internalURL", "publicURL"], Some("R1"), None, "http://public1"),
            (&["public"], Some("R2"), None, "http://public2"),
            (&["public"], Some("R1"), Some("other"), "http://other"),
        ] {
            assert_eq!(catalog().find("baremetal", &lookup(interfaces, region, name)), Ok(url));
        }
    }

    #[test]
    fn what_is_missing_is_told_as_it_was_looked_for() {
        let told = |service: &str, lookup: &Lookup| catalog().find(service, lookup).unwrap_err().text;
        assert_eq!(
            told("baremetal", &lookup(&["admin", "internal"], Some("R1"), Some("ironic"))),
            "The service catalogue has no admin or internal endpoint of baremetal named ironic in region R1"
        );
        assert!(told("object-store", &lookup(&["public"], None, None)).contains("of object-store"));
    }
}
