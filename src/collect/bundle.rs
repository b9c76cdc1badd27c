//! Files that are built into the program: the embedded example.

/// A file that is built into the program.
#[derive(Debug, PartialEq, Eq)]
pub struct BundleFile {
    /// Its path in the repository.
    pub name: &'static str,
    /// Its content.
    pub text: &'static str,
}

macro_rules! bundle {
    ($($name:literal),* $(,)?) => {
        &[$(BundleFile { name: $name, text: include_str!(concat!("../../", $name)) }),*]
    };
}

/// The Kubernetes side of the embedded example, `examples/contoso`. A test compares the list with the folder.
pub const DEMO: &[BundleFile] = bundle![
    "examples/contoso/00-namespaces.yaml",
    "examples/contoso/01-custom-resources.yaml",
    "examples/contoso/02-platform-team.yaml",
    "examples/contoso/03-aso-operator.yaml",
    "examples/contoso/04-cert-manager.yaml",
    "examples/contoso/05-argocd.yaml",
    "examples/contoso/06-pipelines.yaml",
    "examples/contoso/07-dev.yaml",
    "examples/contoso/08-dev-azure.yaml",
    "examples/contoso/09-shared.yaml",
    "examples/contoso/10-prod.yaml",
    "examples/contoso/11-workloads.yaml",
];

/// The Azure side of the embedded example, `examples/contoso/azure`. A test compares the list with the folder.
pub const DEMO_AZURE: &[BundleFile] = bundle![
    "examples/contoso/azure/deny-assignments.json",
    "examples/contoso/azure/federated-credentials.json",
    "examples/contoso/azure/groups.json",
    "examples/contoso/azure/identities.json",
    "examples/contoso/azure/managed-clusters.json",
    "examples/contoso/azure/management-groups.json",
    "examples/contoso/azure/pim-eligible.json",
    "examples/contoso/azure/pim-group-eligible.json",
    "examples/contoso/azure/role-assignments.json",
    "examples/contoso/azure/role-definitions.json",
    "examples/contoso/azure/service-principals.json",
];
