//! The roles that Kubernetes itself makes in every cluster, and all that some version of it has put into them.

use std::sync::OnceLock;

use super::cover::{Atom, uncovered};
use super::intern::{Name, Names};
use super::rule::Rule;

/// What is in the roles; the first lines say where it comes from.
const TABLE: &str = include_str!("default-roles.tsv");

/// A role that Kubernetes makes.
pub struct DefaultRole {
    /// The namespace of a Role; none for a ClusterRole.
    pub namespace: Option<&'static str>,
    /// The name.
    pub name: &'static str,
    /// Its rules: verbs, API groups, resources, names of objects and paths. None where it is united from other roles.
    rules: Vec<[Vec<&'static str>; 5]>,
}

/// What was added to a role, by the places of the rules that grant it.
pub type Added = Vec<(u32, Vec<Atom>)>;

impl DefaultRole {
    /// What a role of this name has that no version of Kubernetes put there. Nothing where it is united from others.
    pub fn added(&self, names: &Names, rules: &[Rule<'_>]) -> Added {
        if self.rules.is_empty() {
            return Added::new();
        }
        // A word that the input does not have is in none of its rules.
        let found = |list: &Vec<&str>| list.iter().filter_map(|word| names.find(word)).collect::<Vec<Name>>();
        let lists: Vec<[Vec<Name>; 5]> = self.rules.iter().map(|rule| rule.each_ref().map(found)).collect();
        let own: Vec<Rule<'_>> = lists.iter().zip(&self.rules).filter_map(|(lists, rule)| view(lists, rule)).collect();
        let of_rule = |(at, rule): (u32, &Rule<'_>)| (at, uncovered(names, &own, std::slice::from_ref(rule)));
        (0..).zip(rules).map(of_rule).filter(|(_, added)| !added.is_empty()).collect()
    }
}

/// A rule of which some words are found; none where its only objects are not, since no name of an object means every one.
fn view<'l>([verbs, groups, resources, objects, urls]: &'l [Vec<Name>; 5], rule: &[Vec<&str>; 5]) -> Option<Rule<'l>> {
    (objects.is_empty() == rule[3].is_empty()).then_some(Rule {
        verbs,
        api_groups: groups,
        resources,
        resource_names: objects,
        non_resource_urls: urls,
    })
}

/// The roles that Kubernetes makes, sorted.
pub fn default_roles() -> &'static [DefaultRole] {
    static ROLES: OnceLock<Vec<DefaultRole>> = OnceLock::new();
    ROLES.get_or_init(|| {
        let lines: Vec<&str> = TABLE.lines().filter(|line| !line.starts_with('#')).collect();
        let mut roles: Vec<DefaultRole> =
            lines.chunk_by(|a, b| role_of(a) == role_of(b)).filter_map(of_lines).collect();
        roles.sort_by_key(|role| (role.namespace, role.name));
        roles
    })
}

/// Whether Kubernetes makes a role of this name.
pub fn is_default_role_name(namespace: Option<&str>, name: &str) -> bool {
    default_roles().binary_search_by_key(&(namespace, name), |role| (role.namespace, role.name)).is_ok()
}

fn role_of(line: &str) -> &str {
    line.split('\t').next().unwrap_or_default()
}

fn of_lines(lines: &[&'static str]) -> Option<DefaultRole> {
    let role = lines.first()?.split('\t').next()?;
    let (namespace, name) = role.split_once('/').map_or((None, role), |(namespace, name)| (Some(namespace), name));
    let rules = lines.iter().filter(|line| line.contains('\t')).map(|line| {
        let mut columns = line.split('\t').skip(1);
        // An empty list of API groups is the core group.
        std::array::from_fn(|column| match columns.next().unwrap_or_default() {
            "" if column != 1 => Vec::new(),
            list => list.split(',').collect(),
        })
    });
    Some(DefaultRole { namespace, name, rules: rules.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list by commas, `-` the empty word.
    fn list(names: &mut Names, text: &str) -> Vec<Name> {
        let words = text.split(',').filter(|word| !word.is_empty());
        words.map(|word| names.intern(word.trim_matches('-'))).collect()
    }

    /// How much of `verbs|groups|resources|names` or `verbs|urls` was added to a role.
    fn added(namespace: Option<&str>, name: &str, rule: &str) -> usize {
        let mut names = Names::default();
        for role in default_roles() {
            for word in role.rules.iter().flatten().flatten() {
                names.intern(word);
            }
        }
        let lists: Vec<Vec<Name>> = rule.split('|').map(|part| list(&mut names, part)).collect();
        let rule = match &lists[..] {
            [verbs, urls] => {
                Rule { verbs, api_groups: &[], resources: &[], resource_names: &[], non_resource_urls: urls }
            }
            [verbs, api_groups, resources, resource_names] => {
                Rule { verbs, api_groups, resources, resource_names, non_resource_urls: &[] }
            }
            _ => panic!("a rule has two or four parts"),
        };
        let role = default_roles().iter().find(|role| (role.namespace, role.name) == (namespace, name)).unwrap();
        role.added(&names, &[rule]).into_iter().map(|(_, atoms)| atoms.len()).sum()
    }

    #[test]
    fn what_some_version_gave_was_not_added() {
        let (cluster, system) = (None, Some("kube-system"));
        for (namespace, name, rule, expected) in [
            (cluster, "system:controller:ttl-controller", "list,patch,update,watch|-|nodes|", 0),
            (cluster, "system:controller:ttl-controller", "list|-|nodes|a", 0),
            (cluster, "system:controller:ttl-controller", "list,create|-|nodes,pods|", 3),
            (cluster, "system:controller:ttl-controller", "*|*|*|", 1),
            (cluster, "system:controller:ttl-controller", "get|/metrics", 1),
            // Of old versions, behind a feature gate, and of the newest.
            (cluster, "system:controller:persistent-volume-binder", "get|-|secrets|", 0),
            (cluster, "system:kube-scheduler", "list|resource.k8s.io|podschedulingcontexts|", 0),
            (
                cluster,
                "system:controller:podcertificaterequestcleaner",
                "delete|certificates.k8s.io|podcertificaterequests|",
                0,
            ),
            // What is given by its name, and what is not.
            (
                cluster,
                "system:controller:certificate-controller",
                "sign|certificates.k8s.io|signers|kubernetes.io/kubelet-serving",
                0,
            ),
            (cluster, "system:controller:certificate-controller", "sign|certificates.k8s.io|signers|", 1),
            (cluster, "system:controller:certificate-controller", "sign|certificates.k8s.io|signers|mine", 1),
            (cluster, "cluster-admin", "*|*|*|", 0),
            (cluster, "cluster-admin", "*|*", 0),
            (cluster, "kubeadm:get-nodes", "get|-|nodes|", 0),
            (cluster, "kubeadm:get-nodes", "get,list|-|nodes|", 1),
            (system, "kubeadm:kubelet-config-1.20", "get|-|configmaps|kubelet-config-1.20", 0),
            (system, "kubeadm:kubelet-config", "get|-|configmaps|", 1),
            // United from whatever has their labels.
            (cluster, "edit", "*|*|*|", 0),
        ] {
            assert_eq!(added(namespace, name, rule), expected, "{name} {rule}");
        }
    }

    #[test]
    fn a_name_that_the_input_does_not_have_makes_no_rule_wider() {
        let mut names = Names::default();
        let [verbs, api_groups, resources] =
            ["sign", "certificates.k8s.io", "signers"].map(|word| vec![names.intern(word)]);
        let all = Rule {
            verbs: &verbs,
            api_groups: &api_groups,
            resources: &resources,
            resource_names: &[],
            non_resource_urls: &[],
        };
        let name = "system:controller:certificate-controller";
        let role = default_roles().iter().find(|role| role.name == name).unwrap();
        assert_eq!(role.added(&names, &[all]).len(), 1);
    }

    #[test]
    fn the_table_is_read_whole() {
        let roles = default_roles();
        assert!(roles.is_sorted_by(|a, b| (a.namespace, a.name) < (b.namespace, b.name)));
        assert!(TABLE.lines().skip_while(|line| line.starts_with('#')).is_sorted());
        let without: Vec<&str> = roles.iter().filter(|role| role.rules.is_empty()).map(|role| role.name).collect();
        assert_eq!(without, ["admin", "edit", "view"]);
        assert!(is_default_role_name(None, "system:node") && !is_default_role_name(Some("kube-system"), "system:node"));
    }
}
