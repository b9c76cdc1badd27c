//! Credentials that the Azure data cannot speak of: they are of another tenant, or of a subscription that nothing was read of. That
//! they have no role there is not known, and says so.

use std::collections::BTreeMap;

use super::{Aso, Credential};
use crate::model::azure::Covered;
use crate::model::{Gap, GapReason, Name, Source};

/// What of a credential is not in the Azure data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Elsewhere {
    /// Its tenant.
    Tenant,
    /// Its subscription.
    Subscription,
}

/// How many names are told of many.
const TOLD: usize = 3;

impl Aso<'_> {
    /// What of a credential is not in the Azure data, which is more than that it has no role: nobody looked. Ids are compared in any
    /// case. Data that name no tenant, or nothing of any subscription, say nothing about it.
    pub fn elsewhere(&self, credential: &Credential) -> Option<Elsewhere> {
        let facts = &self.snapshot.azure;
        let other = |own: Option<Name>, seen: &[Covered]| {
            let own = own.map(|own| self.snapshot.text(own)).filter(|own| !own.is_empty());
            own.is_some_and(|own| !seen.is_empty() && !seen.iter().any(|one| one.id.eq_ignore_ascii_case(own)))
        };
        if other(credential.tenant, &facts.tenants) {
            Some(Elsewhere::Tenant)
        } else {
            other(credential.subscription, &facts.subscriptions_read).then_some(Elsewhere::Subscription)
        }
    }

    /// A gap for each tenant and subscription of credentials that the Azure data does not speak of, with the files that it is of.
    /// O(credentials).
    pub fn azure_gaps(&self) -> Vec<Gap> {
        let mut found: BTreeMap<(Elsewhere, String), Vec<&Credential>> = BTreeMap::new();
        for (_, credential) in self.credentials() {
            let Some(what) = self.elsewhere(credential) else { continue };
            let id = match what {
                Elsewhere::Tenant => credential.tenant,
                Elsewhere::Subscription => credential.subscription,
            };
            let id = id.map(|id| self.snapshot.text(id).to_ascii_lowercase()).unwrap_or_default();
            found.entry((what, id)).or_default().push(credential);
        }
        let gap = |((what, id), credentials): ((Elsewhere, String), Vec<&Credential>)| {
            let facts = &self.snapshot.azure;
            let places = short(credentials.iter().map(|own| self.place(own)));
            let (of, are, their) = match credentials.len() {
                1 => (format!("the credential in {places}"), "is", "its identity"),
                many => (format!("{many} credentials ({places})"), "are", "their identities"),
            };
            let message = match what {
                Elsewhere::Tenant => format!(
                    "{of} {are} of tenant {id}, and the Azure data is of {}: what {their} may do is unknown; `az login --tenant {id}` \
                     and `kubectl rbac-lens azure-export DIR` save it",
                    self.seen(&facts.tenants)
                ),
                Elsewhere::Subscription => format!(
                    "{of} {are} of subscription {id}, and the Azure data is of {}: what {their} may do there is unknown; \
                     `kubectl rbac-lens azure-export DIR --subscription {id}` saves it",
                    self.seen(&facts.subscriptions_read)
                ),
            };
            Gap {
                api_group: "Microsoft.Authorization".to_owned(),
                resource: "roleAssignments".to_owned(),
                namespace: None,
                except: Vec::new(),
                reason: GapReason::NotInInput,
                message,
            }
        };
        found.into_iter().map(gap).collect()
    }

    /// A credential by where it is.
    fn place(&self, credential: &Credential) -> String {
        match (credential.secret, credential.operator) {
            (Some((namespace, name)), _) => {
                format!("Secret {}/{}", self.snapshot.text(namespace), self.snapshot.text(name))
            }
            (None, Some(operator)) => {
                format!("the settings of the operator in {}", self.snapshot.text(self.operator(operator).namespace))
            }
            (None, None) => "a Secret that was not read".to_owned(),
        }
    }

    /// What the data is of, and by which files.
    fn seen(&self, seen: &[Covered]) -> String {
        let one = |seen: &Covered| match self.snapshot.source(seen.origin) {
            Source::File(file, _) => format!("{} ({file})", seen.id),
            Source::Live | Source::BuiltIn => seen.id.clone(),
        };
        short(seen.iter().map(one))
    }
}

/// The first of some texts, and how many more there are.
fn short(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(TOLD);
    let told: Vec<String> = all.take(TOLD).chain((more > 0).then(|| format!("{more} more"))).collect();
    told.join(", ")
}
