//! What the server serves, by the two documents of aggregated discovery (`/api` and `/apis`).

use rustc_hash::FxHashSet;
use serde::Deserialize;

use super::request::{Failure, Sender};
use crate::collect::shape::{Text, list};
use crate::model::ApiResource;

/// The newest form first; a server before 1.30 knows the second, one before 1.26 only the last.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// What is served.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Discovery {
    pub(super) resources: Vec<ApiResource>,
    /// Group versions that the server cannot ask at the moment (an aggregated API whose own server is down).
    pub(super) stale: Vec<String>,
}

/// Asks both documents.
pub(super) async fn discover(sender: &Sender) -> Result<Discovery, Failure> {
    let (core, groups) = futures::join!(sender.get("/api", AGGREGATED), sender.get("/apis", AGGREGATED));
    let mut found = Discovery::default();
    for document in [core?, groups?] {
        read(&document, &mut found)?;
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow, default, deserialize_with = "list")]
    items: Vec<Group<'a>>,
}

#[derive(Deserialize)]
struct Group<'a> {
    #[serde(borrow, default)]
    metadata: GroupMeta<'a>,
    #[serde(borrow, default, deserialize_with = "list")]
    versions: Vec<Version<'a>>,
}

#[derive(Default, Deserialize)]
struct GroupMeta<'a> {
    #[serde(borrow, default)]
    name: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Version<'a> {
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow, default)]
    freshness: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "list")]
    resources: Vec<Resource<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'a> {
    #[serde(borrow)]
    resource: Text<'a>,
    #[serde(borrow, default)]
    response_kind: Option<Kind<'a>>,
    #[serde(borrow, default)]
    scope: Option<Text<'a>>,
    #[serde(borrow, default)]
    singular_resource: Option<Text<'a>>,
    #[serde(default, deserialize_with = "list")]
    verbs: Vec<String>,
    #[serde(default, deserialize_with = "list")]
    short_names: Vec<String>,
    #[serde(borrow, default, deserialize_with = "list")]
    subresources: Vec<Subresource<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subresource<'a> {
    #[serde(borrow)]
    subresource: Text<'a>,
    #[serde(borrow, default)]
    response_kind: Option<Kind<'a>>,
    #[serde(default, deserialize_with = "list")]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, default)]
    kind: Option<Text<'a>>,
}

fn read(text: &str, found: &mut Discovery) -> Result<(), Failure> {
    let unreadable = |why: String| Failure::Unreadable(format!("the server's discovery cannot be read ({why})"));
    let document: Document<'_> = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    if &*document.kind != "APIGroupDiscoveryList" {
        return Err(unreadable(format!(
            "{} instead of the aggregated form of Kubernetes 1.26 and later",
            &*document.kind
        )));
    }
    let text = |text: Option<Text<'_>>| text.map_or_else(String::new, |text| text.to_string());
    let kind = |kind: Option<Kind<'_>>| text(kind.and_then(|kind| kind.kind));
    for group in document.items {
        let name = text(group.metadata.name);
        // Versions come in the order of preference; a resource counts as its first version has it.
        let mut seen = FxHashSet::default();
        for version in group.versions {
            if version.freshness.as_deref() == Some("Stale") {
                found.stale.push(format!("{name}/{}", &*version.version));
            }
            for resource in version.resources {
                let parent = ApiResource {
                    group: name.clone(),
                    resource: resource.resource.to_string(),
                    subresource: String::new(),
                    version: version.version.to_string(),
                    kind: kind(resource.response_kind),
                    namespaced: resource.scope.as_deref() == Some("Namespaced"),
                    verbs: resource.verbs,
                    singular: text(resource.singular_resource),
                    short_names: resource.short_names,
                };
                for sub in resource.subresources {
                    if seen.insert((parent.resource.clone(), sub.subresource.to_string())) {
                        // The kind may be of another group (pods/eviction is policy's Eviction); RBAC looks at the
                        // parent's group, under which the path is served.
                        found.resources.push(ApiResource {
                            subresource: sub.subresource.to_string(),
                            kind: kind(sub.response_kind),
                            verbs: sub.verbs,
                            singular: String::new(),
                            short_names: Vec::new(),
                            ..parent.clone()
                        });
                    }
                }
                // A resource without verbs of its own only holds subresources.
                if !parent.verbs.is_empty() && seen.insert((parent.resource.clone(), String::new())) {
                    found.resources.push(parent);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded() -> Discovery {
        let mut found = Discovery::default();
        for document in ["api.json", "apis.json"] {
            let path =
                std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/discovery-1.36").join(document);
            read(&std::fs::read_to_string(path).unwrap(), &mut found).unwrap();
        }
        found
    }

    fn one<'f>(found: &'f Discovery, group: &str, resource: &str, subresource: &str) -> &'f ApiResource {
        let is = |at: &&ApiResource| at.group == group && at.resource == resource && at.subresource == subresource;
        let mut all = found.resources.iter().filter(is);
        let (first, second) = (all.next().unwrap(), all.next());
        assert_eq!(second, None, "each once");
        first
    }

    #[test]
    fn a_subresource_is_of_its_parents_group() {
        let found = recorded();
        let eviction = one(&found, "", "pods", "eviction");
        assert_eq!(
            (eviction.kind.as_str(), eviction.namespaced, eviction.verbs.join(" ")),
            ("Eviction", true, "create".into())
        );
        let scale = one(&found, "apps", "deployments", "scale");
        assert_eq!((scale.kind.as_str(), scale.version.as_str()), ("Scale", "v1"));
        let deployments = one(&found, "apps", "deployments", "");
        assert_eq!((deployments.singular.as_str(), deployments.short_names.join(" ")), ("deployment", "deploy".into()));
        assert!(!one(&found, "", "nodes", "").namespaced);
        assert_eq!(one(&found, "autoscaling", "horizontalpodautoscalers", "").version, "v2");
        assert!(found.stale.is_empty());
    }

    #[test]
    fn discovery_agrees_with_the_table_that_was_made_of_it() {
        let found = recorded();
        let table = crate::model::ResourceTable::new(&[], false);
        for at in &found.resources {
            assert_eq!(table.known(&at.group, &at.resource, &at.subresource), Some(at));
        }
    }

    #[test]
    fn an_old_servers_answer_is_an_error() {
        let error = read(r#"{"kind": "APIVersions", "versions": ["v1"]}"#, &mut Discovery::default()).unwrap_err();
        assert!(error.message().contains("APIVersions"), "{error:?}");
    }
}
