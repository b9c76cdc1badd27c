//! The roles that Azure brings along. The table is built into the program and looked at only when somebody asks for a role.

use std::sync::OnceLock;

/// What Azure's own roles allow; its first lines say where it comes from.
const TABLE: &str = include_str!("built-in-roles.txt");

/// A role that Azure brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltInRole {
    /// Its GUID, lower-cased.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its permission blocks.
    pub blocks: Vec<BuiltInBlock>,
}

/// One permission block of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuiltInBlock {
    /// `actions`, `notActions`, `dataActions`, `notDataActions`.
    pub lists: [Vec<&'static str>; 4],
    /// The condition, if it has one.
    pub condition: Option<&'static str>,
}

/// The table with its lines found.
struct Table {
    actions: Vec<&'static str>,
    conditions: Vec<&'static str>,
    /// By id.
    roles: Vec<(&'static str, &'static str)>,
}

fn table() -> &'static Table {
    static FOUND: OnceLock<Table> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut found = Table { actions: Vec::new(), conditions: Vec::new(), roles: Vec::new() };
        let mut part = "";
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            match (line.strip_prefix("= "), part) {
                (Some(next), _) => part = next,
                (None, "actions") => found.actions.push(line),
                (None, "conditions") => found.conditions.push(line),
                (None, _) => found.roles.extend(line.split_once('\t')),
            }
        }
        found
    })
}

/// The built-in role with a GUID (lower-cased), if Azure has it. O(log n) after the first time.
pub fn built_in_role(id: &str) -> Option<BuiltInRole> {
    let table = table();
    let at = table.roles.binary_search_by(|(guid, _)| (*guid).cmp(id)).ok()?;
    let (id, rest) = *table.roles.get(at)?;
    let mut columns = rest.split('\t');
    let name = columns.next()?;
    let block = |text: &'static str| {
        let mut parts = text.split('|');
        let mut list = || {
            let numbers = parts.next().unwrap_or_default().split(' ');
            numbers.filter_map(|at| table.actions.get(at.parse::<usize>().ok()?).copied()).collect()
        };
        let lists = [list(), list(), list(), list()];
        let condition = parts.next().and_then(|at| table.conditions.get(at.parse::<usize>().ok()?).copied());
        BuiltInBlock { lists, condition }
    };
    Some(BuiltInRole { id, name, blocks: columns.map(block).collect() })
}

/// The ids and names of all built-in roles, by id.
pub fn built_in_roles() -> impl Iterator<Item = (&'static str, &'static str)> {
    table().roles.iter().map(|(id, rest)| (*id, rest.split('\t').next().unwrap_or_default()))
}
