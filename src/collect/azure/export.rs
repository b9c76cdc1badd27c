//! Saving Azure's side with the user's own `az`: a list of commands that only read, run one after another. What one of them answers is
//! kept as it is, but for the pages of a list, which are put together; what it may not answer is reported.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::process::{Command, Stdio};

use serde_json::value::RawValue;

use super::row::Row;
use super::{Lines, Reader, Seen, Top};
use crate::collect::live::Progress;
use crate::model::FileId;
use crate::model::azure::ClusterKind;
use crate::model::azure::{PrincipalKind, fold, is_guid};

/// A command of `az`, and where its answer is kept. Words in braces stand for what earlier answers name.
struct Ask {
    file: &'static str,
    words: &'static str,
}

/// Asked once.
const TENANT: &[Ask] = &[Ask {
    file: "management-groups.json",
    words: "account management-group show --name {tenant} --expand --recurse",
}];

/// Asked for each subscription.
const SUBSCRIPTION: &[Ask] = &[
    Ask { file: "role-assignments.json", words: "role assignment list --all --subscription {subscription}" },
    Ask {
        file: "role-definitions.json",
        words: "role definition list --custom-role-only true --subscription {subscription}",
    },
    Ask {
        file: "deny-assignments.json",
        words: "rest --method get --url \
                https://management.azure.com/subscriptions/{subscription}/providers/Microsoft.Authorization/denyAssignments\
                ?api-version=2022-04-01",
    },
    Ask {
        file: "pim-eligible.json",
        words: "rest --method get --url \
                https://management.azure.com/subscriptions/{subscription}/providers/Microsoft.Authorization/\
                roleEligibilityScheduleInstances?api-version=2020-10-01",
    },
    Ask { file: "identities.json", words: "identity list --subscription {subscription}" },
    Ask { file: "managed-clusters.json", words: "aks list --subscription {subscription}" },
    Ask {
        file: "connected-clusters.json",
        words: "rest --method get --url \
                https://management.azure.com/subscriptions/{subscription}/providers/Microsoft.Kubernetes/connectedClusters\
                ?api-version=2026-05-01",
    },
    Ask { file: "registries.json", words: "acr list --subscription {subscription}" },
    Ask {
        file: "vaults.json",
        words: "rest --method get --url \
                https://management.azure.com/subscriptions/{subscription}/providers/Microsoft.KeyVault/vaults\
                ?api-version=2023-07-01",
    },
];

/// Asked once of Microsoft Graph: who is Global Administrator, or may become it.
const DIRECTORY: &[Ask] = &[
    Ask {
        file: "global-administrators.json",
        words: "rest --method get --url https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments\
                ?$filter=roleDefinitionId%20eq%20'62e90394-69f5-4237-9190-012177145e10'&$expand=principal",
    },
    Ask {
        file: "global-administrators-eligible.json",
        words: "rest --method get --url \
                https://graph.microsoft.com/v1.0/roleManagement/directory/roleEligibilityScheduleInstances\
                ?$filter=roleDefinitionId%20eq%20'62e90394-69f5-4237-9190-012177145e10'&$expand=principal",
    },
];

/// Asked for each user-assigned identity.
const IDENTITY: Ask = Ask {
    file: "federated-credentials/{group}-{name}.json",
    words: "identity federated-credential list --identity-name {name} --resource-group {group} \
            --subscription {subscription}",
};

/// Asked for each AKS cluster.
const CLUSTER: Ask = Ask {
    file: "identity-bindings/{group}-{name}.json",
    words: "aks identity-binding list --cluster-name {name} --resource-group {group} --subscription {subscription}",
};

/// Asked for each connected cluster that is AKS on Azure Local.
const LOCAL_CLUSTER: Ask = Ask {
    file: "local-clusters/{group}-{name}.json",
    words: "rest --method get --url \
            https://management.azure.com/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Kubernetes/\
            connectedClusters/{name}/providers/Microsoft.HybridContainerService/provisionedClusterInstances\
            ?api-version=2024-01-01",
};

/// Asked for each group that has a role, administers a cluster or was named, and for the groups in it.
const GROUP: &[Ask] = &[
    Ask { file: "groups/{id}.json", words: "ad group member list --group {id} --query {id:'{id}',members:@}" },
    Ask {
        file: "pim-groups/{id}.json",
        words: "rest --method get --url \
                https://graph.microsoft.com/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances\
                ?$filter=groupId%20eq%20'{id}'",
    },
];

/// Asked for each service principal that has a role and is no identity that was listed.
const SERVICE_PRINCIPAL: Ask = Ask { file: "service-principals/{id}.json", words: "ad sp show --id {id}" };

/// The commands as somebody would type them, and the file for each answer.
pub fn azure_commands() -> String {
    let all = [Ask { file: "subscriptions.json", words: "account list" }];
    let each = all
        .iter()
        .chain(TENANT)
        .chain(DIRECTORY)
        .chain(SUBSCRIPTION)
        .chain([&IDENTITY, &CLUSTER, &LOCAL_CLUSTER])
        .chain(GROUP);
    let line = |ask: &Ask| format!("az {} -o json > {}\n", quoted(&shown(ask.words)), shown(ask.file));
    each.chain([&SERVICE_PRINCIPAL]).map(line).collect()
}

/// With shell variables for what stands in braces.
fn shown(text: &str) -> String {
    ["tenant", "subscription", "group", "name", "id"]
        .iter()
        .fold(text.to_owned(), |text, word| text.replace(&format!("{{{word}}}"), &format!("${}", word.to_uppercase())))
}

fn quoted(words: &str) -> String {
    let quote = |word: &str| {
        if word.contains(['?', '&', '\'', '{', '@']) {
            format!("\"{}\"", word.replace("$filter", "\\$filter").replace("$expand", "\\$expand"))
        } else {
            word.to_owned()
        }
    };
    words.split(' ').map(quote).collect::<Vec<_>>().join(" ")
}

/// What was saved and what was not.
#[derive(Default)]
pub struct AzureExport {
    /// The answers, by file name.
    pub files: BTreeMap<String, String>,
    /// What was refused or failed.
    pub failures: Vec<Refusal>,
}

/// A command that was refused or failed.
pub struct Refusal {
    /// The command.
    pub command: String,
    /// The first line of what it said.
    pub message: String,
    /// The file that its answer would have gone to.
    pub file: String,
}

/// What of Azure is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AzureWanted<'a> {
    /// The subscriptions, or all that `az` is logged in to.
    pub subscriptions: &'a [String],
    /// Groups that are asked for whether or not they have a role: those that bindings of a cluster name.
    pub groups: &'a [String],
}

/// Asks everything that is wanted.
///
/// # Errors
/// When there is no `az`, nobody is logged in, a subscription is none of theirs, or a group is no object id.
pub fn export_azure(wanted: AzureWanted<'_>, progress: &dyn Fn(&Progress)) -> Result<AzureExport, String> {
    let AzureWanted { subscriptions, groups } = wanted;
    if let Some(name) = groups.iter().find(|id| !is_guid(id)) {
        return Err(format!(
            "`{name}` is no object id of a group; `az ad group show --group NAME --query id` prints it"
        ));
    }
    let mut exporter = Exporter { done: AzureExport::default(), reader: Reader::default(), progress };
    let list = run(&["account", "list", "-o", "json"].map(str::to_owned))
        .map_err(|error| format!("`az account list` {error}; az has to be installed and logged in (`az login`)"))?;
    let (known, tenants) = accounts(&list)?;
    if let Some(unknown) = subscriptions.iter().find(|id| !known.contains_key(&id.to_ascii_lowercase())) {
        return Err(format!("`{unknown}` is no subscription that `az account list` names"));
    }
    if known.is_empty() {
        return Err("`az account list` names no subscription; log in with `az login`".to_owned());
    }
    exporter.keep("subscriptions.json", list);
    let wanted = |id: &str| subscriptions.is_empty() || subscriptions.iter().any(|one| one.eq_ignore_ascii_case(id));
    for tenant in tenants {
        for ask in TENANT {
            exporter.ask(ask, &[("tenant", &tenant)]);
        }
    }
    for ask in DIRECTORY {
        exporter.ask(ask, &[]);
    }
    for id in known.keys().filter(|id| wanted(id)) {
        for ask in SUBSCRIPTION {
            let file = format!("{id}/{}", ask.file);
            exporter.ask_into(&file, ask.words, &[("subscription", id)]);
        }
    }
    exporter.resources();
    exporter.directory(groups);
    Ok(exporter.done)
}

/// The subscriptions of a list of accounts, with their tenants.
fn accounts(list: &str) -> Result<(BTreeMap<String, String>, BTreeSet<String>), String> {
    let wrong = || "`az account list` printed something that is no list of subscriptions".to_owned();
    let rows: Vec<Row<'_>> = serde_json::from_str(list).map_err(|_| wrong())?;
    let mut found = BTreeMap::new();
    for row in &rows {
        let (id, tenant) = (row.id("id").map_err(|_| wrong())?, row.id("tenantId").map_err(|_| wrong())?);
        if !is_guid(&id) || !is_guid(&tenant) {
            return Err(wrong());
        }
        found.insert(id, tenant);
    }
    let tenants = found.values().cloned().collect();
    Ok((found, tenants))
}

struct Exporter<'p> {
    done: AzureExport,
    /// Reads the answers, to know what to ask next.
    reader: Reader,
    progress: &'p dyn Fn(&Progress),
}

impl Exporter<'_> {
    fn ask(&mut self, ask: &Ask, places: &[(&str, &str)]) {
        self.ask_into(ask.file, ask.words, places);
    }

    fn ask_into(&mut self, file: &str, words: &str, places: &[(&str, &str)]) {
        let words: Vec<String> = words.split(' ').map(|word| filled(word, places)).collect();
        let safe: Vec<(&str, String)> = places.iter().map(|(name, value)| (*name, file_safe(value))).collect();
        let safe: Vec<(&str, &str)> = safe.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let file = filled(file, &safe);
        match pages(&words) {
            Ok(answer) => {
                tracing::info!("az {}: {} bytes", words.join(" "), answer.len());
                self.keep(&file, answer);
            }
            Err(message) => {
                self.done.failures.push(Refusal { command: format!("az {}", words.join(" ")), message, file });
            }
        }
        let objects = self.done.files.len() as u64;
        (self.progress)(&Progress { objects, ..Progress::begin("lists of Azure") });
    }

    fn keep(&mut self, file: &str, answer: String) {
        let mut lines = Lines { text: &answer, at: 0, line: 1 };
        if let Ok(top) = serde_json::from_str::<Top<'_>>(&answer) {
            self.reader.document(FileId(0), top, &mut lines, &mut Seen::default());
        }
        self.done.files.insert(file.to_owned(), answer);
    }

    /// What each identity and each cluster has.
    fn resources(&mut self) {
        let identities: Vec<String> =
            self.reader.facts.identities.iter().map(|one| one.ids.resource_id.clone()).collect();
        let of_kind = |kind: ClusterKind| -> Vec<String> {
            let own = self.reader.facts.clusters.iter().filter(|one| one.kind == kind);
            own.map(|one| one.id.clone()).collect()
        };
        let (clusters, local) = (of_kind(ClusterKind::Aks), of_kind(ClusterKind::AzureLocal));
        for (ids, ask) in [(identities, &IDENTITY), (clusters, &CLUSTER), (local, &LOCAL_CLUSTER)] {
            for id in ids {
                let segments: Vec<&str> = id.split('/').collect();
                let [_, _, subscription, _, group, .., name] = segments.as_slice() else { continue };
                self.ask(ask, &[("subscription", subscription), ("group", group), ("name", name)]);
            }
        }
    }

    /// Who is in the groups that were named or have roles, and which service principals have them.
    fn directory(&mut self, named: &[String]) {
        let facts = &self.reader.facts;
        let known: BTreeSet<&str> = facts.identities.iter().map(|one| one.ids.object_id.as_str()).collect();
        let of_kind = |kind: PrincipalKind| {
            let own = facts.assignments.iter().filter(move |one| one.principal_kind == kind);
            own.map(|one| one.principal_id.clone()).collect::<BTreeSet<String>>()
        };
        let (groups, services) = (of_kind(PrincipalKind::Group), of_kind(PrincipalKind::ServicePrincipal));
        let services: Vec<String> = services.into_iter().filter(|id| !known.contains(id.as_str())).collect();
        let admins = facts.clusters.iter().flat_map(|one| one.admin_group_ids.clone());
        let named = named.iter().map(|id| id.to_ascii_lowercase());
        let mut open: VecDeque<String> = groups.into_iter().chain(admins).chain(named).collect();
        let mut asked: BTreeSet<String> = BTreeSet::new();
        while let Some(id) = open.pop_front() {
            if !is_guid(&id) || !asked.insert(id.clone()) {
                continue;
            }
            for ask in GROUP {
                self.ask(ask, &[("id", &id)]);
            }
            let inside = self.reader.facts.groups.iter().filter(|group| group.object_id == id);
            let inner = inside.flat_map(|group| group.members.known()).filter(|one| one.kind == PrincipalKind::Group);
            open.extend(inner.map(|one| one.object_id.clone()));
        }
        for id in services.iter().filter(|id| is_guid(id)) {
            self.ask(&SERVICE_PRINCIPAL, &[("id", id)]);
        }
    }
}

fn filled(word: &str, places: &[(&str, &str)]) -> String {
    places.iter().fold(word.to_owned(), |word, (name, value)| word.replace(&format!("{{{name}}}"), value))
}

/// What a file may be called, whatever Azure calls the thing.
fn file_safe(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    fold(text).chars().skip(1).map(safe).collect()
}

/// Pages that are followed; more of one list is a loop.
const MOST_PAGES: usize = 10_000;

/// Runs a command, and the same for each further page of its answer.
fn pages(words: &[String]) -> Result<String, String> {
    let mut words = words.to_vec();
    words.extend(["-o".to_owned(), "json".to_owned()]);
    let first = run(&words)?;
    let Some(mut next) = next_page(&first) else { return Ok(first) };
    let Some(url) = words.iter().position(|word| word == "--url").map(|at| at + 1) else { return Ok(first) };
    let mut all = vec![first];
    while all.len() < MOST_PAGES {
        words[url] = next;
        let page = run(&words)?;
        let more = next_page(&page);
        all.push(page);
        match more {
            Some(more) => next = more,
            None => return together(&all),
        }
    }
    Err(format!("has more than {MOST_PAGES} pages"))
}

fn next_page(answer: &str) -> Option<String> {
    let row: Row<'_> = serde_json::from_str(answer).ok()?;
    let link = row.text("nextLink").ok()?.or(row.text("@odata.nextLink").ok()?)?;
    // Nothing but Azure itself is asked.
    let azure = ["https://management.azure.com/", "https://graph.microsoft.com/"];
    azure.iter().any(|host| link.starts_with(host)).then(|| link.into_owned())
}

/// The pages of a list as one.
fn together(pages: &[String]) -> Result<String, String> {
    let mut items: Vec<&str> = Vec::new();
    for page in pages {
        let row: Row<'_> = serde_json::from_str(page).map_err(|_| "answered with a page that is no JSON".to_owned())?;
        items.extend(row.list("value")?.into_iter().map(RawValue::get));
    }
    Ok(format!("{{\"value\": [\n{}\n]}}\n", items.join(",\n")))
}

/// Runs `az`. Gives what it printed, or the first line of what it complained about.
fn run(words: &[String]) -> Result<String, String> {
    // On Windows it is a script, which has to be named whole.
    let program = if cfg!(windows) { "az.cmd" } else { "az" };
    let mut command = Command::new(program);
    // It is never asked to log in or to install something.
    command.args(words).env("AZURE_EXTENSION_USE_DYNAMIC_INSTALL", "no").env("AZURE_CORE_NO_COLOR", "true");
    let output = command.stdin(Stdio::null()).output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => "cannot be run: there is no `az` on the PATH".to_owned(),
        _ => format!("cannot be run: {error}"),
    })?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let line = said.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("WARNING"));
        return Err(format!("failed: {}", line.unwrap_or("it did not say why").trim_start_matches("ERROR: ")));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| "printed something that is no text".to_owned())?;
    if serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err() {
        return Err("printed something that is no JSON".to_owned());
    }
    Ok(text)
}
