//! What a real server says, kept as files: for tests that have no server, and for the table of built-in resources.
//!
//! `every_recorded_file_is_what_the_server_says` compares; `record_files` writes them anew:
//!
//! ```sh
//! env $(tests/e2e/build-assets) cargo test --features e2e --test e2e record_ -- --ignored
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::server::{self, ApiServer, Call, Options, RBAC, RBAC_KINDS, strip};

/// Both discovery documents in one request each, which kubectl asks for as well.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

#[test]
fn every_recorded_file_is_what_the_server_says() {
    for (path, said) in files() {
        let recorded = fs::read_to_string(in_repository(&path)).unwrap_or_default();
        assert!(recorded == said, "{path} is not what the server says: see the head of tests/e2e/record.rs");
    }
}

#[test]
#[ignore = "writes into tests/fixtures and src/model"]
fn record_files() {
    for (path, said) in files() {
        let path = in_repository(&path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, said).unwrap();
    }
}

/// Each recorded file by its path in the repository.
fn files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut documents = Vec::new();
    {
        // With controllers, so that admin, edit and view have their rules.
        let server = server::with_controllers();
        for (_, plural) in RBAC_KINDS {
            let mut list = server.get(&format!("{RBAC}/{plural}"));
            strip(&mut list);
            list["items"].as_array_mut().unwrap().iter_mut().for_each(strip);
            files.insert(format!("tests/fixtures/bootstrap-1.36/{plural}.json"), lines(&list));
        }
        documents.extend(discovery(&server, ""));
    }
    let everything = vec!["--runtime-config=api/all=true".to_owned()];
    let server = ApiServer::start(Options { extra_args: everything, ..Options::default() });
    documents.extend(discovery(&server, "-all"));

    let version = server.get("/version")["gitVersion"].as_str().unwrap().to_owned();
    let table = resource_table(&version, documents.iter().map(|(_, document)| document));
    files.insert("src/model/resources.tsv".to_owned(), table);
    for (name, document) in documents {
        files.insert(format!("tests/fixtures/discovery-1.36/{name}.json"), lines(&document));
    }
    files
}

fn discovery(server: &ApiServer, suffix: &str) -> [(String, Value); 2] {
    ["api", "apis"].map(|root| {
        let reply = server.call(Call::get(format!("/{root}")).header("accept", AGGREGATED));
        assert_eq!(reply.code, 200, "{}", reply.body);
        (format!("{root}{suffix}"), reply.body)
    })
}

/// A list as JSON with one item a line, so that a change of one object is a change of one line.
fn lines(list: &Value) -> String {
    let mut head = list.clone();
    let items = head["items"].take();
    head.as_object_mut().unwrap().remove("items");
    let head = head.to_string();
    let items: Vec<String> = items.as_array().unwrap().iter().map(Value::to_string).collect();
    format!("{},\"items\":[\n{}\n]}}\n", head.strip_suffix('}').unwrap(), items.join(",\n"))
}

/// One line for each resource and subresource of the first document that has it, from the version that the server
/// prefers among those that have it.
fn resource_table<'a>(version: &str, documents: impl Iterator<Item = &'a Value>) -> String {
    let mut rows = BTreeMap::new();
    for group in documents.flat_map(|document| array(&document["items"])) {
        let group_name = text(&group["metadata"]["name"]);
        // The versions come in the order of preference.
        for version in array(&group["versions"]) {
            for resource in array(&version["resources"]) {
                let name = text(&resource["resource"]);
                let namespaced = (resource["scope"] == "Namespaced").to_string();
                // The kind may be of another group (pods/eviction is policy's Eviction): what counts for RBAC is the
                // group that serves the path, which is the parent's.
                let mut add = |name: String, of: &Value, labels: [String; 3]| {
                    let kind = text(&of["responseKind"]["kind"]);
                    let verbs = joined(&of["verbs"]);
                    let [singular, short_names, categories] = labels;
                    let columns = [
                        group_name,
                        text(&version["version"]),
                        &name,
                        kind,
                        &namespaced,
                        &verbs,
                        &singular,
                        &short_names,
                        &categories,
                    ];
                    let row = columns.join("\t");
                    rows.entry((group_name.to_owned(), name)).or_insert(row);
                };
                let labels = [
                    text(&resource["singularResource"]).to_owned(),
                    joined(&resource["shortNames"]),
                    joined(&resource["categories"]),
                ];
                add(name.to_owned(), resource, labels);
                for subresource in array(&resource["subresources"]) {
                    let name = format!("{name}/{}", text(&subresource["subresource"]));
                    add(name, subresource, Default::default());
                }
            }
        }
    }
    let mut table = format!(
        "# The built-in resources, from the discovery documents of kube-apiserver {version}: those it serves by default,\n\
         # then those that only --runtime-config=api/all=true adds. Written by tests/e2e/record.rs.\n\
         # group\tversion\tresource[/subresource]\tkind\tnamespaced\tverbs\tsingular\tshortNames\tcategories\n"
    );
    for row in rows.values() {
        table.push_str(row);
        table.push('\n');
    }
    table
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn joined(list: &Value) -> String {
    array(list).map(text).collect::<Vec<_>>().join(",")
}

/// The core group's name and other empty values are left out of the documents.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn in_repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
