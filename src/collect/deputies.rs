//! Objects of Flux and Argo CD: what is applied, from where, to where, and as whom.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::{Meta, Reader};
use super::shape::{Object, Text, list};
use crate::model::{
    ArgoProject, Deputy, DeputyKind, DeputySpec, Destination, FluxApply, Name, Names, Origin, SourceRef,
};

/// The spec of any of the kinds, as far as it is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
pub(super) struct DeputySpecIn<'a> {
    service_account_name: Option<Text<'a>>,
    kube_config: Option<IgnoredAny>,
    source_ref: Option<Object<SourceRefIn<'a>>>,
    chart: Option<Object<Chart<'a>>>,
    chart_ref: Option<Object<SourceRefIn<'a>>>,
    project: Option<Text<'a>>,
    destination: Option<Object<DestinationIn<'a>>>,
    #[serde(deserialize_with = "list")]
    destinations: Vec<Object<DestinationIn<'a>>>,
    #[serde(deserialize_with = "list")]
    cluster_resource_whitelist: Vec<Object<GroupKind<'a>>>,
    // None and an empty list differ: nothing listed is everything, and an empty list is nothing.
    namespace_resource_whitelist: Option<Vec<Object<GroupKind<'a>>>>,
    #[serde(deserialize_with = "list")]
    namespace_resource_blacklist: Vec<Object<GroupKind<'a>>>,
    #[serde(deserialize_with = "list")]
    source_repos: Vec<Text<'a>>,
    #[serde(deserialize_with = "list")]
    source_namespaces: Vec<Text<'a>>,
}

/// `chart` of a HelmRelease is a template of a HelmChart.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct Chart<'a> {
    spec: Option<Object<ChartSpec<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound = "'de: 'a")]
struct ChartSpec<'a> {
    source_ref: Option<Object<SourceRefIn<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct SourceRefIn<'a> {
    kind: Option<Text<'a>>,
    namespace: Option<Text<'a>>,
    name: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct DestinationIn<'a> {
    server: Option<Text<'a>>,
    name: Option<Text<'a>>,
    namespace: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "'de: 'a")]
struct GroupKind<'a> {
    group: Option<Text<'a>>,
    kind: Option<Text<'a>>,
}

fn name_of(names: &mut Names, text: Option<&Text<'_>>) -> Name {
    names.intern(text.map(|text| &**text).unwrap_or_default())
}

impl SourceRefIn<'_> {
    fn names(&self, names: &mut Names, home: Name) -> SourceRef {
        let namespace = self.namespace.as_ref().filter(|namespace| !namespace.is_empty());
        SourceRef {
            kind: name_of(names, self.kind.as_ref()),
            namespace: namespace.map_or(home, |namespace| names.intern(namespace)),
            name: name_of(names, self.name.as_ref()),
        }
    }
}

impl DestinationIn<'_> {
    fn names(&self, names: &mut Names) -> Destination {
        Destination {
            server: name_of(names, self.server.as_ref()),
            name: name_of(names, self.name.as_ref()),
            namespace: name_of(names, self.namespace.as_ref()),
        }
    }
}

impl DeputySpecIn<'_> {
    fn apply(&self, names: &mut Names, home: Name) -> FluxApply {
        let of_chart = || self.chart.as_ref()?.spec.as_ref()?.source_ref.as_ref();
        let source = self.source_ref.as_ref().or(self.chart_ref.as_ref()).or_else(of_chart);
        let account = self.service_account_name.as_ref().filter(|account| !account.is_empty());
        FluxApply {
            service_account: account.map(|account| names.intern(account)),
            remote: self.kube_config.is_some(),
            source: source.map(|source| source.names(names, home)),
        }
    }

    fn project(&self, names: &mut Names) -> ArgoProject {
        ArgoProject {
            destinations: self.destinations.iter().map(|at| at.names(names)).collect(),
            cluster_resources: self
                .cluster_resource_whitelist
                .iter()
                .map(|at| (name_of(names, at.group.as_ref()), name_of(names, at.kind.as_ref())))
                .collect(),
            every_namespaced: self.namespace_resource_blacklist.is_empty()
                && self.namespace_resource_whitelist.as_deref().is_none_or(|list| {
                    list.iter().any(|at| [&at.group, &at.kind].iter().all(|text| text.as_deref() == Some("*")))
                }),
            any_repository: self.source_repos.iter().any(|repository| &**repository == "*")
                && !self.source_repos.iter().any(|repository| repository.starts_with('!')),
            source_namespaces: self.source_namespaces.iter().map(|namespace| names.intern(namespace)).collect(),
        }
    }
}

impl Reader {
    /// Adds an object of Flux or Argo CD.
    pub(super) fn deputy(
        &mut self,
        kind: DeputyKind,
        name: &str,
        meta: &Meta<'_>,
        spec: Option<Box<DeputySpecIn<'_>>>,
        at: Origin,
    ) {
        let (cluster, namespace, spec) = (self.cluster(), self.namespace(meta), spec.unwrap_or_default());
        let names = &mut self.snapshot.names;
        let name = names.intern(name);
        let spec = match kind {
            DeputyKind::Kustomization | DeputyKind::HelmRelease => DeputySpec::Apply(spec.apply(names, namespace)),
            DeputyKind::Application => DeputySpec::Application {
                project: name_of(names, spec.project.as_ref()),
                destination: spec.destination.as_deref().unwrap_or(&DestinationIn::default()).names(names),
            },
            DeputyKind::AppProject => DeputySpec::Project(Box::new(spec.project(names))),
            _ => DeputySpec::Source,
        };
        self.snapshot.deputies.push(Deputy { cluster, kind, namespace, name, spec, origin: at });
    }
}

#[cfg(test)]
mod tests;
