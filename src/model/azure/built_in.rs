//! The roles that Azure brings along. The table is built into the program and looked at only when somebody asks for a role.

use std::io::Read;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

/// What Azure's own roles allow, packed: `built-in-roles.txt`, whose first lines say where it comes from.
const PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/built-in-roles.txt.gz"));

/// The table as text; a test holds it to what was packed.
fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let mut text = String::new();
        let read = GzDecoder::new(PACKED).read_to_string(&mut text);
        read.map_or_else(|_| String::new(), |_| text)
    })
}

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
        for line in text().lines().filter(|line| !line.starts_with('#')) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_every_role_whole() {
        assert_eq!(text(), include_str!("built-in-roles.txt"));
        let roles: Vec<BuiltInRole> = built_in_roles().filter_map(|(id, _)| built_in_role(id)).collect();
        assert_eq!(roles.len(), 928);
        assert!(roles.is_sorted_by(|a, b| a.id < b.id), "looked up by halving");
        let blocks: Vec<&BuiltInBlock> = roles.iter().flat_map(|role| &role.blocks).collect();
        assert_eq!(roles.iter().filter(|role| role.blocks.len() > 1).count(), 16);
        assert_eq!(blocks.iter().filter(|block| block.condition.is_some()).count(), 31);
        assert_eq!(blocks.iter().flat_map(|block| &block.lists).map(Vec::len).sum::<usize>(), 11_066);
        for block in blocks {
            for pattern in block.lists.iter().flatten() {
                let stars = pattern.split('/').filter(|segment| segment.contains('*')).collect::<Vec<_>>();
                assert!(stars.is_empty() || stars == ["*"], "{pattern}: one star at most, a segment of its own");
            }
        }
    }

    #[test]
    fn roles_are_what_azure_publishes() {
        let contributor = built_in_role("b24988ac-6180-42a0-ab88-20f7382dd24c").unwrap();
        assert_eq!((contributor.name, contributor.blocks.len()), ("Contributor", 1));
        let [actions, not_actions, data, _] = &contributor.blocks[0].lists;
        assert_eq!((actions.as_slice(), data.len()), (&["*"][..], 0));
        assert!(not_actions.contains(&"Microsoft.Authorization/*/Write") && not_actions.len() == 11);
        let cluster_admin = built_in_role("b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b").unwrap();
        assert_eq!(cluster_admin.blocks[0].lists[2], ["Microsoft.ContainerService/managedClusters/*"]);
        assert_eq!(built_in_role("00000000-0000-0000-0000-000000000001"), None);
        // Ids are joined lower-cased.
        assert_eq!(built_in_role("B24988AC-6180-42A0-AB88-20F7382DD24C"), None);
    }
}
