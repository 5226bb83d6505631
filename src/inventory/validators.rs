//! Names within zones, and pairs whose key says what their value has to be.
//!
//! Invariant: only what is new or other than before is judged. A key that nothing is known of takes any value; a key is
//! data and never leads anywhere but into the table here.

use serde_json::Value;

use super::apply::Work;
use super::lookups::DHCP_SCOPE;
use super::model::{Kind, Object, Type, Val};
use super::problem::{Code, Findings};
use super::rules::wrong;
use super::values;

/// What may be allowed or denied to clients of DHCP.
const ALLOWED: [&str; 9] = [
    "bootp",
    "booting",
    "client-updates",
    "declines",
    "dhcpinform",
    "duplicates",
    "known-clients",
    "leasequery",
    "unknown-clients",
];
/// Words by which keys of credentials are known: these are kept elsewhere, and never exported.
const SECRETS: [&str; 12] = [
    "apikey",
    "credential",
    "credentials",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "psk",
    "pwd",
    "secret",
    "secrets",
    "token",
];
/// The same in two words, joined as [`known_as`] has them.
const SECRET_PAIRS: [&str; 3] = ["api_key", "private_key", "snmp_community"];

/// Notes what is wrong with the name or the pair.
pub fn check(work: &Work<'_>, object: &Object, zones: &[&str], findings: &mut Findings) {
    match object.id.0 {
        Kind::Registration | Kind::Alias => zone(work, object, zones, findings),
        Kind::Attribute => pair(work, object, findings),
        Kind::System | Kind::Adapter => {}
    }
}

/// A name is within a zone, once zones are known; an alias does not stand where a zone begins.
fn zone(work: &Work<'_>, object: &Object, zones: &[&str], findings: &mut Findings) {
    let before = work.before.get(object.id).and_then(|object| object.text("fqdn"));
    let Some(name) = object.text("fqdn") else { return };
    if zones.is_empty() || before == Some(name) {
        return;
    }
    let within =
        |zone: &&str| name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if !zones.iter().any(within) {
        let text = format!("{name} is within none of the zones {}", zones.join(", "));
        wrong(work, findings, (object.id, "fqdn"), Code::NoZone, text, Value::from(name));
    } else if object.id.0 == Kind::Alias && zones.contains(&name) {
        let text = format!("{name} is a zone: there can be no alias where it begins");
        wrong(work, findings, (object.id, "fqdn"), Code::Conflict, text, Value::from(name));
    }
}

fn pair(work: &Work<'_>, object: &Object, findings: &mut Findings) {
    let (key, value) = (known_as(object), object.text("value").unwrap_or_default());
    let owner = object.parent.map(|(kind, _)| kind);
    if is_secret(&key) {
        let text = "Credentials are not kept in the inventory";
        return wrong(work, findings, (object.id, "key"), Code::Forbidden, text, Value::Null);
    }
    let wanted = match owner {
        Some(Kind::System) if is_mac_key(&key) => of_type(Type::Mac, value),
        Some(Kind::Adapter) => of_adapter(work, &key, value),
        _ => None,
    };
    if let Some((code, text)) = wanted {
        wrong(work, findings, (object.id, "value"), code, text, Value::from(value));
    }
}

/// Whether a key says that its value is a credential.
fn is_secret(key: &str) -> bool {
    let words: Vec<&str> = key.split(|char: char| !char.is_alphanumeric()).collect();
    words.iter().any(|word| SECRETS.contains(word))
        || words.windows(2).any(|two| SECRET_PAIRS.contains(&two.join("_").as_str()))
}

/// The key as validators know it: a dash is an underscore.
fn known_as(object: &Object) -> String {
    object.text("key").unwrap_or_default().to_lowercase().replace('-', "_")
}

/// `nic.0.mac_address.0`
fn is_mac_key(key: &str) -> bool {
    let parts: Vec<&str> = key.split('.').collect();
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    matches!(parts.as_slice(), ["nic", card, "mac_address", place] if number(card) && number(place))
}

fn of_type(ty: Type, value: &str) -> Option<values::Refusal> {
    values::from_text(ty, value).err()
}

/// What an adapter hands to the DHCP server.
fn of_adapter(work: &Work<'_>, key: &str, value: &str) -> Option<values::Refusal> {
    let plain = |value: &str| value.trim().trim_matches('"').to_owned();
    match key {
        "dhcp_scope" => {
            let good = work.lookups.key(DHCP_SCOPE, value).is_some();
            let known = if good { Vec::new() } else { work.lookups.of_kind(DHCP_SCOPE) };
            let text = || format!("One of the scopes {} is expected", known.join(", "));
            (!known.is_empty()).then(|| (Code::NotFound, text()))
        }
        "host_name" => of_type(Type::Name(255), &plain(value)),
        "domain_name" | "domain_name_servers" | "filename" => plain(value)
            .is_empty()
            .then(|| (Code::Missing, "A value that is not empty is expected".to_owned())),
        "domain_search" => value.split(',').find_map(|name| of_type(Type::Name(255), &plain(name))),
        "allow" | "deny" => (!ALLOWED.contains(&plain(value).as_str()))
            .then(|| (Code::Choice, format!("One of {} is expected", ALLOWED.join(", ")))),
        _ => None,
    }
}

/// The value of a pair in its one form, where its key says that there is one.
#[must_use]
pub fn normal(owner: Kind, pair: &Object) -> Option<String> {
    if owner != Kind::System || !is_mac_key(&known_as(pair)) {
        return None;
    }
    match values::from_text(Type::Mac, pair.text("value")?) {
        Ok(Val::Text(mac)) => Some(mac),
        _ => None,
    }
}
