//! What several files say of one object becomes one: lists of two subscriptions both have what is inherited, a group's name and its
//! members come from two commands. Everything is sorted, so that the order of the files does not matter.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::model::azure::{
    AksIdentityBinding, AzureCluster, AzureFacts, AzureGroup, AzurePrincipal, Covered, DenyAssignment,
    FederatedCredential, GroupEligibility, KeyVault, LocalCluster, Members, PrincipalKind, Registry, RoleDefinition,
    UserAssignedIdentity, fold, last_guid, subscription_of,
};
use crate::model::{Origin, Warning};

/// An object that is known by a key and was read somewhere.
trait Known: PartialEq {
    const WHAT: &'static str;
    fn key(&self) -> String;
    fn read_at(&self) -> Origin;
    fn origin(&mut self) -> &mut Origin;
}

macro_rules! known {
    ($($type:ident: $what:literal, $one:ident => $key:expr;)*) => {$(
        impl Known for $type {
            const WHAT: &'static str = $what;

            fn key(&self) -> String {
                let $one = self;
                $key
            }

            fn read_at(&self) -> Origin {
                self.origin
            }

            fn origin(&mut self) -> &mut Origin {
                &mut self.origin
            }
        }
    )*};
}
known! {
    RoleDefinition: "role", one => one.id.clone();
    DenyAssignment: "deny assignment", one => if one.id.is_empty() { fold(&one.scope) + &one.name } else { fold(&one.id) };
    UserAssignedIdentity: "identity", one => fold(&one.ids.resource_id);
    FederatedCredential: "federated credential", one => fold(&one.id) + &one.application_id;
    AzureCluster: "cluster", one => fold(&one.id);
    LocalCluster: "cluster", one => fold(&one.id);
    AksIdentityBinding: "identity binding", one => fold(&one.id);
    Registry: "registry", one => fold(&one.id);
    KeyVault: "key vault", one => fold(&one.id);
    GroupEligibility: "eligible membership", one => format!("{} {} {}", one.group_id, one.principal_id, one.owner);
}

/// Sorts a list; of several with one key the one read last stays, with a warning if they are not alike.
fn keep_last<T: Known>(list: &mut Vec<T>, warnings: &mut Vec<Warning>) {
    list.sort_by_cached_key(|one| (one.key(), one.read_at()));
    list.dedup_by(|later, earlier| {
        if later.key() != earlier.key() {
            return false;
        }
        let last = *later.origin();
        *earlier.origin() = last;
        if *earlier != *later {
            let message =
                format!("{} `{}` is given twice and not alike; the one read last counts", T::WHAT, later.key());
            warnings.push(Warning { origin: last, message });
        }
        std::mem::swap(later, earlier);
        true
    });
}

/// Makes one of everything that was read several times.
pub(in crate::collect) fn unite(facts: &mut AzureFacts, warnings: &mut Vec<Warning>) {
    keep_last(&mut facts.roles, warnings);
    keep_last(&mut facts.denies, warnings);
    keep_last(&mut facts.group_eligibilities, warnings);
    keep_last(&mut facts.identities, warnings);
    keep_last(&mut facts.federated_credentials, warnings);
    keep_last(&mut facts.clusters, warnings);
    keep_last(&mut facts.local_clusters, warnings);
    keep_last(&mut facts.identity_bindings, warnings);
    keep_last(&mut facts.registries, warnings);
    keep_last(&mut facts.vaults, warnings);
    assignments(facts);
    facts.principals = principals(std::mem::take(&mut facts.principals));
    facts.groups = groups(std::mem::take(&mut facts.groups));
    containers(facts);
}

/// Inherited assignments are in the lists of every subscription, and an active one is in PIM's list too.
fn assignments(facts: &mut AzureFacts) {
    facts.assignments.sort_by_cached_key(|one| {
        let of_pim = one.id.to_ascii_lowercase().contains("scheduleinstances/");
        let key =
            (fold(&one.scope), one.principal_id.clone(), one.role_id.clone(), one.assigned, one.condition.clone());
        (key, of_pim, one.id.to_ascii_lowercase(), one.origin)
    });
    facts.assignments.dedup_by(|later, earlier| {
        later.principal_id == earlier.principal_id
            && later.role_id == earlier.role_id
            && later.assigned == earlier.assigned
            && later.condition == earlier.condition
            && later.scope.eq_ignore_ascii_case(&earlier.scope)
    });
}

fn take(field: &mut String, other: String) {
    if field.is_empty() {
        *field = other;
    }
}

fn principals(all: Vec<AzurePrincipal>) -> Vec<AzurePrincipal> {
    let mut by_id: BTreeMap<String, AzurePrincipal> = BTreeMap::new();
    // An application is known by its app id; its service principal has the same.
    let (applications, all): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.object_id.is_empty());
    let applications: HashMap<String, String> =
        applications.into_iter().map(|one| (one.client_id, one.application_id)).collect();
    for mut one in all {
        if let Some(id) = applications.get(&one.client_id).filter(|_| !one.client_id.is_empty()) {
            one.application_id.clone_from(id);
        }
        match by_id.entry(one.object_id.clone()) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(one);
            }
            std::collections::btree_map::Entry::Occupied(mut there) => {
                let there = there.get_mut();
                if there.kind == PrincipalKind::Unknown || one.kind == PrincipalKind::ManagedIdentity {
                    there.kind = one.kind;
                }
                take(&mut there.name, one.name);
                take(&mut there.user_principal_name, one.user_principal_name);
                take(&mut there.client_id, one.client_id);
                take(&mut there.resource_id, one.resource_id);
                take(&mut there.application_id, one.application_id);
                there.enabled &= one.enabled;
                there.origin = there.origin.min(one.origin);
            }
        }
    }
    by_id.into_values().collect()
}

fn groups(all: Vec<AzureGroup>) -> Vec<AzureGroup> {
    let mut by_id: BTreeMap<String, AzureGroup> = BTreeMap::new();
    for one in all {
        match by_id.entry(one.object_id.clone()) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(one);
            }
            std::collections::btree_map::Entry::Occupied(mut there) => {
                let there = there.get_mut();
                take(&mut there.name, one.name);
                // Direct and transitive members are both members.
                let exact = |members: &Members| matches!(members, Members::Exactly(_));
                let (whole, unread) = (exact(&there.members) || exact(&one.members), Members::Unread);
                if there.members == unread || one.members != unread {
                    let mut known = there.members.known().to_vec();
                    known.extend_from_slice(one.members.known());
                    known.sort();
                    known.dedup();
                    there.members = match (whole, &one.members) {
                        (true, _) => Members::Exactly(known),
                        (false, Members::Unread) => Members::Unread,
                        (false, _) => Members::AtLeast(known),
                    };
                }
                there.origin = there.origin.min(one.origin);
            }
        }
    }
    by_id.into_values().collect()
}

/// Subscriptions and management groups, each once, with what is known of what is above it.
fn containers(facts: &mut AzureFacts) {
    facts.subscriptions.sort_by(|a, b| (&a.id, a.origin).cmp(&(&b.id, b.origin)));
    facts.subscriptions.dedup_by(|later, earlier| {
        let same = later.id == earlier.id;
        if same {
            take(&mut earlier.name, std::mem::take(&mut later.name));
            earlier.parent = later.parent.take().or(earlier.parent.take());
        }
        same
    });
    let key = |name: &str| name.to_ascii_lowercase();
    facts.management_groups.sort_by_cached_key(|one| (key(&one.name), one.origin));
    facts.management_groups.dedup_by(|later, earlier| {
        let same = key(&later.name) == key(&earlier.name);
        if same {
            take(&mut earlier.display_name, std::mem::take(&mut later.display_name));
            earlier.parent = later.parent.take().or(earlier.parent.take());
            earlier.root = (earlier.root || later.root) && earlier.parent.is_none();
        }
        same
    });
}

/// The subscriptions that something inside them was read of. To be in a list of subscriptions, or below a management group, is not to be
/// read.
pub(super) fn subscriptions(facts: &AzureFacts) -> Vec<Covered> {
    let assignments = facts.assignments.iter().flat_map(|one| [(&one.scope, one.origin), (&one.id, one.origin)]);
    let all = assignments
        .chain(facts.denies.iter().map(|one| (&one.scope, one.origin)))
        .chain(facts.identities.iter().map(|one| (&one.ids.resource_id, one.origin)))
        .chain(facts.clusters.iter().map(|one| (&one.id, one.origin)))
        .chain(facts.registries.iter().map(|one| (&one.id, one.origin)))
        .chain(facts.vaults.iter().map(|one| (&one.id, one.origin)));
    let mut found: BTreeMap<String, Origin> = BTreeMap::new();
    for (id, origin) in all {
        if let Some(own) = subscription_of(&fold(id)) {
            let first = found.entry(last_guid(own)).or_insert(origin);
            *first = origin.min(*first);
        }
    }
    found.into_iter().map(|(id, origin)| Covered { id, origin }).collect()
}
