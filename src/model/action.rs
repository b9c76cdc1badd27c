//! What a request wants to do: the attributes that the authorizers look at.

/// A request's attributes without the one who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// On a resource.
    Resource(ResourceAction),
    /// On a path such as `/metrics`, with the HTTP method in lower case as verb.
    NonResource {
        /// The verb.
        verb: String,
        /// The path.
        path: String,
    },
}

/// The attributes of a request for a resource. No authorizer here looks at anything else, such as the API version or label
/// selectors, and RBAC does not look at the field selector either.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ResourceAction {
    /// The verb, as RBAC spells it (`get`, `deletecollection`, `impersonate`).
    pub verb: String,
    /// The API group; empty for the core group.
    pub api_group: String,
    /// The plural resource name.
    pub resource: String,
    /// The subresource, or empty.
    pub subresource: String,
    /// The namespace; empty for cluster-scoped requests and for lists over all namespaces.
    pub namespace: String,
    /// The object's name; empty where the request has none.
    pub name: String,
    /// The fields that the request's field selector requires to have a value, such as `spec.nodeName` and `n1`. Its other
    /// requirements are left out. Only the Node authorizer looks at it.
    pub field_selector: Vec<(String, String)>,
}

impl Action {
    /// The verb.
    pub fn verb(&self) -> &str {
        match self {
            Action::Resource(action) => &action.verb,
            Action::NonResource { verb, .. } => verb,
        }
    }

    /// The namespace whose RoleBindings count, or empty when none do.
    pub fn namespace(&self) -> &str {
        match self {
            Action::Resource(action) => &action.namespace,
            Action::NonResource { .. } => "",
        }
    }
}

impl ResourceAction {
    /// `resource` or `resource/subresource`, as a rule writes it.
    pub fn full_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            [&self.resource, "/", &self.subresource].concat()
        }
    }
}
