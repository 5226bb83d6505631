//! The blobs as JSON Schema, made of the same tables of members that requests are read by.

use serde_json::{Map, Value, json};

use super::lookups;
use super::model::{Kind, Need, Type};
use super::reader::is_key_of_pair;

/// What may be sent to an import.
#[must_use]
pub fn import() -> Value {
    let names: Map<String, Value> = lookups::KINDS
        .iter()
        .map(|kind| {
            (
                (*kind).to_owned(),
                json!({"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 255}}),
            )
        })
        .collect();
    let systems = json!({"type": "object", "additionalProperties": object(Kind::System)});
    json!({
        "type": "object",
        "required": ["systems"],
        "additionalProperties": false,
        "properties": {
            "systems": {"anyOf": [systems, {"type": "array", "items": object(Kind::System)}]},
            "commit": {"type": "boolean", "default": false},
            "atomic": {"type": "boolean", "default": true},
            "comment": {"type": "string", "maxLength": 200},
            "mode": {"enum": ["patch", "replace"], "default": "patch"},
            "on_missing": {"enum": ["create", "fail"], "default": "create"},
            "match": {"enum": ["pk", "hostname", "uuid", "serial"], "default": "pk"},
            "require_version": {"type": "boolean", "default": false},
            "max_changes": {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+%$"}]},
            "max_deletes": {"type": "integer", "minimum": 0, "default": 0},
            "change_set": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,100}$"},
            "lookups": {"type": "object", "additionalProperties": false, "properties": names},
            "generation": {},
            "next": {},
        },
    })
}

/// The schema by itself, with its dialect.
#[must_use]
pub fn document() -> Value {
    let mut schema = import();
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("Import of a Rollcall inventory"));
    }
    schema
}

fn object(kind: Kind) -> Value {
    let key = json!({"type": ["integer", "null"], "minimum": 1});
    let mut members = Map::from_iter([
        ("pk".to_owned(), key.clone()),
        ("version".to_owned(), key),
        ("delete".to_owned(), json!({"type": "boolean"})),
    ]);
    match kind {
        Kind::System => {
            members.insert("observed".to_owned(), json!({"readOnly": true}));
            members.insert("clone".to_owned(), json!({"type": ["string", "null"]}));
        }
        Kind::Registration => {
            members.insert("adopt".to_owned(), json!({"type": "boolean"}));
            members.insert("ip_type".to_owned(), json!({"enum": ["4", "6", 4, 6, null]}));
        }
        Kind::Adapter => {
            members.insert("adopt".to_owned(), json!({"type": "boolean"}));
        }
        Kind::Alias | Kind::Attribute => {}
    }
    for field in kind.fields() {
        let mut of_type = value(field.ty);
        if let (true, Some(members)) = (is_key_of_pair(kind, field), of_type.as_object_mut()) {
            members.insert("minLength".to_owned(), json!(1));
        }
        let nullable = field.need == Need::No || matches!(field.ty, Type::Numbered(_) | Type::Uuid);
        let schema = if nullable { json!({"anyOf": [of_type, {"type": "null"}]}) } else { of_type };
        members.insert(field.name.to_owned(), schema);
    }
    for (set, child) in kind.children() {
        let child_schema = object(*child);
        let schema = match child {
            Kind::Alias => json!({"type": "array", "items": child_schema}),
            _ => json!({"type": "object", "additionalProperties": child_schema}),
        };
        members.insert((*set).to_owned(), schema);
    }
    json!({"type": "object", "additionalProperties": false, "properties": members})
}

fn value(ty: Type) -> Value {
    match ty {
        Type::Uuid | Type::Node => json!({"type": "string", "format": "uuid"}),
        Type::Name(most) => json!({"type": "string", "maxLength": most, "format": "hostname"}),
        Type::Text(most) => json!({"type": ["string", "number"], "maxLength": most}),
        Type::Numbered(prefixes) => {
            json!({"type": "string", "pattern": format!("^({})[0-9]{{1,14}}$", prefixes.join("|"))})
        }
        Type::Mac => {
            json!({"type": "string", "examples": ["52:54:00:12:34:56", "52-54-00-12-34-56", "5254.0012.3456"]})
        }
        Type::Address => json!({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
        Type::Int(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Type::Bool => json!({"type": "boolean"}),
        Type::Decimal => {
            json!({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9]{1,4}(\.[0-9]{1,2}0*)?$"}]})
        }
        Type::Date => json!({"type": "string", "format": "date"}),
        Type::DateTime => json!({"type": "string", "examples": ["2026-01-31 12:00"]}),
        Type::Relation(kind) => {
            json!({"type": ["string", "integer"], "description": format!("The name or the key of a {kind}.")})
        }
        Type::Views => {
            let views = json!({"type": "array", "items": {"type": ["string", "integer"]}});
            let delta = json!({"type": "object", "additionalProperties": false, "properties": {"add": views, "remove": views}});
            json!({"anyOf": [views, delta]})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::tests::whole;

    fn is_valid(body: &Value) -> bool {
        jsonschema::draft202012::new(&document()).unwrap().is_valid(body)
    }

    #[test]
    fn the_schema_takes_what_is_read_and_refuses_what_is_not() {
        assert!(jsonschema::meta::is_valid(&document()));
        let good = json!({"systems": {"a": whole("a.example.com", 1)}, "commit": true, "max_changes": "10%"});
        assert!(is_valid(&good));
        for (pointer, bad) in [
            ("/systems/a", json!({"serail": "x"})),
            ("/systems/a", json!({"rack_order": "x"})),
            ("/systems/a", json!({"keyvalue_set": {"x": {"key": "", "value": "v"}}})),
            ("/systems/a", json!({"pk": "1"})),
            ("/systems/a", json!({"keyvalue_set": []})),
            ("/systems/a", json!({"staticreg_set": {"nic0": {"views": "public"}}})),
            ("/commit", json!("true")),
            ("/mode", json!("merge")),
        ] {
            let mut body = json!({"systems": {"a": {}}, "commit": false, "mode": "patch"});
            *body.pointer_mut(pointer).unwrap() = bad;
            assert!(!is_valid(&body), "{body}");
        }
    }
}
