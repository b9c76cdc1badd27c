//! For each credential whom it serves, what uses it, and who can use, read or replace it.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::rights::{AsoRight, AsoRights, KindSet};
use super::{Aso, AsoUse, Credential, CredentialIx, CredentialProblem, CredentialScope, Outcome};
use crate::graph::BindingIx;
use crate::model::{AsoResource, Name, Subject};
use crate::query::is_system;

/// A credential with everything around it.
#[derive(Clone, Debug)]
pub struct CredentialRow<'g> {
    /// The credential.
    pub credential: CredentialIx,
    /// The namespaces whose resources use it when they ask for none, or can ask for it; sorted.
    pub namespaces: Vec<Name>,
    /// The resources that use it, or would if it were not broken.
    pub resources: Vec<(&'g AsoResource, AsoUse)>,
    /// Who may write a resource of any installed kind in one of the namespaces.
    pub users: Vec<Holder>,
    /// Who may read its Secret.
    pub readers: Vec<Holder>,
    /// Who may change its Secret, or make it anew.
    pub writers: Vec<Holder>,
}

/// Somebody who holds a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// Whether they may do everything in the cluster, so that this right is one of many.
    pub admin: bool,
    /// Who.
    pub subject: Subject,
    /// The first binding that gives it.
    pub binding: BindingIx,
}

/// Resources that fail without any credential being at fault.
#[derive(Clone, Debug)]
pub struct Failing<'g> {
    /// Why.
    pub problem: CredentialProblem,
    /// Their namespace.
    pub namespace: Name,
    /// The resources.
    pub resources: Vec<(&'g AsoResource, AsoUse)>,
}

impl<'g> Aso<'g> {
    /// The kinds that can be written: those that are installed, or all of the table where that is not known.
    pub fn writable(&self) -> KindSet {
        let installed = self.installed();
        if installed.complete { installed.kinds.into_iter().collect() } else { KindSet::all() }
    }

    /// The namespaces that are known: by their objects, their resources or their Secrets.
    pub fn namespaces(&self) -> Vec<Name> {
        let snapshot = self.snapshot();
        let objects = snapshot.namespaces.iter().filter(|at| at.cluster == self.cluster).map(|at| at.name);
        let resources = self.resources().map(|(at, _)| at.namespace);
        let secrets = self.credentials().filter_map(|(_, at)| at.secret).map(|(namespace, _)| namespace);
        let bindings = snapshot.bindings.iter().filter(|at| at.cluster == self.cluster).filter_map(|at| at.namespace);
        let mut all: Vec<Name> = objects.chain(resources).chain(secrets).chain(bindings).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A row for each credential, in their order; of one namespace only those that serve it.
    pub fn rows(&self, rights: &AsoRights<'_>, only: Option<Name>) -> Vec<CredentialRow<'g>> {
        let kinds = self.writable();
        let mut served: FxHashMap<CredentialIx, Vec<Name>> = FxHashMap::default();
        for namespace in self.namespaces() {
            if let Outcome::Uses(at) | Outcome::Fails(_, Some(at)) = self.default_of(namespace).outcome {
                served.entry(at).or_default().push(namespace);
            }
        }
        let mut resources: FxHashMap<CredentialIx, Vec<(&'g AsoResource, AsoUse)>> = FxHashMap::default();
        for (resource, used) in self.resources() {
            if let Outcome::Uses(at) | Outcome::Fails(_, Some(at)) = used.outcome {
                resources.entry(at).or_default().push((resource, used));
            }
        }
        let row = |(at, credential): (CredentialIx, &Credential)| {
            let mut namespaces = served.remove(&at).unwrap_or_default();
            if credential.scope != CredentialScope::Global
                && let Some((namespace, _)) = credential.secret
                && self.reconcilers(namespace).next().is_some()
            {
                namespaces.push(namespace);
            }
            let own = resources.remove(&at).unwrap_or_default();
            namespaces.extend(own.iter().map(|(resource, _)| resource.namespace));
            namespaces.sort_unstable();
            namespaces.dedup();
            let of_namespaces = namespaces.iter().map(|&namespace| rights.holders(&AsoRight::Write(kinds), namespace));
            let users = of_namespaces.fold(BTreeMap::new(), merged);
            let of_secret = |right: fn(Name) -> AsoRight| match credential.secret {
                Some((namespace, name)) => rights.holders(&right(name), namespace),
                None => BTreeMap::new(),
            };
            CredentialRow {
                credential: at,
                users: self.people(rights, users),
                readers: self.people(rights, of_secret(AsoRight::ReadSecret)),
                writers: self.people(rights, of_secret(AsoRight::ChangeSecret)),
                namespaces,
                resources: own,
            }
        };
        let all = self.credentials().map(row);
        all.filter(|row| only.is_none_or(|namespace| self.concerns(row, namespace))).collect()
    }

    fn concerns(&self, row: &CredentialRow<'_>, namespace: Name) -> bool {
        let of_secret = self.credential(row.credential).secret.is_some_and(|(place, _)| place == namespace);
        of_secret || row.namespaces.contains(&namespace)
    }

    /// The resources that fail for want of any credential, by problem and namespace.
    pub fn failing(&self, only: Option<Name>) -> Vec<Failing<'g>> {
        let mut by_problem: BTreeMap<(CredentialProblem, Name), Vec<(&'g AsoResource, AsoUse)>> = BTreeMap::new();
        for (resource, used) in self.resources() {
            if let Outcome::Fails(problem, None) = used.outcome
                && only.is_none_or(|namespace| resource.namespace == namespace)
            {
                by_problem.entry((problem, resource.namespace)).or_default().push((resource, used));
            }
        }
        let failing = |((problem, namespace), resources)| Failing { problem, namespace, resources };
        by_problem.into_iter().map(failing).collect()
    }

    /// Holders without those of Kubernetes itself and the operators, who hold it by their task. Those who may do everything come last.
    pub fn people(&self, rights: &AsoRights<'_>, holders: BTreeMap<Subject, BindingIx>) -> Vec<Holder> {
        let names = &self.snapshot().names;
        let is_operator = |subject: Subject| self.operators().any(|(_, operator)| operator.account == subject);
        let own = holders.into_iter().filter(|(subject, _)| !is_system(names, *subject) && !is_operator(*subject));
        let mut people: Vec<Holder> =
            own.map(|(subject, binding)| Holder { admin: rights.is_admin(subject), subject, binding }).collect();
        people.sort_unstable();
        people
    }
}

fn merged(mut all: BTreeMap<Subject, BindingIx>, more: BTreeMap<Subject, BindingIx>) -> BTreeMap<Subject, BindingIx> {
    for (subject, binding) in more {
        all.entry(subject).or_insert(binding);
    }
    all
}
