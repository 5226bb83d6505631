//! The pipeline: all hooks in their order, and the texts of their failures.
//!
//! Invariant: a failing main phase yields no Change; a failing pre phase never keeps the other hooks from
//! running; a hook that panics fails its run, with a text, and nothing else. It must not know where the document came from.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::change::Change;
use super::hooks::{Hook, HookError, View, registry};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::node_service::Object;

/// The configured hooks.
pub struct Pipeline {
    hooks: Vec<Box<dyn Hook>>,
}

/// Why the main phase failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessingFailure {
    /// The error of the run, and the text of the answer.
    pub text: String,
    /// Decides the status of the answer.
    pub kind: Kind,
}

impl From<ProcessingFailure> for Error {
    fn from(failure: ProcessingFailure) -> Self {
        Self::new(failure.kind, failure.text)
    }
}

impl Pipeline {
    /// Makes the hooks that the configuration names.
    ///
    /// # Errors
    ///
    /// What keeps the service from starting: unknown hooks, options that contradict one another.
    pub fn from_config(config: &Config) -> Result<Self> {
        Ok(Self { hooks: registry::hooks(config)? })
    }

    /// Runs the pre phase of all hooks; answers a line for each failure.
    pub fn prepare(&self, document: &mut Object) -> Vec<String> {
        let failure = |hook: &dyn Hook, error| match error {
            HookError::Expected(text) => format!("Preprocessing hook {}: {text}", hook.name()),
            HookError::Unexpected { class, text } => {
                format!("Unexpected exception {class} during preprocessing in hook {}: {text}", hook.name())
            }
        };
        let outcomes = self
            .hooks
            .iter()
            .map(|hook| guarded(|| hook.before(document)).map_err(|error| failure(hook.as_ref(), error)));
        outcomes.filter_map(std::result::Result::err).collect()
    }

    /// Runs the main phase; the first failure ends it. The document may be half processed then.
    ///
    /// # Errors
    ///
    /// The failure of a hook, as text and kind.
    pub fn process(&self, view: &View<'_>, document: &mut Object) -> Result<Change, ProcessingFailure> {
        let mut change = Change::default();
        for hook in &self.hooks {
            guarded(|| hook.process(view, document, &mut change)).map_err(failure)?;
        }
        Ok(change)
    }
}

/// What the hook says; a panic becomes an unexpected failure. What it leaves half done goes no further: either phase
/// ends the run then.
fn guarded(hook: impl FnOnce() -> Result<(), HookError>) -> Result<(), HookError> {
    catch_unwind(AssertUnwindSafe(hook))
        .unwrap_or_else(|panic| Err(HookError::Unexpected { class: "Panic", text: said(panic.as_ref()) }))
}

/// The text of a panic.
fn said(panic: &(dyn Any + Send)) -> String {
    let literal = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    literal.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".to_owned())
}

fn failure(error: HookError) -> ProcessingFailure {
    match error {
        HookError::Expected(text) => ProcessingFailure { text, kind: Kind::BadRequest },
        HookError::Unexpected { class, text } => ProcessingFailure {
            text: format!("Unexpected exception {class} during processing: {text}"),
            kind: Kind::Internal,
        },
    }
}

/// The answer to a ramdisk whose data failed the pre phase or the lookup.
#[must_use]
pub fn refusal_text(failures: &[String]) -> String {
    headed("The following failures happened during running pre-processing hooks:", failures)
}

/// The error of a reapply that failed the pre phase.
#[must_use]
pub fn reapply_refusal_text(failures: &[String]) -> String {
    headed("Pre-processing failures detected reapplying introspection on stored data:", failures)
}

fn headed(heading: &str, failures: &[String]) -> String {
    format!("{heading}\n{}", failures.join("\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::node_service::Node;

    /// Fails in both phases, and leaves a trace in the document.
    struct Failing(HookError);

    impl Hook for Failing {
        fn name(&self) -> &'static str {
            "failing"
        }

        fn before(&self, document: &mut Object) -> Result<(), HookError> {
            document.insert(self.0.to_string(), json!(true));
            Err(self.0.clone())
        }

        fn process(&self, _: &View<'_>, _: &mut Object, change: &mut Change) -> Result<(), HookError> {
            change.set_property("never", json!("applied"));
            Err(self.0.clone())
        }
    }

    fn pipeline(errors: &[HookError]) -> Pipeline {
        let hook = |error: &HookError| -> Box<dyn Hook> { Box::new(Failing(error.clone())) };
        Pipeline { hooks: errors.iter().map(hook).collect() }
    }

    fn errors() -> [HookError; 2] {
        [HookError::expected("one"), HookError::Unexpected { class: "Overflow", text: "two".to_owned() }]
    }

    #[test]
    fn failures_of_the_pre_phase_are_collected() {
        let mut document = Object::new();
        let lines = pipeline(&errors()).prepare(&mut document);
        assert_eq!(
            lines,
            [
                "Preprocessing hook failing: one",
                "Unexpected exception Overflow during preprocessing in hook failing: two"
            ]
        );
        assert_eq!(document.len(), 2);
        assert_eq!(
            refusal_text(&lines[..1]),
            "The following failures happened during running pre-processing hooks:\nPreprocessing hook failing: one"
        );
        assert_eq!(
            reapply_refusal_text(&["a".to_owned(), "b".to_owned()]),
            "Pre-processing failures detected reapplying introspection on stored data:\na\nb"
        );
    }

    /// A hook with a defect.
    struct Panicking;

    impl Hook for Panicking {
        fn name(&self) -> &'static str {
            "panicking"
        }

        fn before(&self, _: &mut Object) -> Result<(), HookError> {
            panic!("no luck")
        }

        fn process(&self, _: &View<'_>, _: &mut Object, _: &mut Change) -> Result<(), HookError> {
            panic!("no luck with {}", 7)
        }
    }

    #[test]
    fn a_hook_that_panics_fails_its_run_and_tells_why() {
        let pipeline = Pipeline { hooks: vec![Box::new(Panicking), Box::new(Failing(errors()[0].clone()))] };
        assert_eq!(
            pipeline.prepare(&mut Object::new()),
            [
                "Unexpected exception Panic during preprocessing in hook panicking: no luck",
                "Preprocessing hook failing: one"
            ]
        );
        let node = Node { uuid: Uuid::nil(), document: Object::new() };
        let outcome = pipeline.process(&View { node: &node, ports: &[] }, &mut Object::new());
        let text = "Unexpected exception Panic during processing: no luck with 7".to_owned();
        assert_eq!(outcome.unwrap_err(), ProcessingFailure { text, kind: Kind::Internal });
    }

    #[test]
    fn the_first_failure_of_the_main_phase_ends_it() {
        let [expected, unexpected] = errors();
        let node = Node { uuid: Uuid::nil(), document: Object::new() };
        let view = View { node: &node, ports: &[] };
        let outcome =
            |first, second| pipeline(&[first, second]).process(&view, &mut Object::new()).unwrap_err();
        assert_eq!(
            outcome(expected.clone(), unexpected.clone()),
            ProcessingFailure { text: "one".to_owned(), kind: Kind::BadRequest }
        );
        let text = "Unexpected exception Overflow during processing: two".to_owned();
        assert_eq!(outcome(unexpected, expected), ProcessingFailure { text, kind: Kind::Internal });
    }
}
