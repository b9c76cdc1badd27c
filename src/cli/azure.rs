//! `who-can --azure-action`.

use super::World;
use super::exit::{Exits, Failure, Outcome, count, notes};
use super::who_can::Args;
use crate::graph::AzureGraph;
use crate::graph::azure::{AzurePlace, PrincipalIx};
use crate::model::azure::{
    DIRECTORY_ROLES, ELEVATE_ACCESS, Plane, RoleAssignment, built_in_role, built_in_roles, check_action, check_scope,
    subscription_of,
};
use crate::query::azure_who_can;
use crate::render::{AzureWhoCanReport, Metadata, Print, safe};

/// Answers who can do an action at a scope, from Azure's side alone.
pub(super) fn run(args: &Args, action: &str, world: &mut World<'_>) -> Result<Outcome, Failure> {
    let wanted = args.output.wanted::<AzureWhoCanReport<'_>>(world.terminal)?;
    check_action(action).map_err(Failure::Usage)?;
    let scope = args.scope.as_deref().unwrap_or("/");
    check_scope(scope).map_err(Failure::Usage)?;
    let plane = if args.data { Plane::Data } else { Plane::Control };
    let facts = args.input.read_azure_alone(world)?;
    let graph = AzureGraph::new(&facts.snapshot.azure);
    let question = graph.question(action, plane);
    let place = graph.locate(scope);
    let keep = |principal: PrincipalIx| args.subjects.keeps_in_azure(graph.principal(principal));
    let answer = azure_who_can(&graph, &question, place, &keep);
    let gaps = facts.snapshot.gaps.len() + answer.gaps.len();
    let mut exits = Exits::default();
    exits.add(args.input.strict && gaps > 0, 3, || format!("{gaps} gaps"));
    let report = AzureWhoCanReport {
        snapshot: &facts.snapshot,
        graph: &graph,
        question: &question,
        scope,
        place,
        answer: &answer,
        metadata: Metadata { gaps: answer.gaps.clone(), ..facts.metadata },
        exit: exits.exit(),
    };
    let printed = report.print(&wanted)?;
    let mut lines = notes(&facts.snapshot, &report.metadata.gaps, args.output.quiet);
    if !args.output.quiet {
        lines.extend(nearest(&graph, scope, place));
        if graph.facts().denies.is_empty() {
            lines.push("note: no deny assignment was read; what they take away is not seen".to_owned());
        }
        // Every tenant has one.
        let of_entra = |one: &RoleAssignment| one.id.starts_with(DIRECTORY_ROLES);
        if action.eq_ignore_ascii_case(ELEVATE_ACCESS) && !graph.facts().assignments.iter().any(of_entra) {
            lines.push("note: who is Global Administrator of Entra, and may do this, was not read".to_owned());
        }
        let denied = match answer.denied {
            0 => String::new(),
            some => format!("; deny assignments stop {some} more"),
        };
        lines.push(match answer.rows.len() {
            0 if args.subjects.chooses() => format!("none of the principals asked for can {action}{denied}"),
            0 => format!("nobody can {action} there{denied}"),
            some => format!("{}{denied}", count(some, "principal")),
        });
        if answer.rows.is_empty() {
            lines.extend(other_plane(action, plane));
        }
    }
    Ok(Outcome::new(printed, lines, report.exit.code))
}

/// A hint for a scope that nothing was read of: a slip of the hand looks just like an empty one.
pub(super) fn nearest(graph: &AzureGraph<'_>, scope: &str, place: AzurePlace) -> Option<String> {
    let near = graph.scope_text(place.scope);
    // What lies inside a resource that is known need not be listed anywhere.
    let resource = subscription_of(graph.scope_folded(place.scope)).is_some() && near.contains("/providers/");
    (place.below && !resource)
        .then(|| format!("hint: nothing was read of a scope `{}`; what is above it is {}", safe(scope), safe(near)))
}

/// A hint for an action that only the other list of Azure's own roles has.
fn other_plane(action: &str, plane: Plane) -> Option<String> {
    let (mut control, mut data) = (None, None);
    for role in built_in_roles().filter_map(|(id, _)| built_in_role(id)) {
        let has = |list: usize| {
            let mut patterns = role.blocks.iter().flat_map(|block| &block.lists[list]);
            patterns.any(|pattern| pattern.eq_ignore_ascii_case(action))
        };
        if has(0) {
            control.get_or_insert(role.name);
        }
        if has(2) {
            data.get_or_insert(role.name);
        }
    }
    match (plane, control, data) {
        (Plane::Control, None, Some(role)) => {
            Some(format!("hint: this is a data action in roles such as `{role}`; use --data"))
        }
        (Plane::Data, Some(role), None) => {
            Some(format!("hint: this is no data action in roles such as `{role}`; leave --data out"))
        }
        _ => None,
    }
}
