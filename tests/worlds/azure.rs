//! Random Azure worlds and a naive judge of them: sets of texts that grow until nothing is new, regular expressions, truth tables. It
//! reads the JSON that the program reads and imports nothing that it judges.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use regex::Regex;
use serde_json::{Value, json};

use super::random::Dice;

pub(crate) const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
/// Roles that somebody would give; conditions name the first two.
pub(crate) const GIVEN: [&str; 3] = [
    "99999999-0000-0000-0000-00000000000a",
    "99999999-0000-0000-0000-00000000000b",
    "99999999-0000-0000-0000-00000000000c",
];
const ACTIONS: [&str; 6] = [
    WRITE,
    "Microsoft.Storage/storageAccounts/write",
    "Microsoft.Storage/storageAccounts/listKeys/action",
    "Microsoft.Storage/storageAccounts/blobServices/containers/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
];
const PATTERNS: [&str; 12] = [
    "*",
    "*/read",
    "*/write",
    "Microsoft.Storage/*",
    "microsoft.storage/storageaccounts/*",
    "Microsoft.Storage/storageAccounts/listKeys/action",
    "Microsoft.Authorization/*/Write",
    "Microsoft.Authorization/*",
    "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
    "Microsoft.ManagedIdentity/userAssignedIdentities/*",
    "Microsoft.Storage/*/action",
    "Microsoft.Nothing/*",
];
const GROUP_PREFIX: &str = "/providers/Microsoft.Management/managementGroups/";
const SUBSCRIPTIONS: [&str; 2] =
    ["/subscriptions/11111111-0000-0000-0000-000000000001", "/subscriptions/11111111-0000-0000-0000-000000000002"];
const GROUPS: [&str; 5] = ["g1", "g2", "g3", "g4", "unread"];
const PEOPLE: [&str; 4] = ["u1", "u2", "u3", "s1"];
const EVERYONE: &str = "00000000-0000-0000-0000-000000000000";

/// A question about a world.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) principal: String,
    pub(crate) action: &'static str,
    pub(crate) data: bool,
    pub(crate) scope: String,
}

/// What somebody says to a question: the decision, and each grant with its own decision and what it permits to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) decision: &'static str,
    pub(crate) grants: BTreeMap<String, (&'static str, Vec<Option<bool>>)>,
}

fn scopes() -> Vec<String> {
    let mut all = vec!["/".to_owned()];
    all.extend(["root", "a", "b", "c"].map(|name| format!("{GROUP_PREFIX}{name}")));
    for subscription in SUBSCRIPTIONS {
        all.push(subscription.to_owned());
        for group in ["rg1", "rg10"] {
            all.push(format!("{subscription}/resourceGroups/{group}"));
            all.push(format!("{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/a"));
            all.push(format!(
                "{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/a/x/y"
            ));
        }
    }
    all
}

fn conditions() -> Vec<Value> {
    let gives = |role: &str| {
        json!(format!(
            "((!(ActionMatches{{'{WRITE}'}})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] \
             ForAnyOfAnyValues:GuidEquals {{{role}}}))"
        ))
    };
    vec![
        Value::Null,
        Value::Null,
        Value::Null,
        gives(GIVEN[0]),
        gives(GIVEN[1]),
        json!("!(ActionMatches{'Microsoft.Storage/*'})"),
        json!("@Resource[a:b] StringEquals 'c'"),
        json!("what is this?"),
    ]
}

fn one<T: Copy>(dice: &mut Dice, of: &[T]) -> T {
    *dice.pick(of)
}

/// The same text in some other case, now and then.
fn spelled(dice: &mut Dice, text: &str) -> String {
    match dice.below(4) {
        0 => text.to_lowercase(),
        1 => text.to_uppercase(),
        _ => text.to_owned(),
    }
}

fn block(dice: &mut Dice) -> Value {
    let some = |dice: &mut Dice, most: usize| (0..dice.below(most)).map(|_| one(dice, &PATTERNS)).collect::<Vec<_>>();
    let (actions, not_actions) = (some(dice, 5), some(dice, 2));
    let (data, not_data) = (some(dice, 4), some(dice, 2));
    let condition = if dice.below(3) == 0 { dice.pick(&conditions()).clone() } else { Value::Null };
    json!({"actions": actions, "notActions": not_actions, "dataActions": data, "notDataActions": not_data, "condition": condition})
}

/// The rows of a world.
pub(crate) fn world(dice: &mut Dice) -> Vec<Value> {
    let scopes = scopes();
    let mut rows = Vec::new();
    let roles: Vec<String> = (0..4).map(|at| format!("77777777-0000-0000-0000-{at:012}")).collect();
    for id in &roles[..3] {
        let blocks: Vec<Value> = (0..1 + dice.below(2)).map(|_| block(dice)).collect();
        rows.push(json!({"name": id, "roleName": id, "roleType": "CustomRole", "assignableScopes": ["/"], "permissions": blocks}));
    }
    for at in 0..4 + dice.below(9) {
        let (principal, scope) = (one(dice, &[&PEOPLE[..], &GROUPS[..]].concat()), dice.pick(&scopes).clone());
        let kind = if GROUPS.contains(&principal) { "Group" } else { "User" };
        let mut row = json!({"id": format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{at}"),
            "principalId": spelled(dice, principal), "principalType": kind, "scope": spelled(dice, &scope),
            // The last role nobody knows.
            "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{}", dice.pick(&roles)),
            "condition": dice.pick(&conditions())});
        if dice.below(4) == 0 {
            row["type"] = json!("Microsoft.Authorization/roleEligibilityScheduleInstances");
        }
        rows.push(row);
    }
    for at in 0..dice.below(6) {
        let people = |dice: &mut Dice, most: usize| {
            let all = [&PEOPLE[..], &GROUPS[..], &[EVERYONE][..]].concat();
            (0..dice.below(most)).map(|_| json!({"id": one(dice, &all), "type": "User"})).collect::<Vec<_>>()
        };
        let scope = dice.pick(&scopes).clone();
        rows.push(
            json!({"denyAssignmentName": format!("d{at}"), "scope": spelled(dice, &scope), "permissions": [block(dice)],
            "principals": people(dice, 6), "excludePrincipals": people(dice, 3),
            "doNotApplyToChildScopes": dice.below(4) == 0,
            "denyAssignmentEffect": one(dice, &["enforced", "Enforced", "audit"]),
            "condition": if dice.below(5) == 0 { json!("x") } else { Value::Null }}),
        );
    }
    for group in &GROUPS[..4] {
        let members: Vec<Value> = (0..dice.below(4))
            .map(|_| match dice.below(3) {
                0 => json!({"@odata.type": "#microsoft.graph.group", "id": one(dice, &GROUPS)}),
                _ => json!({"@odata.type": "#microsoft.graph.user", "id": one(dice, &PEOPLE)}),
            })
            .collect();
        rows.push(
            json!({"id": group, "displayName": group, "@odata.type": "#microsoft.graph.group", "members": members}),
        );
    }
    rows.push(json!({"id": "unread", "@odata.type": "#microsoft.graph.group", "securityEnabled": true}));
    for _ in 0..dice.below(3) {
        rows.push(
            json!({"groupId": one(dice, &GROUPS), "principalId": one(dice, &[&PEOPLE[..], &GROUPS[..]].concat()),
            "accessId": one(dice, &["member", "member", "owner"])}),
        );
    }
    if dice.below(3) > 0 {
        let mg = |name: &str| json!({"id": format!("{GROUP_PREFIX}{name}")});
        let group = |name: &str, parent: Value| {
            json!({"id": format!("{GROUP_PREFIX}{name}"), "type": "Microsoft.Management/managementGroups",
                "details": {"parent": parent}})
        };
        rows.extend([group("root", Value::Null), group("a", mg("root")), group("b", mg("a")), group("c", mg("root"))]);
        for subscription in SUBSCRIPTIONS {
            rows.push(json!({"id": subscription, "type": "/subscriptions", "parent": mg(one(dice, &["root", "a", "b", "c"]))}));
        }
    }
    rows
}

/// Questions about a world, so many that each scope and each person is asked about.
pub(crate) fn questions(dice: &mut Dice) -> Vec<Asked> {
    let mut scopes = scopes();
    scopes.push(format!("{}/resourceGroups/new", SUBSCRIPTIONS[0]));
    let mut all = Vec::new();
    for scope in scopes {
        for principal in [&PEOPLE[..], &GROUPS[..]].concat() {
            let (action, data) = (one(dice, &ACTIONS), dice.below(4) == 0);
            all.push(Asked { principal: principal.to_owned(), action, data, scope: spelled(dice, &scope) });
        }
    }
    all
}

fn text<'r>(row: &'r Value, key: &str) -> &'r str {
    row[key].as_str().unwrap_or_default()
}

fn list<'r>(row: &'r Value, key: &str) -> impl Iterator<Item = &'r Value> {
    row[key].as_array().into_iter().flatten()
}

/// Whether a pattern matches; each is tried once.
fn matches(pattern: &str, action: &str, nothing: bool) -> bool {
    static TRIED: Mutex<BTreeMap<(String, String, bool), bool>> = Mutex::new(BTreeMap::new());
    let key = (pattern.to_owned(), action.to_owned(), nothing);
    *TRIED.lock().unwrap().entry(key).or_insert_with(|| matches_afresh(pattern, action, nothing))
}

/// A pattern as a regular expression; whether a star between slashes may be nothing.
fn matches_afresh(pattern: &str, action: &str, nothing: bool) -> bool {
    let mut expression = regex::escape(pattern);
    if nothing {
        expression = expression.replace(r"/\*/", "/(.*/)?");
    }
    let expression = format!("(?i)^{}$", expression.replace(r"\*", ".*"));
    Regex::new(&expression).unwrap().is_match(action)
}

/// Whether each role may be given, under a condition.
fn table(condition: &Value, action: &str) -> Vec<Option<bool>> {
    let text = condition.as_str().unwrap_or_default();
    let all = |value| vec![value; GIVEN.len()];
    if condition.is_null() {
        all(Some(true))
    } else if let Some((_, role)) = text.split_once("GuidEquals {") {
        if action != WRITE {
            return all(Some(true));
        }
        GIVEN.iter().map(|given| Some(role.starts_with(given))).collect()
    } else if text.starts_with("!(ActionMatches") {
        all(Some(!action.starts_with("Microsoft.Storage/")))
    } else {
        all(None)
    }
}

fn both(a: &[Option<bool>], b: &[Option<bool>]) -> Vec<Option<bool>> {
    let one = |(a, b): (&Option<bool>, &Option<bool>)| match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    };
    a.iter().zip(b).map(one).collect()
}

fn either(a: &[Option<bool>], b: &[Option<bool>]) -> Vec<Option<bool>> {
    let not = |table: &[Option<bool>]| table.iter().map(|one| one.map(|one| !one)).collect::<Vec<_>>();
    not(&both(&not(a), &not(b)))
}

/// Everybody that one is, groups included; whether memberships that have to be activated count.
fn everybody(rows: &[Value], principal: &str, activated: bool) -> BTreeSet<String> {
    let mut all = BTreeSet::from([principal.to_lowercase()]);
    loop {
        let mut more = BTreeSet::new();
        for row in rows {
            if list(row, "members").any(|member| all.contains(text(member, "id"))) {
                more.insert(text(row, "id").to_owned());
            }
            if activated && row["groupId"].is_string() && all.contains(text(row, "principalId")) {
                more.insert(text(row, "groupId").to_owned());
            }
        }
        if more.is_subset(&all) {
            return all;
        }
        all.extend(more);
    }
}

/// Whether it is not known who all is in a group.
fn unread(rows: &[Value], group: &str) -> bool {
    let mut all = BTreeSet::from([group.to_owned()]);
    loop {
        let mut more = all.clone();
        for row in rows {
            if all.contains(text(row, "id")) {
                more.extend(list(row, "members").map(|member| text(member, "id").to_owned()));
            }
            if all.contains(text(row, "groupId")) {
                more.insert(text(row, "principalId").to_owned());
            }
        }
        if more == all {
            return all.contains("unread");
        }
        all = more;
    }
}

/// Every scope above a scope and itself, and whether those are surely all.
fn above(rows: &[Value], scope: &str) -> (BTreeSet<String>, bool) {
    let scope = scope.to_lowercase();
    let mut all = BTreeSet::from(["/".to_owned()]);
    let mut text_of = String::new();
    for segment in scope.split('/').filter(|segment| !segment.is_empty()) {
        text_of = format!("{text_of}/{segment}");
        all.insert(text_of.clone());
    }
    let tree: Vec<&Value> =
        rows.iter().filter(|row| row.get("parent").is_some() || row.get("details").is_some()).collect();
    let group = all.iter().any(|one| one.starts_with(&GROUP_PREFIX.to_lowercase()));
    loop {
        let mut more = BTreeSet::new();
        for row in &tree {
            let parent = if row.get("parent").is_some() { &row["parent"] } else { &row["details"]["parent"] };
            if all.contains(&text(row, "id").to_lowercase()) && !parent.is_null() {
                more.insert(text(parent, "id").to_lowercase());
            }
        }
        if more.is_subset(&all) {
            break;
        }
        all.extend(more);
    }
    let sure = !tree.is_empty() || !(group || scope.starts_with("/subscriptions/"));
    (all, sure)
}

/// What the judge says.
pub(crate) fn judge(rows: &[Value], asked: &Asked) -> Answer {
    let (actions, not_actions) = if asked.data { ("dataActions", "notDataActions") } else { ("actions", "notActions") };
    let (above_here, sure) = above(rows, &asked.scope);
    let (active, all) = (everybody(rows, &asked.principal, false), everybody(rows, &asked.principal, true));
    let place = asked.scope.to_lowercase();
    let mut grants = BTreeMap::new();
    for row in rows.iter().filter(|row| row.get("roleDefinitionId").is_some()) {
        let (principal, scope) = (text(row, "principalId").to_lowercase(), text(row, "scope").to_lowercase());
        if !all.contains(&principal) {
            continue;
        }
        let later = !active.contains(&principal);
        let mut unknown = false;
        if !above_here.contains(&scope) {
            let below = above(rows, &scope).0.contains(&place);
            if sure || below || !scope.starts_with(&GROUP_PREFIX.to_lowercase()) {
                continue;
            }
            unknown = true;
        }
        let role = text(row, "roleDefinitionId").rsplit('/').next().unwrap();
        let definition = rows.iter().find(|row| row.get("roleName").is_some() && text(row, "name") == role);
        let mut held: Option<Vec<Option<bool>>> = None;
        match definition {
            None => {
                unknown = true;
                held = Some(vec![Some(true); GIVEN.len()]);
            }
            Some(definition) => {
                for block in list(definition, "permissions") {
                    let any = |key: &str, nothing| {
                        list(block, key).any(|pattern| matches(pattern.as_str().unwrap(), asked.action, nothing))
                    };
                    if any(actions, true) && !any(not_actions, false) {
                        let table = table(&block["condition"], asked.action);
                        held = Some(held.map_or(table.clone(), |held| either(&held, &table)));
                    }
                }
            }
        }
        let Some(held) = held.map(|held| both(&held, &table(&row["condition"], asked.action))) else { continue };
        if held.iter().all(|one| *one == Some(false)) {
            continue;
        }
        let eligible = later || text(row, "type").contains("Eligibility");
        let mut rank = match held.iter().all(|one| *one == Some(true)) {
            _ if unknown => 3,
            _ if eligible => 2,
            true => 0,
            false => 1,
        };
        let who = if later { &all } else { &active };
        for deny in rows.iter().filter(|row| row.get("denyAssignmentName").is_some()) {
            rank = rank.max(denied(rows, deny, who, asked, &above_here, [actions, not_actions]));
        }
        let through = if principal == asked.principal { String::new() } else { format!(" by {principal} {later}") };
        let key = format!("{role} at {scope} {} {}{through}", !text(row, "type").is_empty(), row["condition"]);
        grants.insert(key, (WORDS[rank], held));
    }
    let decision = WORDS.iter().find(|word| grants.values().any(|(decision, _)| decision == *word));
    Answer { decision: decision.unwrap_or(&"no"), grants }
}

const WORDS: [&str; 5] = ["allowed", "conditional", "eligible", "unknown", "denied"];

/// How far a deny assignment weakens a grant.
fn denied(
    rows: &[Value],
    deny: &Value,
    who: &BTreeSet<String>,
    asked: &Asked,
    above: &BTreeSet<String>,
    [actions, not_actions]: [&str; 2],
) -> usize {
    let scope = text(deny, "scope").to_lowercase();
    let here = scope == asked.scope.to_lowercase();
    let only_here = deny["doNotApplyToChildScopes"] == json!(true);
    if text(deny, "denyAssignmentEffect") == "audit" || !above.contains(&scope) || (only_here && !here) {
        return 0;
    }
    let named = |key: &str| list(deny, key).any(|one| who.contains(text(one, "id")));
    let everyone = list(deny, "principals").any(|one| text(one, "id") == EVERYONE);
    if !(everyone || named("principals")) || named("excludePrincipals") {
        return 0;
    }
    let block = &deny["permissions"][0];
    let any =
        |key: &str, nothing| list(block, key).any(|pattern| matches(pattern.as_str().unwrap(), asked.action, nothing));
    if !any(actions, false) || any(not_actions, true) {
        return 0;
    }
    if !block["condition"].is_null() || !deny["condition"].is_null() {
        return 1;
    }
    let perhaps_out =
        list(deny, "excludePrincipals").any(|one| GROUPS.contains(&text(one, "id")) && unread(rows, text(one, "id")));
    if perhaps_out { 3 } else { 4 }
}
