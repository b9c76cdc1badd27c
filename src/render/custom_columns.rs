//! `-o custom-columns=`: columns of the reader's own choice, as kubectl prints them (`k8s.io/kubectl/pkg/cmd/get`).

use serde_json::Value;

use super::jsonpath::JsonPath;
use super::table::lay_out;
use super::text::safe;

/// Columns, each with its head and where its cells are.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomColumns {
    columns: Vec<(String, JsonPath)>,
}

/// kubectl gives every column but the last at least six places, three of which are the gap.
const LEAST: usize = 3;

impl CustomColumns {
    /// Reads `HEAD:PATH,HEAD:PATH`.
    ///
    /// # Errors
    /// When a column has no head, or its path is none.
    pub fn parse(text: &str) -> Result<CustomColumns, String> {
        let column = |part: &str| {
            let (head, path) =
                part.split_once(':').ok_or_else(|| format!("the column `{part}` has no path; write HEAD:.PATH"))?;
            Ok((head.to_owned(), JsonPath::relaxed(path)?))
        };
        Ok(CustomColumns { columns: text.split(',').map(column).collect::<Result<_, String>>()? })
    }

    /// Reads a file of two lines: the heads, and below them the paths, with blanks between.
    ///
    /// # Errors
    /// When there are not as many paths as heads, or one is none.
    pub fn parse_file(text: &str) -> Result<CustomColumns, String> {
        let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let (heads, paths) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        if heads.is_empty() || heads.len() != paths.len() {
            let counts = format!("there are {} and {}", heads.len(), paths.len());
            return Err(format!("the first line has the heads of the columns and the second as many paths; {counts}"));
        }
        let column = |(head, path): (&str, &str)| Ok((head.to_owned(), JsonPath::relaxed(path)?));
        Ok(CustomColumns { columns: heads.into_iter().zip(paths).map(column).collect::<Result<_, String>>()? })
    }

    /// A line for each item.
    pub(super) fn print(&self, items: &[Value], heads: bool) -> Result<String, String> {
        let mut records = Vec::with_capacity(items.len() + 1);
        if heads {
            records.push(self.columns.iter().map(|(head, _)| head.clone()).collect());
        }
        for item in items {
            records.push(self.columns.iter().map(|(_, path)| cell(path, item)).collect::<Result<Vec<_>, String>>()?);
        }
        for record in &mut records {
            let last = record.len().saturating_sub(1);
            for cell in record.iter_mut().take(last) {
                *cell = format!("{cell:<LEAST$}");
            }
        }
        Ok(lay_out(records))
    }
}

fn cell(path: &JsonPath, item: &Value) -> Result<String, String> {
    let found = path.find(item)?;
    if found.first().is_none_or(Vec::is_empty) {
        return Ok("<none>".to_owned());
    }
    let cells: Vec<String> = found.iter().flatten().map(|found| safe(&found.in_column()).into_owned()).collect();
    Ok(cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_as_kubectl_prints_them() {
        let items = [
            json!({"a": "x", "b": {"c": [1, "two", null], "a": true}, "n": 1}),
            json!({"a": "longer than that", "list": [{"n": "p"}, {"n": "q"}]}),
        ];
        let print = |spec: &str, heads| CustomColumns::parse(spec).unwrap().print(&items, heads).unwrap();
        let line = |a: &str, b: &str, n: &str| format!("{a:<19}{b:<30}{n}\n");
        let expected = [
            line("A", "B", "N"),
            line("x", "map[a:true c:[1 two <nil>]]", "<none>"),
            line("longer than that", "<none>", "p,q"),
        ];
        assert_eq!(print("A:.a,B:{.b},N:list[*].n", true), expected.concat());
        assert_eq!(print("N:.n,M:.m", false), "1        <none>\n<none>   <none>\n");
        let narrow = CustomColumns::parse("A:.a,B:.b").unwrap().print(&[json!({"a": 1, "b": 2})], true).unwrap();
        assert_eq!(narrow, "A     B\n1     2\n");
        let from_file = CustomColumns::parse_file("A  B\n.a .b\n").unwrap();
        assert_eq!(from_file, CustomColumns::parse("A:.a,B:.b").unwrap());
    }

    #[test]
    fn what_are_no_columns_is_said() {
        let error = |spec| CustomColumns::parse(spec).unwrap_err();
        assert_eq!(error("A"), "the column `A` has no path; write HEAD:.PATH");
        assert_eq!(error("A:.a,"), "the column `` has no path; write HEAD:.PATH");
        assert!(error("A:{.a").contains("is no path"));
        let counts = "the first line has the heads of the columns and the second as many paths; there are 2 and 1";
        assert_eq!(CustomColumns::parse_file("A B\n.a"), Err(counts.to_owned()));
        assert!(CustomColumns::parse_file("").is_err());
    }
}
