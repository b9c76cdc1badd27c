//! What several files say of one object becomes one: lists of two subscriptions both have what is inherited, a group's name and its
//! members come from two commands. Everything is sorted, so that the order of the files does not matter.

use hashbrown::HashMap;

use crate::model::azure::{
    AksIdentityBinding, AzureCluster, AzureFacts, AzureGroup, AzurePrincipal, Covered, DenyAssignment,
    FederatedCredential, GroupEligibility, KeyVault, LocalCluster, Members, PrincipalKind, Registry, RoleDefinition,
    UserAssignedIdentity, fold,
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
    let ids: Vec<(String, String)> =
        facts.assignments.iter().map(|one| (fold(&one.scope), one.id.to_ascii_lowercase())).collect();
    let mut all: Vec<_> = std::mem::take(&mut facts.assignments).into_iter().zip(ids).collect();
    all.sort_unstable_by(|(a, (a_scope, a_id)), (b, (b_scope, b_id))| {
        let key = a_scope.cmp(b_scope).then_with(|| a.principal_id.cmp(&b.principal_id));
        let key = key.then_with(|| a.role_id.cmp(&b.role_id)).then_with(|| a.assigned.cmp(&b.assigned));
        let of_pim = |id: &str| id.contains("scheduleinstances/");
        let from = || of_pim(a_id).cmp(&of_pim(b_id)).then_with(|| a_id.cmp(b_id)).then(a.origin.cmp(&b.origin));
        key.then_with(|| a.condition.cmp(&b.condition)).then_with(from)
    });
    all.dedup_by(|(later, (later_scope, _)), (earlier, (earlier_scope, _))| {
        later_scope == earlier_scope
            && later.principal_id == earlier.principal_id
            && later.role_id == earlier.role_id
            && later.assigned == earlier.assigned
            && later.condition == earlier.condition
    });
    facts.assignments = all.into_iter().map(|(one, _)| one).collect();
}

fn take(field: &mut String, other: &mut String) {
    if field.is_empty() {
        std::mem::swap(field, other);
    }
}

fn principals(all: Vec<AzurePrincipal>) -> Vec<AzurePrincipal> {
    // An application is known by its app id; its service principal has the same.
    let (applications, mut all): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.object_id.is_empty());
    let applications: HashMap<String, String> =
        applications.into_iter().map(|one| (one.client_id, one.application_id)).collect();
    for one in all.iter_mut().filter(|one| !one.client_id.is_empty()) {
        if let Some(id) = applications.get(&one.client_id) {
            one.application_id.clone_from(id);
        }
    }
    all.sort_by(|a, b| a.object_id.cmp(&b.object_id));
    all.dedup_by(|later, there| {
        let same = later.object_id == there.object_id;
        if same {
            if there.kind == PrincipalKind::Unknown || later.kind == PrincipalKind::ManagedIdentity {
                there.kind = later.kind;
            }
            take(&mut there.name, &mut later.name);
            take(&mut there.user_principal_name, &mut later.user_principal_name);
            take(&mut there.client_id, &mut later.client_id);
            take(&mut there.resource_id, &mut later.resource_id);
            take(&mut there.application_id, &mut later.application_id);
            there.enabled &= later.enabled;
            there.origin = there.origin.min(later.origin);
        }
        same
    });
    all
}

fn groups(mut all: Vec<AzureGroup>) -> Vec<AzureGroup> {
    all.sort_by(|a, b| a.object_id.cmp(&b.object_id));
    all.dedup_by(|later, there| {
        let same = later.object_id == there.object_id;
        if same {
            take(&mut there.name, &mut later.name);
            // Direct and transitive members are both members.
            let exact = |members: &Members| matches!(members, Members::Exactly(_));
            let (whole, unread) = (exact(&there.members) || exact(&later.members), Members::Unread);
            if there.members == unread || later.members != unread {
                let mut known = there.members.known().to_vec();
                known.extend_from_slice(later.members.known());
                known.sort();
                known.dedup();
                there.members = match (whole, &later.members) {
                    (true, _) => Members::Exactly(known),
                    (false, Members::Unread) => Members::Unread,
                    (false, _) => Members::AtLeast(known),
                };
            }
            there.origin = there.origin.min(later.origin);
        }
        same
    });
    all
}

/// Subscriptions and management groups, each once, with what is known of what is above it.
fn containers(facts: &mut AzureFacts) {
    facts.subscriptions.sort_by(|a, b| (&a.id, a.origin).cmp(&(&b.id, b.origin)));
    facts.subscriptions.dedup_by(|later, earlier| {
        let same = later.id == earlier.id;
        if same {
            take(&mut earlier.name, &mut later.name);
            earlier.parent = later.parent.take().or(earlier.parent.take());
        }
        same
    });
    let key = |name: &str| name.to_ascii_lowercase();
    facts.management_groups.sort_by_cached_key(|one| (key(&one.name), one.origin));
    facts.management_groups.dedup_by(|later, earlier| {
        let same = key(&later.name) == key(&earlier.name);
        if same {
            take(&mut earlier.display_name, &mut later.display_name);
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
    let mut spelled: HashMap<&str, Origin> = HashMap::default();
    for (id, origin) in all {
        let mut segments = id.trim_ascii().split('/').filter(|segment| !segment.is_empty());
        let is_inside = segments.next().is_some_and(|first| first.eq_ignore_ascii_case("subscriptions"));
        if let Some(own) = segments.next().filter(|_| is_inside) {
            let first = spelled.entry(own).or_insert(origin);
            *first = origin.min(*first);
        }
    }
    let mut found: Vec<Covered> =
        spelled.into_iter().map(|(id, origin)| Covered { id: id.to_ascii_lowercase(), origin }).collect();
    found.sort();
    found.dedup_by(|later, earlier| later.id == earlier.id);
    found
}
