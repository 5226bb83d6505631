//! Forms of texts: what makes an address, a URL or a pattern a good one.
//!
//! Invariant: no telling shows the text, as it may hold a secret.

use crate::build_data::Generator;
use crate::build_data::facts::KINDS;
use std::net::IpAddr;

use ipnet::IpNet;
use url::Url;

use super::DatabaseUrl;
use super::spec::Form;
use crate::data_store::registry;
use crate::design::reference::Reference;

/// An IP address.
pub(super) const IP_ADDRESS: Form = Form { name: "IP address", check: ip_address };
/// The URL of a database.
pub(super) const DATABASE_URL: Form = Form { name: "URL, secret", check: database_url };
/// The URL of an HTTP server, without user and password.
pub(super) const HTTP_URL: Form = Form { name: "URL", check: http_url };
/// A network and the name of a physical network.
pub(super) const CIDR_MAP: Form = Form { name: "CIDR:PHYSICAL_NETWORK", check: cidr_map };
/// A version of IP.
pub(super) const IP_VERSION: Form = Form { name: "4 or 6", check: ip_version };
/// A network.
pub(super) const CIDR: Form = Form { name: "CIDR", check: cidr };
/// The name of a check.
pub(super) const HEALTHCHECK_BACKEND: Form = Form { name: "disable_by_file", check: healthcheck_backend };
/// An origin of web pages.
pub(super) const ORIGIN: Form =
    Form { name: "origin, such as https://dashboard.example, or *", check: origin };
/// The name of a method or header.
pub(super) const TOKEN: Form = Form { name: "name", check: token };
/// The mode of a file, in octal digits.
pub(super) const FILE_MODE: Form = Form { name: "octal file mode, as a text", check: file_mode };
/// The name of a data store.
pub(super) const DATA_STORE: Form =
    Form { name: "none, database, swift or folder:PATH", check: registry::check };
/// The name of a container of Swift.
pub(super) const CONTAINER: Form = Form { name: "text without slash", check: container };
/// What makes build data.
pub(super) const GENERATOR: Form =
    Form { name: "inventory, lldp, unprocessed, logs, facts or design-findings", check: generator };
/// Where a design is, without user and password.
pub(super) const DESIGN: Form = Form { name: "URI of a design", check: design };
/// A kind of components, or one of their properties.
pub(super) const FACT: Form = Form { name: "KIND or KIND.PROPERTY", check: fact };
/// The pattern of a log's name.
pub(super) const LOG_NAME: Form = Form { name: "pattern", check: log_name };

/// Bytes that the node service takes as the name of a physical network.
const MAX_NETWORK_NAME: usize = 64;

fn design(text: &str) -> Result<(), String> {
    if text
        .split_once("://")
        .is_some_and(|(_, rest)| rest.split('/').next().unwrap_or_default().contains('@'))
    {
        return Err("user and password do not belong into it; there is [design]credentials".to_owned());
    }
    Reference::parse(text).map(drop).map_err(|error| error.text)
}

fn ip_address(text: &str) -> Result<(), String> {
    text.parse::<IpAddr>().map(|_| ()).map_err(|_| "an IP address is needed, without port".to_owned())
}

fn database_url(text: &str) -> Result<(), String> {
    DatabaseUrl::try_from(text.to_owned()).map(|_| ())
}

fn http_url(text: &str) -> Result<(), String> {
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        _ => return Err("a URL is needed that starts with http:// or https://".to_owned()),
    };
    if url.username().is_empty() && url.password().is_none() {
        Ok(())
    } else {
        Err("user and password do not belong into the URL; there are options for them".to_owned())
    }
}

/// As browsers write it: a trailing slash or a path would never match.
fn origin(text: &str) -> Result<(), String> {
    let is_origin = Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text);
    if is_origin || text == "*" {
        Ok(())
    } else {
        Err("an origin is needed: scheme, host and port if it is not the usual one, and nothing more"
            .to_owned())
    }
}

/// Swift takes 256 bytes once it is decoded, and a slash would name an object.
fn container(text: &str) -> Result<(), String> {
    let fits = (1..=256).contains(&text.len()) && !text.contains('/') && !matches!(text, "." | "..");
    if fits { Ok(()) } else { Err("a name of 1 to 256 bytes without slash is needed".to_owned()) }
}

fn token(text: &str) -> Result<(), String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_token) {
        Ok(())
    } else {
        Err("letters, digits and hyphens are needed".to_owned())
    }
}

fn healthcheck_backend(text: &str) -> Result<(), String> {
    if text == "disable_by_file" { Ok(()) } else { Err("only disable_by_file is there".to_owned()) }
}

fn ip_version(text: &str) -> Result<(), String> {
    if matches!(text, "4" | "6") { Ok(()) } else { Err("4 or 6 is needed".to_owned()) }
}

fn cidr(text: &str) -> Result<(), String> {
    network(text).map(drop)
}

/// A network; a lone address stands for itself only.
///
/// # Errors
/// What is wrong with the text, without showing it.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    let address: IpAddr = address.parse().map_err(|_| "no IP address stands where the network belongs")?;
    let network = if text.contains('/') {
        let most = if address.is_ipv4() { 32 } else { 128 };
        text.parse().map_err(|_| format!("the prefix is not one from 0 to {most}"))?
    } else {
        IpNet::from(address)
    };
    if network.addr() == network.network() {
        Ok(network)
    } else {
        Err(format!("the address reaches beyond its prefix of {} bits", network.prefix_len()))
    }
}

fn file_mode(text: &str) -> Result<(), String> {
    mode(text).map(drop)
}

/// The number that octal digits stand for.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    match u32::from_str_radix(digits, 8) {
        Ok(mode @ 0..=0o777) if !digits.starts_with('+') => Ok(mode),
        _ => Err("octal digits are needed, at most 777".to_owned()),
    }
}

fn cidr_map(text: &str) -> Result<(), String> {
    cidr_and_network(text).map(drop)
}

/// The two parts of `CIDR:PHYSICAL_NETWORK`; a lone address stands for itself only.
///
/// # Errors
/// What is wrong with the text, without showing it.
pub fn cidr_and_network(text: &str) -> Result<(IpNet, String), String> {
    let (cidr, name) = text.rsplit_once(':').ok_or("CIDR:PHYSICAL_NETWORK is needed")?;
    let network = network(cidr)?;
    match name.len() {
        0 => Err("the physical network has no name".to_owned()),
        1..=MAX_NETWORK_NAME => Ok((network, name.to_owned())),
        _ => Err(format!("the name of the physical network has more than {MAX_NETWORK_NAME} bytes")),
    }
}

/// A pattern may hold `{uuid}`, `{mac}`, `{bmc}` and `{dt:FORMAT}`, and nothing else in braces.
fn generator(text: &str) -> Result<(), String> {
    let known = Generator::named(text).is_some();
    known.then_some(()).ok_or_else(|| "inventory, lldp, unprocessed, logs or facts is needed".to_owned())
}

fn fact(text: &str) -> Result<(), String> {
    let kind = text.split('.').next().unwrap_or_default();
    let known = KINDS.contains(&kind);
    known.then_some(()).ok_or_else(|| format!("one of {} is needed, or a property of it", KINDS.join(", ")))
}

fn log_name(text: &str) -> Result<(), String> {
    let plain = text.replace("{{", "").replace("}}", "");
    let mut parts = plain.split('{');
    let before = parts.next().unwrap_or_default();
    let fields_good = parts.all(|part| match part.split_once('}') {
        Some((field, after)) => is_log_field(field) && !after.contains('}'),
        None => false,
    });
    if fields_good && !before.contains('}') && !text.is_empty() {
        Ok(())
    } else {
        Err("only {uuid}, {mac}, {bmc} and {dt:FORMAT} may stand in braces".to_owned())
    }
}

fn is_log_field(field: &str) -> bool {
    matches!(field, "uuid" | "mac" | "bmc" | "dt") || field.starts_with("dt:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_no_port() {
        assert_eq!(ip_address("::"), Ok(()));
        assert_eq!(ip_address("127.0.0.1"), Ok(()));
        assert!(ip_address("127.0.0.1:5050").is_err());
        assert!(ip_address("").is_err());
    }

    #[test]
    fn a_url_of_ironic_holds_no_password() {
        assert_eq!(http_url("http://127.0.0.1:6385/v1"), Ok(()));
        let told = http_url("https://user:s3cret@127.0.0.1/").unwrap_err();
        assert!(told.contains("do not belong") && !told.contains("s3cret"));
        assert!(http_url("127.0.0.1:6385").is_err());
    }

    #[test]
    fn a_network_is_mapped_by_its_last_colon() {
        for good in ["172.20.0.0/16:physnet_a", "2001:db8:77::/48:physnet_b", "fd00::/64:c", "192.0.2.1:d"] {
            assert_eq!(cidr_map(good), Ok(()), "{good}");
        }
        for bad in
            ["172.20.0.0/16", "172.20.0.0/33:a", "172.20.0.0/16:", "net:a", "10.0.0.0/x:a", "10.0.0.1/8:a"]
        {
            assert!(cidr_map(bad).is_err(), "{bad}");
        }
        assert_eq!(cidr_and_network("192.0.2.1:d").unwrap().0.to_string(), "192.0.2.1/32");
        assert!(cidr_map(&format!("10.0.0.0/8:{}", "n".repeat(65))).is_err());
    }

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for good in ["*", "https://dash.example", "http://dash.example:8080", "https://[2001:db8::1]"] {
            assert_eq!(origin(good), Ok(()), "{good}");
        }
        for bad in
            ["", "https://dash.example/", "https://Dash.example", "https://dash.example:443", "dash", "null"]
        {
            assert!(origin(bad).is_err(), "{bad}");
        }
        assert!(token("X-Auth-Token").is_ok() && token("a b").is_err() && token("").is_err());
    }

    #[test]
    fn a_mode_is_octal() {
        for (text, wanted) in [("0660", 0o660), ("777", 0o777), ("0o600", 0o600), ("0", 0)] {
            assert_eq!(mode(text), Ok(wanted), "{text}");
        }
        for bad in ["", "0888", "1777", "rw", "-1", "+7", "0x7"] {
            assert!(mode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_pattern_of_a_log_has_known_fields_only() {
        for good in ["{uuid}_{dt:%Y%m%d-%H%M%S.%f}.tar.gz", "{mac}-{bmc}", "{{x}}", "plain"] {
            assert_eq!(log_name(good), Ok(()), "{good}");
        }
        for bad in ["", "{node}", "{uuid", "uuid}", "{uuid}}_"] {
            assert!(log_name(bad).is_err(), "{bad}");
        }
    }
}
