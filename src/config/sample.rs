//! The sample: every option with its type, default and one line of explanation.
//!
//! Written from the descriptions alone, so that it can not say anything else than the reader does.

use super::sections;
use super::spec::{Class, Section, Spec};

/// What stands for an option without a value: an empty text unsets it.
const UNSET: &str = "\"\"";

/// A complete file in which every option is commented out.
#[must_use]
pub fn sample() -> String {
    let mut out = String::from(
        "# Configuration of rollcall. Every option is shown with its default; remove the # to set it.\n\
         # Environment: ROLLCALL_<OPTION> and ROLLCALL_<SECTION>__<OPTION> go over this file.\n",
    );
    sections().for_each(|section| add_section(&mut out, section));
    out
}

fn add_section(out: &mut String, section: &Section) {
    if !section.name.is_empty() {
        out.push_str(&format!("\n\n# {}\n[{}]\n", section.help, section.name));
    }
    if let Some(Class::NoEffect(reason)) = section.rest {
        out.push_str(&format!("\n# Other options have no effect: {reason}.\n"));
    }
    section.options.iter().for_each(|spec| add_option(out, spec));
}

fn add_option(out: &mut String, spec: &Spec) {
    if let Class::NoEffect(reason) = spec.class {
        out.push_str(&format!("\n# {} has no effect: {reason}.\n", spec.name));
        return;
    }
    out.push_str(&format!("\n# {} ({})\n", spec.help, spec.kind.describe()));
    match spec.class {
        Class::Only(working) => out.push_str(&format!("# What works yet: {}.\n", working.join(", "))),
        Class::Lacks(part) => {
            out.push_str(&format!("# Only the default is possible; not there yet: {part}.\n"))
        }
        Class::Works | Class::NoEffect(_) => {}
    }
    out.push_str(&format!("#{} = {}\n", spec.name, spec.default.unwrap_or(UNSET)));
}
