//! Who asks, as far as rules can tell.

/// The caller of a request. What is not known of it is absent, and no rule that asks for it is satisfied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Id of the user.
    pub user_id: Option<String>,
    /// Id of the user's domain.
    pub user_domain_id: Option<String>,
    /// Id of the project that the token is for.
    pub project_id: Option<String>,
    /// Id of that project's domain.
    pub project_domain_id: Option<String>,
    /// Id of the domain that the token is for.
    pub domain_id: Option<String>,
    /// `all` where the token is for the whole system.
    pub system_scope: Option<String>,
    /// Names of the roles.
    pub roles: Vec<String>,
    /// Whether the project is the one of administrators; true where the identity service names none.
    pub is_admin_project: bool,
    /// Whether what is asked for is open to everybody.
    pub is_public_api: bool,
}

/// What a rule may compare of a caller, beside the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    UserId,
    UserDomainId,
    ProjectId,
    ProjectDomainId,
    DomainId,
    SystemScope,
    IsAdminProject,
    IsPublicApi,
}

/// The names of attributes in rules.
pub(super) const ATTRIBUTES: [(&str, Attribute); 8] = [
    ("user_id", Attribute::UserId),
    ("user_domain_id", Attribute::UserDomainId),
    ("project_id", Attribute::ProjectId),
    ("project_domain_id", Attribute::ProjectDomainId),
    ("domain_id", Attribute::DomainId),
    ("system_scope", Attribute::SystemScope),
    ("is_admin_project", Attribute::IsAdminProject),
    ("is_public_api", Attribute::IsPublicApi),
];

impl Caller {
    /// Somebody of whom nothing is known, who asks for what is open to everybody.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { is_public_api: true, ..Self::default() }
    }

    /// Whether it has a role; letters count without case.
    pub(super) fn has_role(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.roles.iter().any(|role| role.to_lowercase() == name)
    }

    /// Whether an attribute has this value.
    pub(super) fn is(&self, attribute: Attribute, value: &str) -> bool {
        let text = match attribute {
            Attribute::UserId => &self.user_id,
            Attribute::UserDomainId => &self.user_domain_id,
            Attribute::ProjectId => &self.project_id,
            Attribute::ProjectDomainId => &self.project_domain_id,
            Attribute::DomainId => &self.domain_id,
            Attribute::SystemScope => &self.system_scope,
            Attribute::IsAdminProject => return value == python(self.is_admin_project),
            Attribute::IsPublicApi => return value == python(self.is_public_api),
        };
        text.as_deref() == Some(value)
    }
}

/// As rules write it.
fn python(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}
