//! What becomes of each option, one after the other, and then of those that do not fit together.
//!
//! Invariant: an option is told of once, as lost where any part of it is lost.

use toml::Value;

use super::super::draft::{Found, accept, is_default};
use super::super::names::{self, Known};
use super::super::spec::{Class, Kind, Section, Spec};
use super::settings::{Setting, Settings};
use super::{Fate, Finding, Secrets, THEIR_DEFAULT, history, values};

/// Stands where the address of Ironic is needed and was not given.
const PLACEHOLDER: &str = "http://127.0.0.1:6385";
/// Who uses the API where nobody is asked for a name: this machine.
const LOOPBACK_KEPT: &str = "auth_strategy is not carried over, so that whoever reaches the API could use it; it \
                             listens on 127.0.0.1 until you decide otherwise";

/// A value of the new file.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub section: &'static str,
    pub spec: &'static Spec,
    pub value: Value,
    /// Where it comes from.
    pub source: String,
}

const UNKNOWN: &str = "no such option is known here";

/// What is carried so far.
pub(super) struct Carrier<'a> {
    settings: &'a Settings,
    hooks: &'a [&'a str],
    secrets: Secrets,
    pub lines: Vec<Line>,
    /// By the full name here, where there is one.
    findings: Vec<(String, Finding)>,
}

impl<'a> Carrier<'a> {
    pub(super) fn new(settings: &'a Settings, hooks: &'a [&'a str], secrets: Secrets) -> Self {
        Self { settings, hooks, secrets, lines: Vec::new(), findings: Vec::new() }
    }

    pub(super) fn carry_all(&mut self) {
        let settings = self.settings;
        for setting in &settings.all {
            let fate = self.carry(setting);
            // What nobody gave and what is the same here is nothing to tell of.
            if setting.place != THEIR_DEFAULT || fate != Fate::Carried || self.has_line(setting) {
                self.tell(full_name(setting), &setting.place, shown(setting), fate);
            }
        }
        for old in &settings.overruled {
            let fate = Fate::NotNeeded(format!("{} sets it again", old.by));
            self.tell(String::new(), &old.place, format!("[{}] {}", old.section, old.name), fate);
        }
        self.use_ironic();
        self.keep_credentials_together();
        self.keep_strangers_out();
    }

    /// What is to be told, in the order of the files.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_iter().map(|(_, finding)| finding).collect()
    }

    /// What is lost, for the new file.
    pub(super) fn lost(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter().map(|(_, finding)| finding);
        findings.filter(|finding| matches!(finding.fate, Fate::NotSupported(_)))
    }

    /// Takes out what the reader refuses together with the rest.
    ///
    /// # Errors
    /// Where nothing is left that could be taken out.
    pub(super) fn give_up(&mut self, name: &str, wrong: &str) -> Result<(), String> {
        if self.drop_line(name) {
            self.lose(name, wrong.to_owned());
            return Ok(());
        }
        if name == "ironic.endpoint_override" {
            self.add(&super::super::ironic::SECTION, "endpoint_override", PLACEHOLDER);
            let reason = format!("{wrong}; {PLACEHOLDER} stands in its place, set it by hand");
            self.lose(name, reason);
            return Ok(());
        }
        let section = name.split_once('.').map_or(name, |(section, _)| section);
        // What asks for it, the nearest first.
        let asking = match section {
            "keystone_authtoken" => vec!["auth_strategy".to_owned()],
            "swift" => vec!["processing.store_data".to_owned()],
            _ => ["auth_type", "auth_url"].map(|option| names::full(section, option)).to_vec(),
        };
        for asking in asking {
            if self.drop_line(&asking) {
                self.lose(&asking, format!("{name}: {wrong}"));
                self.keep_strangers_out();
                return Ok(());
            }
        }
        Err(format!("{name}: {wrong}"))
    }

    fn carry(&mut self, setting: &Setting) -> Fate {
        let (section, name) = (setting.section.as_str(), setting.name.as_str());
        if let Some(reason) = history::needless(section, name) {
            return Fate::NotNeeded(reason.to_owned());
        }
        let Some(table) = history::table_of(section) else {
            return Fate::NotSupported("no such section is known here".to_owned());
        };
        let spec = match names::option(table, name) {
            Known::Option(spec) => spec,
            Known::Rest(Class::NoEffect(reason)) => return self.idle(section, reason),
            Known::Rest(_) | Known::Unknown => return Fate::NotSupported(UNKNOWN.to_owned()),
        };
        if let Class::NoEffect(reason) = spec.class {
            return self.idle(section, reason);
        }
        if let Some(reason) = self.moot(section, name) {
            return Fate::NotNeeded(reason);
        }
        match self.value(setting, spec) {
            Ok(Some(value)) => self.take(setting, table, spec, value),
            Ok(None) => carried(setting, table, spec),
            Err(wrong) => Fate::NotSupported(wrong),
        }
    }

    fn value(&self, setting: &Setting, spec: &Spec) -> Result<Option<Value>, String> {
        let texts = values::filled(setting, self.settings)?;
        match values::typed(spec.kind, texts)? {
            Some(value) => accept(spec, Found::Typed(value)),
            None => Ok(None),
        }
    }

    fn take(
        &mut self,
        setting: &Setting,
        table: &'static Section,
        spec: &'static Spec,
        value: Value,
    ) -> Fate {
        if self.secrets == Secrets::LeftOut && is_secret(spec) {
            return Fate::NotSupported("secrets are written to a file only, see --output".to_owned());
        }
        let (value, unknown) = self.known_hooks(table, spec, value);
        if !is_default(spec, &value) || has_moving_default(spec) {
            let source = format!("{}: {}", setting.place, shown(setting));
            self.lines.push(Line { section: table.name, spec, value, source });
        }
        if unknown.is_empty() {
            return carried(setting, table, spec);
        }
        let names = unknown.join(", ");
        Fate::NotSupported(format!("{names}: no such hook is known here; the others are carried over"))
    }

    /// A list of hooks without those that there are none of.
    fn known_hooks(&self, table: &Section, spec: &Spec, value: Value) -> (Value, Vec<String>) {
        let is_list = table.name == "processing" && spec.name.ends_with("processing_hooks");
        let Some(text) = value.as_str().filter(|_| is_list) else { return (value, Vec::new()) };
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let (known, unknown): (Vec<&str>, Vec<&str>) =
            names.partition(|name| name.starts_with('$') || self.hooks.contains(name));
        let unknown = unknown.into_iter().map(str::to_owned).collect();
        (Value::String(known.join(",")), unknown)
    }

    /// An option that has no effect here: a loss only where what it belongs to was asked for.
    fn idle(&self, section: &str, reason: &str) -> Fate {
        match history::switch_of(section) {
            Some(switch) if self.is_on(switch) => Fate::NotSupported(reason.to_owned()),
            Some(history::Switch { of, name, .. }) => {
                Fate::NotNeeded(format!("[{of}] {name} does not ask for it"))
            }
            None => Fate::NotNeeded(reason.to_owned()),
        }
    }

    fn is_on(&self, switch: &history::Switch) -> bool {
        let Some(setting) = self.settings.get(switch.of, switch.name) else { return false };
        match switch.value {
            None => !setting.last().is_empty(),
            Some("true") => {
                matches!(values::typed(Kind::Bool, setting.values.clone()), Ok(Some(Value::Boolean(true))))
            }
            Some(value) => setting.last() == value,
        }
    }

    /// Why an option would be idle here, as it was there.
    fn moot(&self, section: &str, name: &str) -> Option<String> {
        if section == "swift" {
            let switch = history::switch_of(section).filter(|switch| !self.is_on(switch))?;
            return Some(format!("[{}] {} does not ask for it", switch.of, switch.name));
        }
        if section != "ironic" {
            return None;
        }
        let auth_type = self.settings.get("ironic", "auth_type").map(Setting::last);
        if self.settings.get("ironic", "endpoint_override").is_some() && history::CATALOGUE.contains(&name) {
            Some("endpoint_override says where Ironic is".to_owned())
        } else if matches!(auth_type, Some("none" | "http_basic")) && history::KEYSTONE.contains(&name) {
            Some("auth_type does not ask for it".to_owned())
        } else {
            None
        }
    }

    /// The ancestor knows no other place for nodes.
    fn use_ironic(&mut self) {
        self.add(&super::super::root::SECTION, "node_service", "ironic");
    }

    /// User and password of a way to prove who we are that is not there are of no use to another one.
    fn keep_credentials_together(&mut self) {
        if !self.is_lost("ironic.auth_type") {
            return;
        }
        for name in ["ironic.username", "ironic.password"] {
            if self.drop_line(name) {
                self.lose(name, "it belongs to the auth_type, which is not carried over".to_owned());
            }
        }
    }

    fn keep_strangers_out(&mut self) {
        if self.is_lost("auth_strategy") && self.drop_line("listen_address") {
            self.lose("listen_address", LOOPBACK_KEPT.to_owned());
        }
    }

    fn add(&mut self, table: &'static Section, name: &str, value: &str) {
        let Some(spec) = table.options.iter().find(|spec| spec.name == name) else { return };
        let (value, source) = (Value::String(value.to_owned()), THEIR_DEFAULT.to_owned());
        self.lines.push(Line { section: table.name, spec, value, source });
    }

    fn has_line(&self, setting: &Setting) -> bool {
        let name = full_name(setting);
        self.lines.iter().any(|line| names::full(line.section, line.spec.name) == name)
    }

    fn drop_line(&mut self, name: &str) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| names::full(line.section, line.spec.name) != name);
        self.lines.len() < before
    }

    fn is_lost(&self, name: &str) -> bool {
        let mut of_name = self.findings.iter().filter(|(of, _)| of == name);
        of_name.any(|(_, finding)| matches!(finding.fate, Fate::NotSupported(_)))
    }

    fn lose(&mut self, name: &str, reason: String) {
        let fate = Fate::NotSupported(reason);
        match self.findings.iter_mut().find(|(of, _)| of == name) {
            Some((_, finding)) => finding.fate = fate,
            None => self.tell(name.to_owned(), THEIR_DEFAULT, name.to_owned(), fate),
        }
    }

    fn tell(&mut self, name: String, place: &str, option: String, fate: Fate) {
        self.findings.push((name, Finding { place: place.to_owned(), option, fate }));
    }
}

fn carried(setting: &Setting, table: &Section, spec: &Spec) -> Fate {
    match setting.was {
        Some(_) => Fate::Renamed(names::full(table.name, spec.name)),
        None => Fate::Carried,
    }
}

/// The full name of the option here.
fn full_name(setting: &Setting) -> String {
    let section = if setting.section == "DEFAULT" { "" } else { setting.section.as_str() };
    names::full(section, &setting.name)
}

/// The option as it was given.
fn shown(setting: &Setting) -> String {
    let (section, name) = match &setting.was {
        Some((section, name)) => (section, name),
        None => (&setting.section, &setting.name),
    };
    format!("[{section}] {name}")
}

fn is_secret(spec: &Spec) -> bool {
    match spec.kind {
        Kind::Secret => true,
        Kind::Form(form) => form.name.contains("secret"),
        _ => false,
    }
}

/// Whether the default hangs on other options, so that the described one must be written too.
fn has_moving_default(spec: &Spec) -> bool {
    spec.name == "introspection_delay"
}
