//! Floor 1: the only reading from outside. Files, standard input, live clusters and saved snapshots all become
//! [`Snapshot`](crate::model::Snapshot) parts by one object reader; every problem of every input is gathered before giving up.

mod admissions;
mod aso;
mod azure;
mod bundle;
mod controllers;
mod defaults;
mod deputies;
mod document;
mod files;
mod glance;
mod kept;
mod lists;
mod live;
mod pieces;
mod pods;
mod powers;
mod rbac;
mod reviews;
mod saved;
mod secrets;
mod selectors;
mod shape;
mod sources;
mod transcode;
mod workloads;
mod yaml;

pub use azure::{AzureExport, AzureInput, AzureWanted, Refusal, azure_commands, export_azure, read_azure};
pub use bundle::{BundleFile, DEMO, DEMO_AZURE};
pub use document::{Needs, Problem};
pub use files::{FileOptions, Input, Limits, LoadError, count_files, load, load_watched, read_documents};
pub use glance::{
    Entry, KubeconfigNames, SNAPSHOT_VARIABLE, find_program, glance, is_file, is_folder, is_same, kubeconfig_names,
    last_snapshot, look, own_program, program_bytes, search_path,
};
pub use kept::{CONFIG, read_baseline, read_suppressions, read_template};
pub use live::{
    AccessQuestion, Connection, ConnectionOptions, LiveCluster, LiveError, LiveOptions, Progress, Secrets,
    StandardInput, connection,
};
pub use reviews::read_reviews;
