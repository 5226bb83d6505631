//! `[cors]`: requests from web pages of other origins. Names and defaults are those of oslo.middleware, as the ancestor
//! sets them.

use serde::{Deserialize, Serialize};

use super::forms;
use super::spec::{Kind, Section, works};

/// What stands in the file about `[cors]`.
pub(super) const SECTION: Section = Section {
    name: "cors",
    help: "Requests from web pages of other origins; off until allowed_origin says something.",
    options: &[
        works(
            "allowed_origin",
            Kind::ListOf(forms::ORIGIN),
            Some("[]"),
            "Origins of web pages that may use the API.",
        ),
        works(
            "allow_credentials",
            Kind::Bool,
            Some("true"),
            "Whether these pages may send the credentials that the browser has; not for those that only * allows.",
        ),
        works(
            "expose_headers",
            Kind::ListOf(forms::TOKEN),
            Some("[]"),
            "Headers of answers that pages may read.",
        ),
        works(
            "max_age",
            Kind::Integer(0, 4_294_967_295),
            Some("3600"),
            "Seconds that a browser may remember what is allowed.",
        ),
        works(
            "allow_methods",
            Kind::ListOf(forms::TOKEN),
            Some(r#"["GET", "POST", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS"]"#),
            "Methods that pages may use.",
        ),
        works(
            "allow_headers",
            Kind::ListOf(forms::TOKEN),
            Some(concat!(
                r#"["X-Auth-Token", "X-OpenStack-Ironic-Inspector-API-Minimum-Version", "#,
                r#""X-OpenStack-Ironic-Inspector-API-Maximum-Version", "X-OpenStack-Ironic-Inspector-API-Version"]"#
            )),
            "Headers that pages may send, beside the harmless ones.",
        ),
    ],
    rest: None,
};

/// `[cors]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cors {
    /// Origins, or `*`; none switches CORS off.
    pub allowed_origin: Vec<String>,
    /// Whether pages may send credentials.
    pub allow_credentials: bool,
    /// Headers of answers that pages may read.
    pub expose_headers: Vec<String>,
    /// Seconds that a browser may remember what is allowed.
    pub max_age: u32,
    /// Methods that pages may use.
    pub allow_methods: Vec<String>,
    /// Headers that pages may send.
    pub allow_headers: Vec<String>,
}

impl Default for Cors {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            allowed_origin: Vec::new(),
            allow_credentials: true,
            expose_headers: Vec::new(),
            max_age: 3600,
            allow_methods: texts(&["GET", "POST", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS"]),
            allow_headers: texts(&[
                "X-Auth-Token",
                "X-OpenStack-Ironic-Inspector-API-Minimum-Version",
                "X-OpenStack-Ironic-Inspector-API-Maximum-Version",
                "X-OpenStack-Ironic-Inspector-API-Version",
            ]),
        }
    }
}
