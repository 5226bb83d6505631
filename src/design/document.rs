//! Documents of a design: YAML, one after the other, in one of the two forms of Drydock. Pure.
//!
//! Invariant: a bad document stops none of the others; those of other programs are left aside.

use std::collections::BTreeMap;

use serde_json::Value;

use super::finding::Finding;
use super::schema::{KINDS, violations};

/// A document that is understood.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Document {
    pub kind: &'static str,
    pub name: String,
    pub content: Value,
    /// `metadata.labels`
    pub labels: BTreeMap<String, String>,
}

impl Document {
    /// As findings name it.
    pub fn place(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// The documents of a text, and what is wrong with it.
pub(super) fn read(text: &[u8]) -> (Vec<Document>, Vec<Finding>) {
    let broken = |why: String| (Vec::new(), vec![Finding::error("DD000", "Design", why)]);
    let Ok(text) = std::str::from_utf8(text) else { return broken("It is no text in UTF-8.".to_owned()) };
    let all: Vec<Value> = match serde_saphyr::from_multiple(text) {
        Ok(all) => all,
        Err(error) => return broken(format!("It is no YAML: {error}")),
    };
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    for (number, value) in all.iter().enumerate().filter(|(_, value)| !value.is_null()) {
        match document(value) {
            Ok(Some(document)) => {
                let place = document.place();
                for (path, why) in violations(document.kind, &document.content) {
                    findings.push(Finding::error("DD001", &format!("{place}{path}"), why));
                }
                documents.push(document);
            }
            Ok(None) => {}
            Err(why) => findings.push(Finding::error("DD002", &format!("Document/{number}"), why)),
        }
    }
    (documents, findings)
}

/// A document; nothing where it is another program's.
fn document(value: &Value) -> Result<Option<Document>, String> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let (namespace, kind, content) = match (text("/schema"), text("/apiVersion")) {
        (Some(schema), _) => {
            let parts: Vec<&str> = schema.split('/').collect();
            let [namespace, kind, _] = parts.as_slice() else {
                return Err(format!("The schema {schema} has not three parts."));
            };
            (*namespace, *kind, value.get("data"))
        }
        (None, Some(version)) => {
            let namespace = version.split('/').next().unwrap_or_default();
            (namespace, text("/kind").unwrap_or_default(), value.get("spec"))
        }
        (None, None) => return Err("It has neither schema nor apiVersion.".to_owned()),
    };
    if namespace != "drydock" {
        return Ok(None);
    }
    // Kinds that declare no hardware are left aside.
    let Some(kind) = KINDS.into_iter().find(|known| *known == kind) else { return Ok(None) };
    let name = text("/metadata/name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| format!("A {kind} has no metadata.name."))?.to_owned();
    let labels = value.pointer("/metadata/labels").map(pairs).unwrap_or_default();
    Ok(Some(Document { kind, name, content: content.cloned().unwrap_or_default(), labels }))
}

/// The members of an object as labels; values that are no texts as JSON.
pub(super) fn pairs(object: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let members = object.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.clone(), text(value))).collect()
}
