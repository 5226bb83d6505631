//! A token as Keystone describes it (Identity API v3).

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::catalog::Service;

/// What a token stands for.
#[derive(Clone, Debug, Deserialize)]
pub struct Document {
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Whose it is.
    pub user: Named,
    /// The project that it is for.
    pub project: Option<Named>,
    /// The domain that it is for.
    pub domain: Option<Named>,
    /// The system that it is for.
    pub system: Option<System>,
    /// What its user may be.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Whether its project is the one of administrators.
    pub is_admin_project: Option<bool>,
    /// The credential that it was made with, if it was one.
    pub application_credential: Option<ApplicationCredential>,
    /// The services.
    #[serde(default)]
    pub(super) catalog: Vec<Service>,
}

/// A user, project or domain.
#[derive(Clone, Debug, Deserialize)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The domain that it belongs to; a domain has none.
    pub domain: Option<Box<Self>>,
}

/// The system as scope.
#[derive(Clone, Debug, Deserialize)]
pub struct System {
    /// Whether it is the whole system, which is the only one there is.
    #[serde(default)]
    pub all: bool,
}

/// A role.
#[derive(Clone, Debug, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
}

/// An application credential.
#[derive(Clone, Debug, Deserialize)]
pub struct ApplicationCredential {
    /// All that it may be used for; without it, everything.
    pub access_rules: Option<Vec<AccessRule>>,
}

/// One thing that a restricted credential may be used for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccessRule {
    /// Type of the service.
    pub service: String,
    /// Method of the request.
    pub method: String,
    /// Path of the request; `*` and `{name}` stand for one segment, `**` for any number.
    pub path: String,
}

#[derive(Deserialize)]
struct Envelope {
    token: Document,
}

impl Document {
    /// Reads the body of an answer.
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let envelope: Envelope = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        Ok(envelope.token)
    }
}
