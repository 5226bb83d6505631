//! The third pass: every rule, held against the complete after-state.
//!
//! Invariant: only objects that are new or changed are judged, so that what was recorded long ago keeps nobody from
//! changing something else.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::apply::Work;
use super::lookups::{DECOMMISSIONED, PUBLIC, ZONE};
use super::model::{Id, Kind, Object, Val};
use super::problem::{Code, Place, Problem};
use super::{validators, values};
use crate::store::inventory::{Find, list_of};
use crate::store::{QueryResult, Session};

/// Something that only one object may have: what sort of thing, within what, and the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    field: &'static str,
    within: Option<Id>,
    value: String,
    kind: Kind,
}

/// Checks everything, and notes what is wrong.
///
/// # Errors
/// Where the database can not be read.
pub fn check(work: &mut Work<'_>, session: &mut dyn Session) -> QueryResult<()> {
    let changed = changed(work);
    let zones: Vec<String> = work.lookups.of_kind(ZONE).into_iter().map(str::to_owned).collect();
    for id in &changed {
        alone(work, *id);
        validators::check(work, *id, &zones);
    }
    among_known(work, &changed);
    among_others(work, &changed, session)
}

/// What is new or other than before, in the order of the request.
pub fn changed(work: &Work<'_>) -> Vec<Id> {
    let differs = |id: &&Id| match (work.now(**id), work.before.get(**id)) {
        (Some(now), Some(before)) => *now != **before,
        (now, _) => now.is_some(),
    };
    work.touched.keys().filter(differs).copied().collect()
}

fn place_of(work: &Work<'_>, id: Id) -> Place {
    work.touched.get(&id).cloned().unwrap_or_default()
}

pub(super) fn wrong(
    work: &mut Work<'_>,
    id: Id,
    field: &str,
    code: Code,
    text: impl Into<String>,
    value: Value,
) {
    let problem = Problem::of_object(id.0, &place_of(work, id), code, text).at(field);
    work.findings.wrong(problem.with(value));
}

fn shown(value: &Val) -> Value {
    match value {
        Val::Text(text) => Value::from(text.as_str()),
        _ => Value::Null,
    }
}

/// What an object may not be, whatever the others are.
fn alone(work: &mut Work<'_>, id: Id) {
    let Some(object) = work.now(id).cloned() else { return };
    match id.0 {
        Kind::System => system(work, &object),
        Kind::Registration => registration(work, &object),
        Kind::Alias if object.get("target") == object.get("fqdn") && object.text("fqdn").is_some() => {
            wrong(
                work,
                id,
                "target",
                Code::Loop,
                "A name can not lead to itself",
                shown(object.get("target")),
            );
        }
        Kind::Alias => in_public(work, &object),
        Kind::Adapter | Kind::Attribute => {}
    }
}

fn system(work: &mut Work<'_>, object: &Object) {
    let id = object.id;
    let (start, end) = (object.text("warranty_start"), object.text("warranty_end"));
    match (start, end) {
        (Some(start), Some(end)) if start > end => {
            let text = "The warranty ends before it starts";
            wrong(work, id, "warranty_end", Code::Conflict, text, Value::from(end));
        }
        (Some(_), None) | (None, Some(_)) if work.is_new(id) => {
            let field = if start.is_some() { "warranty_end" } else { "warranty_start" };
            wrong(work, id, field, Code::Missing, "A warranty has a start and an end", Value::Null);
        }
        _ => {}
    }
    let place = place_of(work, id);
    let hostname = object.text("hostname").unwrap_or_default().to_owned();
    if !place.label.eq_ignore_ascii_case(&hostname) && !hostname.is_empty() {
        let text = format!("The label is {}, the host name is {hostname}: the host name counts", place.label);
        work.findings.tell(&place.pointer, "label", text);
    }
    let old = work.before.get(id).and_then(|before| before.text("hostname")).map(str::to_owned);
    if let Some(old) = old.filter(|old| *old != hostname) {
        still_called(work, id, &old, &place);
    }
}

/// What belongs to a renamed system and still carries its old name.
fn still_called(work: &mut Work<'_>, system: Id, old: &str, place: &Place) {
    let mut carrying = Vec::new();
    for id in work.before.below(system) {
        let Some(object) = work.now(id) else { continue };
        let name = match id.0 {
            Kind::Registration => object.text("fqdn"),
            Kind::Alias => object.text("target"),
            _ => None,
        };
        if name == Some(old) {
            let pointer = work.touched.get(&id).map_or(&place.pointer, |place| &place.pointer);
            carrying.push((pointer.clone(), format!("The {} {}", id.0.name(), object.label())));
        }
    }
    for (pointer, what) in carrying {
        work.findings.tell(&pointer, "old_name", format!("{what} still carries the old name {old}"));
    }
}

fn registration(work: &mut Work<'_>, object: &Object) {
    if *object.get("ip_str") == Val::Null && !object.is("decommissioned") {
        let text = "A registration that is not decommissioned needs an address";
        wrong(work, object.id, "ip_str", Code::Missing, text, Value::Null);
    }
    in_public(work, object);
}

/// Nobody outside can reach a private address: it has no place in the public view.
fn in_public(work: &mut Work<'_>, object: &Object) {
    let holder = match object.id.0 {
        Kind::Alias => object.parent.and_then(|parent| work.now(parent)),
        _ => Some(object),
    };
    let address = holder.and_then(|holder| holder.text("ip_str")).map(str::to_owned);
    let public = work.lookups.key(super::lookups::VIEW, PUBLIC);
    if let (Some(address), Some(public), Val::Set(views)) = (address, public, object.get("views"))
        && views.contains(&public)
        && values::is_private(&address)
    {
        let text = format!("The address {address} is private: it can not be in the public view");
        wrong(work, object.id, "views", Code::PrivateInPublic, text, Value::from(address));
    }
}

fn in_use(work: &Work<'_>, id: Id) -> bool {
    let mut at = work.now(id);
    while let Some(parent) = at.and_then(|object| object.parent) {
        at = work.now(parent);
    }
    let decommissioned = work.lookups.key("system_status", DECOMMISSIONED).map(Val::Int);
    at.is_none_or(|system| Some(system.get("system_status")) != decommissioned.as_ref())
}

/// What an object claims for itself.
fn claims(work: &Work<'_>, object: &Object) -> Vec<Claim> {
    let kind = object.id.0;
    let claim = |field: &'static str, within: Option<Id>| {
        object.text(field).map(|text| Claim { field, within, value: text.to_owned(), kind })
    };
    let mut all = Vec::new();
    match kind {
        Kind::System => all.extend([claim("hostname", None), claim("node_uuid", None)]),
        Kind::Registration => {
            all.push(claim("name", object.parent));
            let address = object.text("ip_str").zip(object.text("fqdn"));
            all.push(address.map(|(address, fqdn)| Claim {
                field: "ip_str",
                within: None,
                value: format!("{fqdn} {address}"),
                kind,
            }));
        }
        Kind::Adapter => {
            all.push(claim("name", object.parent));
            if !object.is("shared_mac") && in_use(work, object.id) {
                all.push(claim("mac", None));
            }
        }
        Kind::Alias => all.push(claim("fqdn", None)),
        Kind::Attribute => all.push(claim("key", object.parent)),
    }
    all.into_iter().flatten().collect()
}

/// Claims that clash among the objects that were read.
fn among_known(work: &mut Work<'_>, changed: &[Id]) {
    let judged: HashSet<Id> = changed.iter().copied().collect();
    let mut claimed: BTreeMap<Claim, Vec<Id>> = BTreeMap::new();
    let untouched = work.before.objects.keys().filter(|id| !work.touched.contains_key(*id));
    for id in work.touched.keys().chain(untouched) {
        if let Some(object) = work.now(*id) {
            for claim in claims(work, object) {
                claimed.entry(claim).or_default().push(*id);
            }
        }
    }
    let mut clashes = Vec::new();
    for (claim, ids) in claimed {
        let new: Vec<Id> = ids.iter().filter(|id| judged.contains(*id)).copied().collect();
        if ids.len() < 2 || new.is_empty() {
            continue;
        }
        for id in &new {
            let other = ids.iter().find(|other| *other != id).copied();
            let in_request = other.filter(|_| new.len() > 1);
            let other_new = new.iter().find(|other| *other != id).copied();
            clashes.push((*id, claim.clone(), in_request.and(other_new), other));
        }
    }
    let order: HashMap<Id, usize> = changed.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    clashes.sort_by_key(|(id, ..)| order.get(id).copied());
    for (id, claim, in_request, other) in clashes {
        let value = Value::from(claim.value.as_str());
        if let Some(other) = in_request {
            let at = place_of(work, other).pointer;
            let text = format!("{} is claimed at {at}, too", claim.value);
            wrong(work, id, claim.field, Code::DuplicateInRequest, text, value);
        } else if let Some((kind, pk)) = other {
            let text = format!("{} belongs to {} {pk}", claim.value, kind.name());
            wrong(work, id, claim.field, Code::Duplicate, text, value);
        }
    }
    aliases_and_names(work, changed);
}

/// An alias may not be called as a registration is.
fn aliases_and_names(work: &mut Work<'_>, changed: &[Id]) {
    let mut names: HashMap<&str, Id> = HashMap::new();
    let mut aliases: HashMap<&str, Id> = HashMap::new();
    for id in work.before.objects.keys().chain(work.touched.keys()) {
        let Some((object, fqdn)) = work.now(*id).and_then(|object| Some((object, object.text("fqdn")?)))
        else {
            continue;
        };
        match object.id.0 {
            Kind::Alias => aliases.insert(fqdn, *id),
            _ => names.insert(fqdn, *id),
        };
    }
    let mut clashes = Vec::new();
    for id in changed {
        let Some(fqdn) = work.now(*id).and_then(|object| object.text("fqdn")) else { continue };
        let other = if id.0 == Kind::Alias { names.get(fqdn) } else { aliases.get(fqdn) };
        clashes.extend(other.map(|other| (*id, fqdn.to_owned(), *other)));
    }
    for (id, fqdn, (kind, pk)) in clashes {
        let text = format!("{fqdn} is the name of {} {pk}", kind.name());
        wrong(work, id, "fqdn", Code::Conflict, text, Value::from(fqdn));
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
fn among_others(work: &mut Work<'_>, changed: &[Id], session: &mut dyn Session) -> QueryResult<()> {
    for search in &SEARCHES {
        let mut wanted: Vec<(String, Id)> = Vec::new();
        for id in changed.iter().filter(|id| id.0 == search.kind) {
            let Some(object) = work.now(*id) else { continue };
            let claimed =
                search.find != Find::Mac || claims(work, object).iter().any(|claim| claim.field == "mac");
            wanted.extend(object.text(search.field).filter(|_| claimed).map(|text| (text.to_owned(), *id)));
        }
        let found = found(session, search.find, &wanted)?;
        let by_name = |key: &str| key.split(' ').next().unwrap_or_default().to_owned();
        let holders: HashMap<String, i64> = found.into_iter().map(|(key, pk)| (by_name(&key), pk)).collect();
        for (text, id) in wanted {
            if let Some(pk) = holders.get(&text).filter(|pk| !is_read(work, (search.of, **pk))) {
                let message = format!("{text} belongs to {} {pk}", search.of.name());
                wrong(work, id, search.field, search.code, message, Value::from(text));
            }
        }
    }
    addresses(work, changed, session)
}

fn is_read(work: &Work<'_>, id: Id) -> bool {
    work.before.get(id).is_some()
}

fn found(session: &mut dyn Session, find: Find, wanted: &[(String, Id)]) -> QueryResult<Vec<(String, i64)>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<&str> = wanted.iter().map(|(text, _)| text.as_str()).collect();
    let found = session.inventory_find(find, &list_of(&texts))?;
    Ok(found.into_iter().map(|found| (found.key, found.pk)).collect())
}

/// The same address and name is refused; the same address under another name is told.
fn addresses(work: &mut Work<'_>, changed: &[Id], session: &mut dyn Session) -> QueryResult<()> {
    let mut wanted: Vec<(String, Id)> = Vec::new();
    for id in changed.iter().filter(|id| id.0 == Kind::Registration) {
        wanted.extend(
            work.now(*id).and_then(|object| object.text("ip_str")).map(|text| (text.to_owned(), *id)),
        );
    }
    let by_address = found(session, Find::Address, &wanted)?;
    let names: Vec<(String, Id)> = wanted
        .iter()
        .filter_map(|(_, id)| work.now(*id)?.text("fqdn").map(|fqdn| (fqdn.to_owned(), *id)))
        .collect();
    let by_name: HashMap<String, i64> = found(session, Find::Fqdn, &names)?.into_iter().collect();
    let mut holders: HashMap<String, Vec<i64>> = HashMap::new();
    for (address, pk) in by_address {
        if !is_read(work, (Kind::Registration, pk)) {
            holders.entry(address).or_default().push(pk);
        }
    }
    let mut in_request: HashMap<&str, Vec<Id>> = HashMap::new();
    for (address, id) in &wanted {
        in_request.entry(address.as_str()).or_default().push(*id);
    }
    for (address, id) in &wanted {
        let fqdn = work.now(*id).and_then(|object| object.text("fqdn")).unwrap_or_default().to_owned();
        let both = format!("{fqdn} {address}");
        if let Some(pk) = by_name.get(&both).filter(|pk| !is_read(work, (Kind::Registration, **pk))) {
            let text = format!("{fqdn} with {address} belongs to registration {pk}");
            wrong(work, *id, "ip_str", Code::Duplicate, text, Value::from(address.as_str()));
        } else if holders.contains_key(address)
            || in_request.get(address.as_str()).is_some_and(|ids| ids.len() > 1)
        {
            let pointer = place_of(work, *id).pointer;
            work.findings.tell(&pointer, "shared_address", format!("{address} has another name, too"));
        }
    }
    Ok(())
}
