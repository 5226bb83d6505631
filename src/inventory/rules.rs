//! The third pass: every rule, held against the complete after-state.
//!
//! Invariant: only objects that are new or changed are judged, so that what was recorded long ago keeps nobody from
//! changing something else.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::apply::Work;
use super::lookups::{DECOMMISSIONED, PUBLIC, VIEW, ZONE};
use super::model::{Id, Kind, Object, Val};
use super::problem::{Code, Findings, Problem};
use super::{validators, values};
use crate::store::inventory::{Find, list_of};
use crate::store::{QueryResult, Session};

/// Something that only one object may have: what sort of thing, within what, and the value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Claim<'a> {
    field: &'static str,
    within: Option<Id>,
    value: Cow<'a, str>,
    kind: Kind,
}

/// Checks everything, and notes what is wrong.
///
/// # Errors
/// Where the database can not be read.
pub fn check(work: &mut Work<'_>, session: &mut dyn Session) -> QueryResult<()> {
    let mut findings = std::mem::take(&mut work.findings);
    let judged = judge(work, &mut findings, session);
    work.findings = findings;
    judged
}

fn judge(work: &Work<'_>, findings: &mut Findings, session: &mut dyn Session) -> QueryResult<()> {
    let changed = changed(work);
    let zones = work.lookups.of_kind(ZONE);
    let keys = Keys::new(work);
    for object in &changed {
        alone(work, object, &keys, findings);
        validators::check(work, object, &zones, findings);
    }
    let changed = with_what_is_used_again(work, changed, &keys);
    among_known(work, &changed, &keys, findings);
    among_others(work, &changed, &keys, findings, session)
}

/// And the adapters of systems that are taken back into use: their MACs were free meanwhile.
fn with_what_is_used_again<'a>(work: &'a Work<'_>, changed: Vec<&'a Object>, keys: &Keys) -> Vec<&'a Object> {
    let Some(decommissioned) = keys.decommissioned.map(Val::Int) else { return changed };
    let was_out_of_use = |object: &&&Object| {
        let before = work.before.get(object.id);
        object.id.0 == Kind::System
            && before.is_some_and(|before| *before.get("system_status") == decommissioned)
            && *object.get("system_status") != decommissioned
    };
    let again = changed.iter().filter(was_out_of_use).flat_map(|system| work.before.below(system.id));
    let again = again.filter(|id| id.0 == Kind::Adapter).filter_map(|id| work.now(id));
    let known: HashSet<Id> = changed.iter().map(|object| object.id).collect();
    let again: Vec<&Object> = again.filter(|object| !known.contains(&object.id)).collect();
    changed.into_iter().chain(again).collect()
}

/// What is new or other than before, in the order of the request.
fn changed<'a>(work: &'a Work<'_>) -> Vec<&'a Object> {
    let now = work.touched.keys().filter_map(|id| work.now(*id));
    now.filter(|now| work.before.get(now.id).is_none_or(|before| **now != **before)).collect()
}

/// Keys of names that rules go by.
struct Keys {
    public: Option<i64>,
    decommissioned: Option<i64>,
}

impl Keys {
    fn new(work: &Work<'_>) -> Self {
        let key = |kind, name| work.lookups.key(kind, name);
        Self { public: key(VIEW, PUBLIC), decommissioned: key("system_status", DECOMMISSIONED) }
    }
}

pub(super) fn wrong(
    work: &Work<'_>,
    findings: &mut Findings,
    (id, field): (Id, &str),
    code: Code,
    text: impl Into<String>,
    value: Value,
) {
    let problem = Problem::of_object(id.0, &work.place(id), code, text).with(value);
    // What the request does not speak of has no members there.
    findings.wrong(if work.touched.contains_key(&id) { problem.at(field) } else { problem });
}

/// What an object may not be, whatever the others are.
fn alone(work: &Work<'_>, object: &Object, keys: &Keys, findings: &mut Findings) {
    match object.id.0 {
        Kind::System => system(work, object, findings),
        Kind::Registration => registration(work, object, keys, findings),
        Kind::Alias => alias(work, object, keys, findings),
        Kind::Adapter | Kind::Attribute => {}
    }
}

fn system(work: &Work<'_>, object: &Object, findings: &mut Findings) {
    let id = object.id;
    let (start, end) = (object.text("warranty_start"), object.text("warranty_end"));
    match (start, end) {
        (Some(start), Some(end)) if start > end => {
            let text = "The warranty ends before it starts";
            wrong(work, findings, (id, "warranty_end"), Code::Conflict, text, Value::from(end));
        }
        (Some(_), None) | (None, Some(_)) if work.is_new(id) => {
            let field = if start.is_some() { "warranty_end" } else { "warranty_start" };
            let text = "A warranty has a start and an end";
            wrong(work, findings, (id, field), Code::Missing, text, Value::Null);
        }
        _ => {}
    }
    let place = work.place(id);
    let hostname = object.text("hostname").unwrap_or_default();
    if !place.label.eq_ignore_ascii_case(hostname) && !hostname.is_empty() {
        let text = format!("The label is {}, the host name is {hostname}: the host name counts", place.label);
        findings.tell(&place.pointer, "label", text);
    }
    let old = work.before.get(id).and_then(|before| before.text("hostname"));
    if let Some(old) = old.filter(|old| *old != hostname) {
        still_called(work, id, old, findings);
    }
}

/// What belongs to a renamed system and still carries its old name.
fn still_called(work: &Work<'_>, system: Id, old: &str, findings: &mut Findings) {
    for id in work.before.below(system) {
        let Some(object) = work.now(id) else { continue };
        let name = match id.0 {
            Kind::Registration => object.text("fqdn"),
            Kind::Alias => object.text("target"),
            _ => None,
        };
        if name == Some(old) {
            let place = work.touched.get(&id).or_else(|| work.touched.get(&system));
            let pointer = place.map_or("", |place| &place.pointer);
            let text = format!("The {} {} still carries the old name {old}", id.0.name(), object.label());
            findings.tell(pointer, "old_name", text);
        }
    }
}

fn registration(work: &Work<'_>, object: &Object, keys: &Keys, findings: &mut Findings) {
    if *object.get("ip_str") == Val::Null && !object.is("decommissioned") {
        let text = "A registration that is not decommissioned needs an address";
        wrong(work, findings, (object.id, "ip_str"), Code::Missing, text, Value::Null);
    }
    in_public(work, object, object, keys, findings);
}

fn alias(work: &Work<'_>, object: &Object, keys: &Keys, findings: &mut Findings) {
    if let (Some(name), Some(target)) = (object.text("fqdn"), object.text("target"))
        && name == target
    {
        let text = "A name can not lead to itself";
        wrong(work, findings, (object.id, "target"), Code::Loop, text, Value::from(target));
    } else if let Some(holder) = object.parent.and_then(|parent| work.now(parent)) {
        in_public(work, object, holder, keys, findings);
    }
}

/// Nobody outside can reach a private address: it has no place in the public view.
fn in_public(work: &Work<'_>, object: &Object, holder: &Object, keys: &Keys, findings: &mut Findings) {
    if let (Some(address), Some(public), Val::Set(views)) =
        (holder.text("ip_str"), keys.public, object.get("views"))
        && views.contains(&public)
        && values::is_private(address)
    {
        let text = format!("The address {address} is private: it can not be in the public view");
        wrong(work, findings, (object.id, "views"), Code::PrivateInPublic, text, Value::from(address));
    }
}

fn in_use(work: &Work<'_>, object: &Object, keys: &Keys) -> bool {
    let mut at = Some(object);
    while let Some(parent) = at.and_then(|object| object.parent) {
        at = work.now(parent);
    }
    let decommissioned = keys.decommissioned.map(Val::Int);
    at.is_none_or(|system| Some(system.get("system_status")) != decommissioned.as_ref())
}

/// What an object claims for itself.
fn claims<'a>(work: &Work<'_>, object: &'a Object, keys: &Keys) -> impl Iterator<Item = Claim<'a>> + use<'a> {
    let kind = object.id.0;
    let claim = |field: &'static str, within: Option<Id>| {
        object.text(field).map(|text| Claim { field, within, value: Cow::Borrowed(text), kind })
    };
    let both = match kind {
        Kind::System => [claim("hostname", None), claim("node_uuid", None)],
        Kind::Registration => {
            let address = object.text("ip_str").zip(object.text("fqdn"));
            let address = address.map(|(address, fqdn)| Claim {
                field: "ip_str",
                within: None,
                value: Cow::Owned(format!("{fqdn} {address}")),
                kind,
            });
            [claim("name", object.parent), address]
        }
        Kind::Adapter => {
            let alone = !object.is("shared_mac") && in_use(work, object, keys);
            [claim("name", object.parent), claim("mac", None).filter(|_| alone)]
        }
        Kind::Alias => [claim("fqdn", None), None],
        Kind::Attribute => [claim("key", object.parent), None],
    };
    both.into_iter().flatten()
}

/// Who claims something: the first, and all others.
struct Claimants {
    first: Id,
    others: Vec<Id>,
}

/// Claims that clash among the objects that were read.
fn among_known(work: &Work<'_>, changed: &[&Object], keys: &Keys, findings: &mut Findings) {
    let order: HashMap<Id, usize> =
        changed.iter().enumerate().map(|(place, object)| (object.id, place)).collect();
    let mut claimed: HashMap<Claim<'_>, Claimants> = HashMap::new();
    let untouched = work.before.objects.keys().filter(|id| !work.touched.contains_key(*id));
    for object in work.touched.keys().chain(untouched).filter_map(|id| work.now(*id)) {
        for claim in claims(work, object, keys) {
            let claimants = claimed.entry(claim);
            let claimants = claimants.and_modify(|claimants| claimants.others.push(object.id));
            claimants.or_insert_with(|| Claimants { first: object.id, others: Vec::new() });
        }
    }
    let mut clashes = Vec::new();
    for (claim, Claimants { first, others }) in &claimed {
        if others.is_empty() {
            continue;
        }
        let ids: Vec<Id> = std::iter::once(first).chain(others).copied().collect();
        let new: Vec<Id> = ids.iter().filter(|id| order.contains_key(*id)).copied().collect();
        for id in &new {
            let in_request = new.iter().find(|other| *other != id).copied();
            let other = ids.iter().find(|other| *other != id).copied();
            clashes.push((order.get(id).copied(), claim, *id, in_request, other));
        }
    }
    clashes.sort_unstable_by_key(|(place, claim, ..)| (*place, claim.field));
    for (_, claim, id, in_request, other) in clashes {
        let value = Value::from(&*claim.value);
        if let Some(other) = in_request {
            let text = format!("{} is claimed at {}, too", claim.value, work.place(other).pointer);
            wrong(work, findings, (id, claim.field), Code::DuplicateInRequest, text, value);
        } else if let Some((kind, pk)) = other {
            let text = format!("{} belongs to {} {pk}", claim.value, kind.name());
            wrong(work, findings, (id, claim.field), Code::Duplicate, text, value);
        }
    }
    aliases_and_names(work, changed, findings);
}

/// An alias may not be called as a registration is.
fn aliases_and_names(work: &Work<'_>, changed: &[&Object], findings: &mut Findings) {
    let mut names: HashMap<&str, Id> = HashMap::new();
    let mut aliases: HashMap<&str, Id> = HashMap::new();
    for id in work.before.objects.keys().chain(work.touched.keys()) {
        let of_kind = match id.0 {
            Kind::Alias => &mut aliases,
            Kind::Registration => &mut names,
            _ => continue,
        };
        if let Some(fqdn) = work.now(*id).and_then(|object| object.text("fqdn")) {
            of_kind.insert(fqdn, *id);
        }
    }
    for object in changed {
        let Some(fqdn) = object.text("fqdn") else { continue };
        let other = if object.id.0 == Kind::Alias { names.get(fqdn) } else { aliases.get(fqdn) };
        if let Some((kind, pk)) = other {
            let text = format!("{fqdn} is the name of {} {pk}", kind.name());
            wrong(work, findings, (object.id, "fqdn"), Code::Conflict, text, Value::from(fqdn));
        }
    }
}

/// What is looked for among the objects that were not read.
struct Search {
    find: Find,
    kind: Kind,
    of: Kind,
    field: &'static str,
    code: Code,
}

const SEARCHES: [Search; 6] = [
    Search {
        find: Find::Hostname,
        kind: Kind::System,
        of: Kind::System,
        field: "hostname",
        code: Code::Duplicate,
    },
    Search {
        find: Find::Node,
        kind: Kind::System,
        of: Kind::System,
        field: "node_uuid",
        code: Code::Duplicate,
    },
    Search { find: Find::Mac, kind: Kind::Adapter, of: Kind::Adapter, field: "mac", code: Code::Duplicate },
    Search { find: Find::Alias, kind: Kind::Alias, of: Kind::Alias, field: "fqdn", code: Code::Duplicate },
    Search {
        find: Find::Alias,
        kind: Kind::Registration,
        of: Kind::Alias,
        field: "fqdn",
        code: Code::Conflict,
    },
    Search {
        find: Find::Fqdn,
        kind: Kind::Alias,
        of: Kind::Registration,
        field: "fqdn",
        code: Code::Conflict,
    },
];

/// Claims that clash with objects that were not read.
fn among_others(
    work: &Work<'_>,
    changed: &[&Object],
    keys: &Keys,
    findings: &mut Findings,
    session: &mut dyn Session,
) -> QueryResult<()> {
    for search in &SEARCHES {
        let of_kind = changed.iter().filter(|object| object.id.0 == search.kind);
        let claimed = of_kind.filter(|object| {
            search.find != Find::Mac || claims(work, object, keys).any(|claim| claim.field == "mac")
        });
        let wanted: Vec<(&str, Id)> =
            claimed.filter_map(|object| Some((object.text(search.field)?, object.id))).collect();
        let found = found(session, search.find, &wanted)?;
        let elsewhere = found.iter().filter(|(_, pk)| !is_read(work, (search.of, *pk)));
        let holders: HashMap<&str, i64> = elsewhere.map(|(key, pk)| (first_word(key), *pk)).collect();
        for (text, id) in wanted {
            if let Some(pk) = holders.get(text) {
                let message = format!("{text} belongs to {} {pk}", search.of.name());
                wrong(work, findings, (id, search.field), search.code, message, Value::from(text));
            }
        }
    }
    addresses(work, changed, findings, session)
}

fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

fn is_read(work: &Work<'_>, id: Id) -> bool {
    work.before.get(id).is_some()
}

fn found(session: &mut dyn Session, find: Find, wanted: &[(&str, Id)]) -> QueryResult<Vec<(String, i64)>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let texts: HashSet<&str> = wanted.iter().map(|(text, _)| *text).collect();
    let texts: Vec<&str> = texts.into_iter().collect();
    let found = session.inventory_find(find, &list_of(&texts))?;
    Ok(found.into_iter().map(|found| (found.key, found.pk)).collect())
}

/// The same address and name is refused; the same address under another name is told.
fn addresses(
    work: &Work<'_>,
    changed: &[&Object],
    findings: &mut Findings,
    session: &mut dyn Session,
) -> QueryResult<()> {
    let registrations = || changed.iter().filter(|object| object.id.0 == Kind::Registration);
    let of = |field: &'static str| -> Vec<(&str, Id)> {
        registrations().filter_map(|object| Some((object.text(field)?, object.id))).collect()
    };
    let wanted = of("ip_str");
    let elsewhere = |found: Vec<(String, i64)>| {
        found.into_iter().filter(|(_, pk)| !is_read(work, (Kind::Registration, *pk)))
    };
    let holders: HashSet<String> =
        elsewhere(found(session, Find::Address, &wanted)?).map(|(address, _)| address).collect();
    let by_both: HashMap<String, i64> = elsewhere(found(session, Find::Fqdn, &of("fqdn"))?).collect();
    let mut in_request: HashMap<&str, usize> = HashMap::new();
    for (address, _) in &wanted {
        let count = in_request.entry(address).or_default();
        *count = count.saturating_add(1);
    }
    for object in registrations() {
        let Some(address) = object.text("ip_str") else { continue };
        let fqdn = object.text("fqdn").unwrap_or_default();
        if let Some(pk) = by_both.get(&format!("{fqdn} {address}")) {
            let text = format!("{fqdn} with {address} belongs to registration {pk}");
            wrong(work, findings, (object.id, "ip_str"), Code::Duplicate, text, Value::from(address));
        } else if holders.contains(address) || in_request.get(address).is_some_and(|count| *count > 1) {
            let text = format!("{address} has another name, too");
            findings.tell(&work.place(object.id).pointer, "shared_address", text);
        }
    }
    Ok(())
}
