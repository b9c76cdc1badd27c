//! Recommended practices that are broken. Each check is one file with its tests, and one line here; what it found is decided by
//! evidence, and worded from it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::graph::AccessGraph;
use crate::graph::azure::ScopeIx;
use crate::model::azure::{AzureCluster, management_group};
use crate::model::{ClusterId, Name, Origin, Subject};
use crate::query::{
    Aso, AsoOptions, AsoPower, AsoRight, AsoRights, Credential, CredentialIx, CredentialKind, CredentialRow,
    CredentialScope, KindSet, Power, PowerLevel, this_cluster,
};
use crate::rules::Severity;
use crate::rules::remedy::shell;

/// A recommended practice.
pub struct Check {
    /// Letters and a number; never reused and never renamed.
    pub id: &'static str,
    /// What is recommended, in one line.
    pub title: &'static str,
    /// Why.
    pub why: &'static str,
    /// How it is put right.
    pub remedy: &'static str,
    /// Where it is written down.
    pub references: &'static [&'static str],
    /// Looks at a cluster. Adds nothing when the practice is kept.
    run: fn(&Checked<'_>, &mut Found),
}

macro_rules! checks {
    ($($module:ident,)*) => {
        $(mod $module;)*
        /// Every check.
        pub const CHECKS: &[&Check] = &[$(&$module::CHECK),*];
    };
}

checks! {
    aso_001,
    aso_002,
    aso_003,
    aso_004,
    aso_005,
    aso_006,
    aso_007,
    aso_008,
    aso_010,
    aso_011,
    aso_012,
    aso_013,
    aso_014,
    aso_020,
    aso_022,
    aso_024,
    aso_025,
    aso_031,
}

/// The check of this id, in any case.
pub fn check(id: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.id.eq_ignore_ascii_case(id)).copied()
}

/// Documentation that several checks rest on.
const SECURITY: &str = "https://azure.github.io/azure-service-operator/guide/security/";
const AUTHENTICATION: &str = "https://azure.github.io/azure-service-operator/guide/authentication/";
const FORMAT: &str = "https://azure.github.io/azure-service-operator/guide/authentication/credential-format/";
const SCOPES: &str = "https://azure.github.io/azure-service-operator/guide/authentication/credential-scope/";

/// A practice that is broken, somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFinding {
    /// The check.
    pub check: &'static str,
    /// How bad it is, by what was found.
    pub severity: Severity,
    /// What was found, in one line.
    pub what: String,
    /// What the severity rests on, and what else there is to know.
    pub because: Vec<String>,
    /// The objects that are concerned.
    pub objects: Vec<CheckObject>,
    /// Commands or YAML that put it right.
    pub remedy: Vec<String>,
    /// Stays the same while the check and its objects do.
    pub fingerprint: String,
}

/// An object that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckObject {
    /// Its kind, with its group where that is not Kubernetes' own.
    pub kind: String,
    /// Its namespace.
    pub namespace: Option<Name>,
    /// Its name.
    pub name: Name,
    /// Where it was read.
    pub origin: Option<Origin>,
}

/// What checks found, and which could not say all.
#[derive(Debug, Default)]
pub struct Found {
    /// The findings, most severe first.
    pub findings: Vec<CheckFinding>,
    /// Checks that lack something, and what.
    pub unanswered: Vec<(&'static str, &'static str)>,
    /// The check that runs.
    check: &'static str,
}

impl Found {
    fn add(&mut self, severity: Severity, what: String) -> &mut CheckFinding {
        self.findings.push(CheckFinding {
            check: self.check,
            severity,
            what,
            because: Vec::new(),
            objects: Vec::new(),
            remedy: Vec::new(),
            fingerprint: String::new(),
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// The check cannot say all, for want of something.
    fn lacks(&mut self, what: &'static str) {
        self.unanswered.push((self.check, what));
    }

    fn has(&self, check: &str) -> bool {
        self.findings.iter().any(|finding| finding.check == check)
    }
}

impl CheckFinding {
    fn because(&mut self, why: impl Into<String>) -> &mut Self {
        self.because.push(why.into());
        self
    }

    fn object(&mut self, kind: &str, namespace: Option<Name>, name: Name, origin: Option<Origin>) -> &mut Self {
        self.objects.push(CheckObject { kind: kind.to_owned(), namespace, name, origin });
        self
    }

    fn remedy(&mut self, command: impl Into<String>) -> &mut Self {
        self.remedy.push(command.into());
        self
    }
}

/// What checks look at.
pub(crate) struct Checked<'g> {
    graph: &'g AccessGraph,
    cluster: ClusterId,
    aso: Aso<'g>,
    rights: AsoRights<'g>,
    power: AsoPower<'g>,
    /// What was computed of it, by client id: thousands of namespaces may have one identity.
    known_powers: RefCell<BTreeMap<Name, Vec<Power>>>,
    /// The kinds that can be written.
    kinds: KindSet,
    rows: Vec<CredentialRow<'g>>,
}

/// Who holds a right that nobody should: without those who may do everything, Kubernetes' own, and the operators.
#[derive(Debug, Default)]
struct People {
    /// Those who hold it now.
    active: Vec<Subject>,
    /// Groups that are known to be empty until somebody activates a membership, or altogether.
    dormant: Vec<Subject>,
}

impl People {
    fn is_empty(&self) -> bool {
        self.active.is_empty() && self.dormant.is_empty()
    }

    /// The severity if somebody holds it now, and `info` if only empty groups do.
    fn severity(&self, severity: Severity) -> Severity {
        if self.active.is_empty() { Severity::Info } else { severity }
    }
}

/// Runs checks over a cluster. The findings are sorted: most severe first, then by check.
pub fn run_checks(
    graph: &AccessGraph,
    cluster: ClusterId,
    options: AsoOptions,
    wanted: &dyn Fn(&Check) -> bool,
) -> Found {
    let _stage = tracing::debug_span!("checks").entered();
    let aso = Aso::new(graph, cluster, options);
    let rights = AsoRights::new(graph, cluster);
    let rows = aso.rows(&rights, None);
    let kinds = aso.writable();
    let power = AsoPower::new(graph.azure());
    let checked = Checked { graph, cluster, aso, rights, power, known_powers: RefCell::default(), kinds, rows };
    let mut found = Found::default();
    for check in CHECKS {
        // What follows from others is asked of all of them, and shown if it was asked for.
        found.check = check.id;
        (check.run)(&checked, &mut found);
    }
    let is_wanted = |id: &str| self::check(id).is_some_and(wanted);
    found.findings.retain(|finding| is_wanted(finding.check));
    found.unanswered.retain(|(id, _)| is_wanted(id));
    for finding in &mut found.findings {
        finding.fingerprint = fingerprint(graph, finding);
    }
    let order = |at: &CheckFinding| (std::cmp::Reverse(at.severity), at.check, at.what.clone());
    found.findings.sort_by_key(order);
    found
}

/// A number that stays while the check and the objects do: FNV-1a, as those of escalations.
fn fingerprint(graph: &AccessGraph, finding: &CheckFinding) -> String {
    let mut text = finding.check.to_owned();
    for object in &finding.objects {
        let namespace = object.namespace.map_or("", |namespace| graph.text(namespace));
        text.push_str(&format!("\n{} {namespace}/{}", object.kind, graph.text(object.name)));
    }
    if finding.objects.is_empty() {
        text.push_str(&finding.what);
    }
    let digest = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{}-{digest:016x}", finding.check.to_lowercase())
}

impl<'g> Checked<'g> {
    fn text(&self, name: Name) -> &'g str {
        self.graph.text(name)
    }

    /// A namespace as a word for a shell, behind a flag.
    fn place(&self, name: Name) -> String {
        shell(self.text(name))
    }

    /// An object as words for a shell and for kubectl, to which a name that begins with a dash would be a flag.
    fn operand(&self, kind: &str, name: Name) -> String {
        let text = self.text(name);
        if text.starts_with('-') {
            shell(&format!("{kind}/{text}"))
        } else {
            format!("{} {}", shell(kind), shell(text))
        }
    }

    fn credential(&self, at: CredentialIx) -> &Credential {
        self.aso.credential(at)
    }

    /// Whether somebody uses a credential, or it serves whoever asks for none. Other Secrets of its form may be anything's.
    fn is_used(&self, row: &CredentialRow<'_>) -> bool {
        self.credential(row.credential).scope != CredentialScope::Named || !row.resources.is_empty()
    }

    /// `secret dev/aso-credential`, or what else holds a credential.
    fn holder(&self, credential: &Credential) -> String {
        match credential.secret {
            Some((namespace, name)) => format!("Secret {}/{}", self.text(namespace), self.text(name)),
            None => "the operator's Deployment".to_owned(),
        }
    }

    /// Who holds a right in a namespace and should be asked why.
    fn people(&self, right: &AsoRight, namespace: Name) -> People {
        self.sorted_out(self.rights.holders(right, namespace))
    }

    fn sorted_out(&self, holders: BTreeMap<Subject, crate::graph::BindingIx>) -> People {
        let mut people = People::default();
        for holder in self.aso.people(&self.rights, holders).into_iter().filter(|holder| !holder.admin) {
            if self.is_dormant(holder.subject) {
                people.dormant.push(holder.subject);
            } else {
                people.active.push(holder.subject);
            }
        }
        people
    }

    /// Whether a group is known to have nobody in it now.
    fn is_dormant(&self, subject: Subject) -> bool {
        let Subject::Group(name) = subject else { return false };
        let name = self.text(name);
        let azure = self.power.graph();
        let mut own =
            azure.facts().groups.iter().filter(|at| at.object_id.eq_ignore_ascii_case(name) || at.name == name);
        let (Some(group), None) = (own.next(), own.next()) else { return false };
        let Some(group) = azure.by_object_id(&group.object_id) else { return false };
        !azure.members_unread(group) && azure.members_of(group).iter().all(|member| member.eligible)
    }

    /// What the identity of a credential may do, the strongest first; none where roles are unknown.
    fn powers(&self, credential: &Credential) -> Option<Vec<Power>> {
        if !self.power.is_known() {
            return None;
        }
        let client = credential.client?;
        let principal = self.power.graph().by_client_id(self.text(client))?;
        let mut known = self.known_powers.borrow_mut();
        Some(known.entry(client).or_insert_with(|| self.power.of(principal)).clone())
    }

    /// Whether a scope is a subscription or above.
    fn is_wide(&self, scope: ScopeIx) -> bool {
        let folded = self.power.graph().scope_folded(scope);
        let segments = folded.split('/').filter(|part| !part.is_empty()).count();
        folded == "/" || management_group(folded).is_some() || (folded.starts_with("/subscriptions/") && segments == 2)
    }

    /// The widest power that lets every kind be written, or roles be given, in a subscription or above.
    fn broad<'p>(&self, powers: &'p [Power]) -> Option<&'p Power> {
        powers.iter().find(|at| at.level >= Some(PowerLevel::Contributor) && self.is_wide(at.scope))
    }

    /// The cluster as Azure has it, if it is known which one it is.
    fn this_cluster(&self) -> Option<&'g AzureCluster> {
        let (at, _) = this_cluster(self.graph, &self.aso)?;
        Some(self.power.graph().cluster(at))
    }

    /// The issuer of the tokens of its accounts, where that is known.
    fn issuer(&self) -> Option<&'g str> {
        self.this_cluster()?.issuer.as_deref()
    }

    fn words(&self, power: &Power) -> String {
        let level = power.level.map_or("unknown", PowerLevel::as_str);
        let graph = self.power.graph();
        format!("{level} ({}) at {}", power.doubt(graph), graph.scope_text(power.scope))
    }

    /// Namespaces that an operator reconciles.
    fn targets(&self) -> Vec<Name> {
        self.aso.namespaces().into_iter().filter(|&at| self.aso.reconcilers(at).next().is_some()).collect()
    }

    /// Subjects as the grammar of things has them, a few of them.
    fn names(&self, subjects: &[Subject]) -> String {
        let one = |subject: &Subject| match *subject {
            Subject::Group(name) => format!("group:{}", self.text(name)),
            Subject::User(name) => format!("user:{}", self.text(name)),
            Subject::ServiceAccount { namespace, name } => format!("sa:{}/{}", self.text(namespace), self.text(name)),
        };
        listed(&subjects.iter().map(one).collect::<Vec<_>>())
    }

    fn people_words(&self, people: &People) -> String {
        let mut words = self.names(&people.active);
        if !people.dormant.is_empty() {
            let dormant = self.names(&people.dormant);
            words = if words.is_empty() {
                format!("{dormant}, dormant until somebody activates it")
            } else {
                format!("{words}; dormant: {dormant}")
            };
        }
        words
    }

    fn namespaces(&self, all: &[Name]) -> String {
        listed(&all.iter().map(|&name| self.text(name).to_owned()).collect::<Vec<_>>())
    }

    /// `namespace dev`, or several.
    fn inside(&self, all: &[Name]) -> String {
        let word = if all.len() == 1 { "namespace" } else { "namespaces" };
        format!("{word} {}", self.namespaces(all))
    }

    /// Whether the credential's identity takes the operator's own token.
    fn by_token(credential: &Credential) -> bool {
        credential.kind == CredentialKind::WorkloadIdentity
    }
}

/// The first of several, and how many more.
fn listed(all: &[String]) -> String {
    match all {
        [a, b, c, rest @ ..] if rest.len() > 1 => format!("{a}, {b}, {c}, +{}", rest.len()),
        few => few.join(", "),
    }
}

fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod world;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_whole() {
        assert!(CHECKS.is_sorted_by(|a, b| a.id < b.id));
        for check in CHECKS {
            let Check { id, title, why, remedy, references, .. } = check;
            assert!(self::check(&id.to_lowercase()).is_some_and(|found| found.id == *id));
            assert!(!title.ends_with('.') && why.ends_with('.') && remedy.ends_with('.'), "{id}");
            assert!(references.iter().all(|at| at.starts_with("https://")) && !references.is_empty(), "{id}");
        }
    }
}
