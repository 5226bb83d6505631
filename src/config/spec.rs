//! How an option is described: its name, its type, its default and what becomes of it.
//!
//! The descriptions stand beside the structs that hold the values; the reader, the check and the sample all go
//! by them, so that what is documented is what is accepted. It must not know where values come from.

/// One table of the file; the one without a name holds the options at top level.
#[derive(Debug)]
pub struct Section {
    /// Name of the table; empty for the top level.
    pub name: &'static str,
    /// One line of explanation.
    pub help: &'static str,
    /// Its options.
    pub options: &'static [Spec],
    /// What becomes of all other names: nothing here means that they are unknown.
    pub rest: Option<Class>,
}

/// One option.
#[derive(Debug)]
pub struct Spec {
    /// Its name.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// Its default as TOML; nothing where it is unset.
    pub default: Option<&'static str>,
    /// What becomes of a value.
    pub class: Class,
    /// One line of explanation.
    pub help: &'static str,
}

/// The form of a text: what it is called, and what tells a wrong one. The telling never shows the text.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Its name, for the sample.
    pub name: &'static str,
    /// What is wrong with a text.
    pub check: fn(&str) -> Result<(), String>,
}

/// The values that an option takes.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is never shown.
    Secret,
    /// A text of this form.
    Form(Form),
    /// Texts, each of this form; also as one text with commas.
    ListOf(Form),
    /// `true` or `false`.
    Bool,
    /// A whole number within these limits.
    Integer(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Texts; also as one text with commas.
    List,
    /// Texts that may hold commas themselves; one alone may stand without brackets.
    Multi,
    /// A text with commas; also as a list of texts.
    CommaText,
    /// A table of texts; also as one text `key:value,key:value`.
    Dict,
    /// Anything, as it is not used.
    Any,
}

impl Kind {
    /// How the sample names the type.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Secret => "text, secret".to_owned(),
            Self::Form(form) => form.name.to_owned(),
            Self::ListOf(form) => format!("list, each {}", form.name),
            Self::Bool => "true or false".to_owned(),
            Self::Integer(least, i64::MAX) => format!("whole number, at least {least}"),
            Self::Integer(i64::MIN, most) => format!("whole number, at most {most}"),
            Self::Integer(least, most) => format!("whole number, {least} to {most}"),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::List | Self::Multi => "list of texts".to_owned(),
            Self::CommaText => "text with commas".to_owned(),
            Self::Dict => "table of texts".to_owned(),
            Self::Any => "any".to_owned(),
        }
    }
}

/// What becomes of the value of an option.
#[derive(Clone, Copy, Debug)]
pub enum Class {
    /// It is used.
    Works,
    /// Of its choices only these work; the others are refused.
    Only(&'static [&'static str]),
    /// Only the default is accepted; the text names the part that a different value asks for.
    Lacks(&'static str),
    /// It is accepted with a warning that gives this reason.
    NoEffect(&'static str),
}

/// An option that works.
pub const fn works(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    help: &'static str,
) -> Spec {
    Spec { name, kind, default, class: Class::Works, help }
}

/// An option of which only some choices work.
pub const fn only(
    name: &'static str,
    choices: &'static [&'static str],
    working: &'static [&'static str],
    default: &'static str,
    help: &'static str,
) -> Spec {
    Spec { name, kind: Kind::Choice(choices), default: Some(default), class: Class::Only(working), help }
}

/// An option whose values, but for the default, ask for a part that is not there yet.
pub const fn lacks(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    part: &'static str,
    help: &'static str,
) -> Spec {
    Spec { name, kind, default, class: Class::Lacks(part), help }
}

/// An option that means nothing here.
pub const fn no_effect(name: &'static str, reason: &'static str) -> Spec {
    Spec { name, kind: Kind::Any, default: None, class: Class::NoEffect(reason), help: "Accepted, not used." }
}
