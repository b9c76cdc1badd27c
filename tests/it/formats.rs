//! Every form that objects come in loads as it is, and to the same objects on the lines where they stand.

use rbac_lens::collect::{FileOptions, Limits, Needs};
pub(crate) fn options() -> FileOptions {
    FileOptions {
        recursive: false,
        needs: Needs::default(),
        default_namespace: "default".to_owned(),
        keep_going: false,
        limits: Limits::DEFAULT,
        threads: 2,
    }
}

/// A Role on one line.
pub(crate) const ROLE: &str = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"reader","namespace":"dev"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}"#;
