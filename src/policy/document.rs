//! A file of rules: YAML, of which JSON is a part; one table from names to rules.

use std::collections::BTreeMap;

use serde_json::Value;

/// Reads the rules of a text. One that holds nothing has no rules.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(BTreeMap::new());
    }
    let table: BTreeMap<String, Value> = serde_saphyr::from_str(text)
        .map_err(|error| format!("is not a table of rules: {}", one_line(&error.to_string())))?;
    table.into_iter().map(|(name, rule)| Ok((name.clone(), text_of(&name, rule)?))).collect()
}

fn text_of(name: &str, rule: Value) -> Result<String, String> {
    match rule {
        Value::String(text) => Ok(text),
        _ => Err(format!("{name}: a text is needed, such as \"role:admin\"; quotes belong around ! and @")),
    }
}

/// The first line says what is wrong; the others show the file.
fn one_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
