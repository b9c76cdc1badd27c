//! The kinds of Azure Service Operator v2: what each makes in Azure, and what its resources can do with Secrets and identities.
//!
//! Facts derived by reading the CRDs and API types of <https://github.com/Azure/azure-service-operator> (MIT) as of 2026-08-21, the
//! line after v2.20.0. Kinds of later releases are missing; what a cluster has installed is the CRDs' to say, not this table's.

/// A kind of the table. Its order is that of group and plural.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindIx(u16);

/// What is known of a kind.
#[derive(Debug)]
pub struct AsoKind {
    /// The API group, such as `storage.azure.com`.
    pub group: &'static str,
    /// The kind, such as `StorageAccount`. Kinds of different groups share names (`Namespace`, `User`), and some those of Kubernetes.
    pub kind: &'static str,
    /// The plural resource.
    pub plural: &'static str,
    /// The resource type in Azure; none for what Microsoft Graph or a database keeps.
    pub arm_type: Option<&'static str>,
    /// What its `spec.owner` is.
    pub owner: AsoOwnerKind,
    traits: u8,
}

/// What owns the resources of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsoOwnerKind {
    /// Nothing: a location, a tenant or a directory.
    Nothing,
    /// Whatever resource is named: the kind is an extension of any.
    Any,
    /// A resource of this kind: group and kind, such as `storage.azure.com` and `StorageAccount`.
    Kind(&'static str, &'static str),
}

/// The resource can be given user-assigned identities.
const IDENTITY: u8 = 1;
/// Fields of it take values from Secrets of its namespace.
const READS: u8 = 2;
/// It belongs to any resource of Azure.
const EXTENSION: u8 = 4;
/// Deleting it leaves Azure as it is.
const KEPT: u8 = 8;
/// It runs code that its writer names.
const CODE: u8 = 16;
/// Only Red Hat's fork has it.
const RED_HAT: u8 = 32;
const NONE: u8 = 0;

/// The type whose actions a ResourceGroup needs; its own type has none.
const GROUP_ACTIONS: &str = "Microsoft.Resources/subscriptions/resourceGroups";

/// What every attached identity takes, beside the right on the resource.
pub const ASSIGN_IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action";

impl KindIx {
    /// Every kind.
    pub fn all() -> impl ExactSizeIterator<Item = KindIx> {
        (0..KINDS.len()).map(|at| KindIx(short(at)))
    }

    /// The kind of a group by its plural resource, as RBAC names it. O(log n).
    pub fn of_resource(group: &str, plural: &str) -> Option<KindIx> {
        KINDS.binary_search_by(|at| (at.group, at.plural).cmp(&(group, plural))).ok().map(|at| KindIx(short(at)))
    }

    /// The kind of a group by its name, as objects write it. O(log n) and the kinds of the group.
    pub fn of_kind(group: &str, kind: &str) -> Option<KindIx> {
        let from = KINDS.partition_point(|at| at.group < group);
        let own = KINDS.iter().enumerate().skip(from).take_while(|(_, at)| at.group == group);
        own.into_iter().find(|(_, at)| at.kind == kind).map(|(at, _)| KindIx(short(at)))
    }

    /// Its place in the table.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// What is known of it.
    pub fn facts(self) -> &'static AsoKind {
        &KINDS[usize::from(self.0)]
    }
}

/// Whether any kind of the table is of this API group.
pub fn is_aso_group(group: &str) -> bool {
    let from = KINDS.partition_point(|at| at.group < group);
    KINDS.get(from).is_some_and(|at| at.group == group)
}

/// Whether a version of an API looks like those of the operator: `v1api20230101preview` and, newer, `v20230101`. Other APIs below
/// `azure.com` (AKS and Arc have some) do not.
pub fn is_aso_version(version: &str) -> bool {
    let Some(rest) = version.strip_prefix("v1api").or_else(|| version.strip_prefix('v')) else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    digits == 8 && matches!(&rest[digits..], "" | "preview" | "storage")
}

impl AsoKind {
    /// The resource type that actions begin with; none for what Azure's roles have no actions for.
    pub fn action_type(&self) -> Option<&'static str> {
        self.arm_type.map(|own| if own == "Microsoft.Resources/resourceGroups" { GROUP_ACTIONS } else { own })
    }

    /// The action that creates and changes.
    pub fn write_action(&self) -> Option<String> {
        self.action_type().map(|own| [own, "/write"].concat())
    }

    /// The action that reads.
    pub fn read_action(&self) -> Option<String> {
        self.action_type().map(|own| [own, "/read"].concat())
    }

    /// The action that deletes; none for what the operator cannot delete.
    pub fn delete_action(&self) -> Option<String> {
        self.action_type().filter(|_| self.traits & KEPT == 0).map(|own| [own, "/delete"].concat())
    }

    /// Whether a user-assigned identity can be attached, with [`ASSIGN_IDENTITY`] on the identity.
    pub fn attaches_identity(&self) -> bool {
        self.traits & IDENTITY != 0
    }

    /// Whether fields of it take values from any Secret of its namespace (`SecretReference`).
    pub fn reads_secrets(&self) -> bool {
        self.traits & READS != 0
    }

    /// Whether it runs code that its writer names.
    pub fn runs_code(&self) -> bool {
        self.traits & CODE != 0
    }

    /// Whether it may belong to any resource of Azure, of whatever subscription or management group.
    pub fn is_extension(&self) -> bool {
        self.traits & EXTENSION != 0
    }

    /// Whether only Red Hat's fork of the operator has it.
    pub fn is_downstream(&self) -> bool {
        self.traits & RED_HAT != 0
    }

    /// Whether `operatorSpec.secretExpressions` writes Secrets of a chosen name and text: nearly all kinds of Azure since v2.11.
    pub fn writes_secrets(&self) -> bool {
        self.arm_type.is_some()
    }

    /// The keys that `operatorSpec.secrets` exports, and the actions that takes beside reading (for several keys not all of them).
    pub fn exports(&self) -> Option<(impl Iterator<Item = &'static str>, impl Iterator<Item = &'static str>)> {
        let own =
            |at: &&(&str, &str, &str, &str)| self.group.strip_suffix(".azure.com") == Some(at.0) && self.plural == at.1;
        let &(_, _, actions, keys) = EXPORTS.iter().find(own)?;
        Some((keys.split(','), actions.split(',').filter(|action| !action.is_empty())))
    }
}

#[expect(clippy::expect_used, reason = "the table has a few hundred entries")]
fn short(at: usize) -> u16 {
    u16::try_from(at).expect("a few hundred entries")
}

macro_rules! owner {
    () => {
        AsoOwnerKind::Nothing
    };
    (*) => {
        AsoOwnerKind::Any
    };
    ($group:literal $kind:literal) => {
        AsoOwnerKind::Kind(concat!($group, ".azure.com"), $kind)
    };
}

macro_rules! kind {
    ($group:literal $kind:literal $plural:literal $arm:literal [$($owner:tt)*] $traits:expr) => {
        AsoKind {
            group: concat!($group, ".azure.com"),
            kind: $kind,
            plural: $plural,
            arm_type: if $arm.is_empty() { None } else { Some($arm) },
            owner: owner!($($owner)*),
            traits: $traits,
        }
    };
}

/// Group (all end in `.azure.com`), kind, plural, resource type, owner, traits.
// INVARIANT: sorted by group and plural.
#[rustfmt::skip]
static KINDS: [AsoKind; 297] = [
    kind!("alertsmanagement" "PrometheusRuleGroup" "prometheusrulegroups" "Microsoft.AlertsManagement/prometheusRuleGroups" ["resources" "ResourceGroup"] NONE),
    kind!("alertsmanagement" "SmartDetectorAlertRule" "smartdetectoralertrules" "microsoft.alertsManagement/smartDetectorAlertRules" ["resources" "ResourceGroup"] NONE),
    kind!("apimanagement" "ApiDiagnostic" "apidiagnostics" "Microsoft.ApiManagement/service/apis/diagnostics" ["apimanagement" "Api"] NONE),
    kind!("apimanagement" "ApiPolicy" "apipolicies" "Microsoft.ApiManagement/service/apis/policies" ["apimanagement" "Api"] NONE),
    kind!("apimanagement" "Api" "apis" "Microsoft.ApiManagement/service/apis" ["apimanagement" "Service"] NONE),
    kind!("apimanagement" "ApiVersionSet" "apiversionsets" "Microsoft.ApiManagement/service/apiVersionSets" ["apimanagement" "Service"] NONE),
    kind!("apimanagement" "AuthorizationProvider" "authorizationproviders" "Microsoft.ApiManagement/service/authorizationProviders" ["apimanagement" "Service"] READS),
    kind!("apimanagement" "AuthorizationProvidersAuthorization" "authorizationprovidersauthorizations" "Microsoft.ApiManagement/service/authorizationProviders/authorizations" ["apimanagement" "AuthorizationProvider"] READS),
    kind!("apimanagement" "AuthorizationProvidersAuthorizationsAccessPolicy" "authorizationprovidersauthorizationsaccesspolicies" "Microsoft.ApiManagement/service/authorizationProviders/authorizations/accessPolicies" ["apimanagement" "AuthorizationProvidersAuthorization"] NONE),
    kind!("apimanagement" "Backend" "backends" "Microsoft.ApiManagement/service/backends" ["apimanagement" "Service"] READS),
    kind!("apimanagement" "Certificate" "certificates" "Microsoft.ApiManagement/service/certificates" ["apimanagement" "Service"] READS),
    kind!("apimanagement" "Diagnostic" "diagnostics" "Microsoft.ApiManagement/service/diagnostics" ["apimanagement" "Service"] NONE),
    kind!("apimanagement" "Group" "groups" "Microsoft.ApiManagement/service/groups" ["apimanagement" "Service"] NONE),
    kind!("apimanagement" "Logger" "loggers" "Microsoft.ApiManagement/service/loggers" ["apimanagement" "Service"] READS),
    kind!("apimanagement" "NamedValue" "namedvalues" "Microsoft.ApiManagement/service/namedValues" ["apimanagement" "Service"] NONE),
    kind!("apimanagement" "Policy" "policies" "Microsoft.ApiManagement/service/policies" ["apimanagement" "Service"] NONE),
    kind!("apimanagement" "PolicyFragment" "policyfragments" "Microsoft.ApiManagement/service/policyFragments" ["apimanagement" "Service"] NONE),
    kind!("apimanagement" "ProductApi" "productapis" "Microsoft.ApiManagement/service/products/apis" ["apimanagement" "Product"] NONE),
    kind!("apimanagement" "ProductGroup" "productgroups" "Microsoft.ApiManagement/service/products/groups" ["apimanagement" "Product"] NONE),
    kind!("apimanagement" "ProductPolicy" "productpolicies" "Microsoft.ApiManagement/service/products/policies" ["apimanagement" "Product"] NONE),
    kind!("apimanagement" "Product" "products" "Microsoft.ApiManagement/service/products" ["apimanagement" "Service"] NONE),
    kind!("apimanagement" "ServiceGatewayApi" "servicegatewayapis" "Microsoft.ApiManagement/service/gateways/apis" ["apimanagement" "ServiceGateway"] NONE),
    kind!("apimanagement" "ServiceGatewayCertificateAuthority" "servicegatewaycertificateauthorities" "Microsoft.ApiManagement/service/gateways/certificateAuthorities" ["apimanagement" "ServiceGateway"] NONE),
    kind!("apimanagement" "ServiceGatewayHostnameConfiguration" "servicegatewayhostnameconfigurations" "Microsoft.ApiManagement/service/gateways/hostnameConfigurations" ["apimanagement" "ServiceGateway"] NONE),
    kind!("apimanagement" "ServiceGateway" "servicegateways" "Microsoft.ApiManagement/service/gateways" ["apimanagement" "Service"] NONE),
    kind!("apimanagement" "Service" "services" "Microsoft.ApiManagement/service" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("apimanagement" "Subscription" "subscriptions" "Microsoft.ApiManagement/service/subscriptions" ["apimanagement" "Service"] READS),
    kind!("apimanagement" "User" "users" "Microsoft.ApiManagement/service/users" ["apimanagement" "Service"] READS),
    kind!("app" "AuthConfig" "authconfigs" "Microsoft.App/containerApps/authConfigs" ["app" "ContainerApp"] NONE),
    kind!("app" "ContainerApp" "containerapps" "Microsoft.App/containerApps" ["resources" "ResourceGroup"] CODE | IDENTITY | READS),
    kind!("app" "Job" "jobs" "Microsoft.App/jobs" ["resources" "ResourceGroup"] CODE | IDENTITY | READS),
    kind!("app" "ManagedEnvironment" "managedenvironments" "Microsoft.App/managedEnvironments" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("appconfiguration" "ConfigurationStore" "configurationstores" "Microsoft.AppConfiguration/configurationStores" ["resources" "ResourceGroup"] IDENTITY),
    kind!("appconfiguration" "KeyValue" "keyvalues" "Microsoft.AppConfiguration/configurationStores/keyValues" ["appconfiguration" "ConfigurationStore"] NONE),
    kind!("appconfiguration" "Replica" "replicas" "Microsoft.AppConfiguration/configurationStores/replicas" ["appconfiguration" "ConfigurationStore"] NONE),
    kind!("appconfiguration" "Snapshot" "snapshots" "Microsoft.AppConfiguration/configurationStores/snapshots" ["appconfiguration" "ConfigurationStore"] KEPT),
    kind!("authorization" "RoleAssignment" "roleassignments" "Microsoft.Authorization/roleAssignments" [*] EXTENSION),
    kind!("authorization" "RoleDefinition" "roledefinitions" "Microsoft.Authorization/roleDefinitions" [*] EXTENSION),
    kind!("authorization" "RoleEligibilityScheduleRequest" "roleeligibilityschedulerequests" "Microsoft.Authorization/roleEligibilityScheduleRequests" [*] EXTENSION),
    kind!("batch" "BatchAccount" "batchaccounts" "Microsoft.Batch/batchAccounts" ["resources" "ResourceGroup"] IDENTITY),
    kind!("cache" "Redis" "redis" "Microsoft.Cache/redis" ["resources" "ResourceGroup"] IDENTITY),
    kind!("cache" "RedisAccessPolicy" "redisaccesspolicies" "Microsoft.Cache/redis/accessPolicies" ["cache" "Redis"] NONE),
    kind!("cache" "RedisAccessPolicyAssignment" "redisaccesspolicyassignments" "Microsoft.Cache/redis/accessPolicyAssignments" ["cache" "Redis"] NONE),
    kind!("cache" "RedisEnterpriseDatabaseAccessPolicyAssignment" "redisenterprisedatabaseaccesspolicyassignments" "Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments" ["cache" "RedisEnterpriseDatabase"] NONE),
    kind!("cache" "RedisEnterpriseDatabase" "redisenterprisedatabases" "Microsoft.Cache/redisEnterprise/databases" ["cache" "RedisEnterprise"] NONE),
    kind!("cache" "RedisEnterprise" "redisenterprises" "Microsoft.Cache/redisEnterprise" ["resources" "ResourceGroup"] IDENTITY),
    kind!("cache" "RedisFirewallRule" "redisfirewallrules" "Microsoft.Cache/redis/firewallRules" ["cache" "Redis"] NONE),
    kind!("cache" "RedisLinkedServer" "redislinkedservers" "Microsoft.Cache/redis/linkedServers" ["cache" "Redis"] NONE),
    kind!("cache" "RedisPatchSchedule" "redispatchschedules" "Microsoft.Cache/redis/patchSchedules" ["cache" "Redis"] NONE),
    kind!("cdn" "AfdCustomDomain" "afdcustomdomains" "Microsoft.Cdn/profiles/customDomains" ["cdn" "Profile"] NONE),
    kind!("cdn" "AfdEndpoint" "afdendpoints" "Microsoft.Cdn/profiles/afdEndpoints" ["cdn" "Profile"] NONE),
    kind!("cdn" "AfdOriginGroup" "afdorigingroups" "Microsoft.Cdn/profiles/originGroups" ["cdn" "Profile"] NONE),
    kind!("cdn" "AfdOrigin" "afdorigins" "Microsoft.Cdn/profiles/originGroups/origins" ["cdn" "AfdOriginGroup"] NONE),
    kind!("cdn" "Profile" "profiles" "Microsoft.Cdn/profiles" ["resources" "ResourceGroup"] IDENTITY),
    kind!("cdn" "ProfilesEndpoint" "profilesendpoints" "Microsoft.Cdn/profiles/endpoints" ["cdn" "Profile"] NONE),
    kind!("cdn" "Route" "routes" "Microsoft.Cdn/profiles/afdEndpoints/routes" ["cdn" "AfdEndpoint"] NONE),
    kind!("cdn" "Rule" "rules" "Microsoft.Cdn/profiles/ruleSets/rules" ["cdn" "RuleSet"] NONE),
    kind!("cdn" "RuleSet" "rulesets" "Microsoft.Cdn/profiles/ruleSets" ["cdn" "Profile"] NONE),
    kind!("cdn" "Secret" "secrets" "Microsoft.Cdn/profiles/secrets" ["cdn" "Profile"] NONE),
    kind!("cdn" "SecurityPolicy" "securitypolicies" "Microsoft.Cdn/profiles/securityPolicies" ["cdn" "Profile"] NONE),
    kind!("cognitiveservices" "Account" "accounts" "Microsoft.CognitiveServices/accounts" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("cognitiveservices" "Deployment" "deployments" "Microsoft.CognitiveServices/accounts/deployments" ["cognitiveservices" "Account"] NONE),
    kind!("cognitiveservices" "Project" "projects" "Microsoft.CognitiveServices/accounts/projects" ["cognitiveservices" "Account"] IDENTITY),
    kind!("communication" "CommunicationService" "communicationservices" "Microsoft.Communication/communicationServices" ["resources" "ResourceGroup"] IDENTITY),
    kind!("communication" "Domain" "domains" "Microsoft.Communication/emailServices/domains" ["communication" "EmailService"] NONE),
    kind!("communication" "EmailService" "emailservices" "Microsoft.Communication/emailServices" ["resources" "ResourceGroup"] NONE),
    kind!("communication" "SenderUsername" "senderusernames" "Microsoft.Communication/emailServices/domains/senderUsernames" ["communication" "Domain"] NONE),
    kind!("compute" "AvailabilitySet" "availabilitysets" "Microsoft.Compute/availabilitySets" ["resources" "ResourceGroup"] NONE),
    kind!("compute" "CapacityReservationGroup" "capacityreservationgroups" "Microsoft.Compute/capacityReservationGroups" ["resources" "ResourceGroup"] NONE),
    kind!("compute" "CapacityReservation" "capacityreservations" "Microsoft.Compute/capacityReservationGroups/capacityReservations" ["compute" "CapacityReservationGroup"] NONE),
    kind!("compute" "DiskAccess" "diskaccesses" "Microsoft.Compute/diskAccesses" ["resources" "ResourceGroup"] NONE),
    kind!("compute" "DiskEncryptionSet" "diskencryptionsets" "Microsoft.Compute/diskEncryptionSets" ["resources" "ResourceGroup"] IDENTITY),
    kind!("compute" "Disk" "disks" "Microsoft.Compute/disks" ["resources" "ResourceGroup"] NONE),
    kind!("compute" "Image" "images" "Microsoft.Compute/images" ["resources" "ResourceGroup"] NONE),
    kind!("compute" "Snapshot" "snapshots" "Microsoft.Compute/snapshots" ["resources" "ResourceGroup"] NONE),
    kind!("compute" "VirtualMachine" "virtualmachines" "Microsoft.Compute/virtualMachines" ["resources" "ResourceGroup"] CODE | IDENTITY | READS),
    kind!("compute" "VirtualMachineScaleSet" "virtualmachinescalesets" "Microsoft.Compute/virtualMachineScaleSets" ["resources" "ResourceGroup"] CODE | IDENTITY | READS),
    kind!("compute" "VirtualMachineScaleSetsExtension" "virtualmachinescalesetsextensions" "Microsoft.Compute/virtualMachineScaleSets/extensions" ["compute" "VirtualMachineScaleSet"] CODE | READS),
    kind!("compute" "VirtualMachinesExtension" "virtualmachinesextensions" "Microsoft.Compute/virtualMachines/extensions" ["compute" "VirtualMachine"] CODE | READS),
    kind!("containerinstance" "ContainerGroup" "containergroups" "Microsoft.ContainerInstance/containerGroups" ["resources" "ResourceGroup"] CODE | IDENTITY | READS),
    kind!("containerregistry" "Registry" "registries" "Microsoft.ContainerRegistry/registries" ["resources" "ResourceGroup"] IDENTITY),
    kind!("containerregistry" "RegistryReplication" "registryreplications" "Microsoft.ContainerRegistry/registries/replications" ["containerregistry" "Registry"] NONE),
    kind!("containerservice" "Fleet" "fleets" "Microsoft.ContainerService/fleets" ["resources" "ResourceGroup"] IDENTITY),
    kind!("containerservice" "FleetsAutoUpgradeProfile" "fleetsautoupgradeprofiles" "Microsoft.ContainerService/fleets/autoUpgradeProfiles" ["containerservice" "Fleet"] NONE),
    kind!("containerservice" "FleetsMember" "fleetsmembers" "Microsoft.ContainerService/fleets/members" ["containerservice" "Fleet"] NONE),
    kind!("containerservice" "FleetsUpdateRun" "fleetsupdateruns" "Microsoft.ContainerService/fleets/updateRuns" ["containerservice" "Fleet"] NONE),
    kind!("containerservice" "FleetsUpdateStrategy" "fleetsupdatestrategies" "Microsoft.ContainerService/fleets/updateStrategies" ["containerservice" "Fleet"] NONE),
    kind!("containerservice" "MaintenanceConfiguration" "maintenanceconfigurations" "Microsoft.ContainerService/managedClusters/maintenanceConfigurations" ["containerservice" "ManagedCluster"] NONE),
    kind!("containerservice" "ManagedCluster" "managedclusters" "Microsoft.ContainerService/managedClusters" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("containerservice" "ManagedClustersAgentPool" "managedclustersagentpools" "Microsoft.ContainerService/managedClusters/agentPools" ["containerservice" "ManagedCluster"] CODE),
    kind!("containerservice" "TrustedAccessRoleBinding" "trustedaccessrolebindings" "Microsoft.ContainerService/managedClusters/trustedAccessRoleBindings" ["containerservice" "ManagedCluster"] NONE),
    kind!("databasewatcher" "SharedPrivateLink" "sharedprivatelinks" "Microsoft.DatabaseWatcher/watchers/sharedPrivateLinkResources" ["databasewatcher" "Watcher"] NONE),
    kind!("databasewatcher" "Target" "targets" "Microsoft.DatabaseWatcher/watchers/targets" ["databasewatcher" "Watcher"] NONE),
    kind!("databasewatcher" "Watcher" "watchers" "Microsoft.DatabaseWatcher/watchers" ["resources" "ResourceGroup"] IDENTITY),
    kind!("datafactory" "Factory" "factories" "Microsoft.DataFactory/factories" ["resources" "ResourceGroup"] IDENTITY),
    kind!("dataprotection" "BackupVault" "backupvaults" "Microsoft.DataProtection/backupVaults" ["resources" "ResourceGroup"] IDENTITY),
    kind!("dataprotection" "BackupVaultsBackupInstance" "backupvaultsbackupinstances" "Microsoft.DataProtection/backupVaults/backupInstances" ["dataprotection" "BackupVault"] NONE),
    kind!("dataprotection" "BackupVaultsBackupPolicy" "backupvaultsbackuppolicies" "Microsoft.DataProtection/backupVaults/backupPolicies" ["dataprotection" "BackupVault"] NONE),
    kind!("dbformariadb" "Configuration" "configurations" "Microsoft.DBforMariaDB/servers/configurations" ["dbformariadb" "Server"] KEPT),
    kind!("dbformariadb" "Database" "databases" "Microsoft.DBforMariaDB/servers/databases" ["dbformariadb" "Server"] NONE),
    kind!("dbformariadb" "Server" "servers" "Microsoft.DBforMariaDB/servers" ["resources" "ResourceGroup"] READS),
    kind!("dbformysql" "FlexibleServer" "flexibleservers" "Microsoft.DBforMySQL/flexibleServers" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("dbformysql" "FlexibleServersAdministrator" "flexibleserversadministrators" "Microsoft.DBforMySQL/flexibleServers/administrators" ["dbformysql" "FlexibleServer"] NONE),
    kind!("dbformysql" "FlexibleServersConfiguration" "flexibleserversconfigurations" "Microsoft.DBforMySQL/flexibleServers/configurations" ["dbformysql" "FlexibleServer"] KEPT),
    kind!("dbformysql" "FlexibleServersDatabase" "flexibleserversdatabases" "Microsoft.DBforMySQL/flexibleServers/databases" ["dbformysql" "FlexibleServer"] NONE),
    kind!("dbformysql" "FlexibleServersFirewallRule" "flexibleserversfirewallrules" "Microsoft.DBforMySQL/flexibleServers/firewallRules" ["dbformysql" "FlexibleServer"] NONE),
    kind!("dbformysql" "User" "users" "" ["dbformysql" "FlexibleServer"] READS),
    kind!("dbforpostgresql" "FlexibleServer" "flexibleservers" "Microsoft.DBforPostgreSQL/flexibleServers" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("dbforpostgresql" "FlexibleServersAdministrator" "flexibleserversadministrators" "Microsoft.DBforPostgreSQL/flexibleServers/administrators" ["dbforpostgresql" "FlexibleServer"] NONE),
    kind!("dbforpostgresql" "FlexibleServersAdvancedThreatProtectionSettings" "flexibleserversadvancedthreatprotectionsettings" "Microsoft.DBforPostgreSQL/flexibleServers/advancedThreatProtectionSettings" ["dbforpostgresql" "FlexibleServer"] KEPT),
    kind!("dbforpostgresql" "FlexibleServersBackup" "flexibleserversbackups" "Microsoft.DBforPostgreSQL/flexibleServers/backups" ["dbforpostgresql" "FlexibleServer"] NONE),
    kind!("dbforpostgresql" "FlexibleServersConfiguration" "flexibleserversconfigurations" "Microsoft.DBforPostgreSQL/flexibleServers/configurations" ["dbforpostgresql" "FlexibleServer"] KEPT),
    kind!("dbforpostgresql" "FlexibleServersDatabase" "flexibleserversdatabases" "Microsoft.DBforPostgreSQL/flexibleServers/databases" ["dbforpostgresql" "FlexibleServer"] NONE),
    kind!("dbforpostgresql" "FlexibleServersFirewallRule" "flexibleserversfirewallrules" "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules" ["dbforpostgresql" "FlexibleServer"] NONE),
    kind!("dbforpostgresql" "FlexibleServersVirtualEndpoint" "flexibleserversvirtualendpoints" "Microsoft.DBforPostgreSQL/flexibleServers/virtualendpoints" ["dbforpostgresql" "FlexibleServer"] NONE),
    kind!("dbforpostgresql" "User" "users" "" ["dbforpostgresql" "FlexibleServer"] READS),
    kind!("devices" "IotHub" "iothubs" "Microsoft.Devices/IotHubs" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("documentdb" "CassandraCluster" "cassandraclusters" "Microsoft.DocumentDB/cassandraClusters" ["resources" "ResourceGroup"] READS),
    kind!("documentdb" "CassandraDataCenter" "cassandradatacenters" "Microsoft.DocumentDB/cassandraClusters/dataCenters" ["documentdb" "CassandraCluster"] READS),
    kind!("documentdb" "DatabaseAccount" "databaseaccounts" "Microsoft.DocumentDB/databaseAccounts" ["resources" "ResourceGroup"] IDENTITY),
    kind!("documentdb" "FirewallRule" "firewallrules" "Microsoft.DocumentDB/mongoClusters/firewallRules" ["documentdb" "MongoCluster"] NONE),
    kind!("documentdb" "MongoCluster" "mongoclusters" "Microsoft.DocumentDB/mongoClusters" ["resources" "ResourceGroup"] READS),
    kind!("documentdb" "MongodbDatabaseCollection" "mongodbdatabasecollections" "Microsoft.DocumentDB/databaseAccounts/mongodbDatabases/collections" ["documentdb" "MongodbDatabase"] NONE),
    kind!("documentdb" "MongodbDatabaseCollectionThroughputSetting" "mongodbdatabasecollectionthroughputsettings" "Microsoft.DocumentDB/databaseAccounts/mongodbDatabases/collections/throughputSettings" ["documentdb" "MongodbDatabaseCollection"] KEPT),
    kind!("documentdb" "MongodbDatabase" "mongodbdatabases" "Microsoft.DocumentDB/databaseAccounts/mongodbDatabases" ["documentdb" "DatabaseAccount"] NONE),
    kind!("documentdb" "MongodbDatabaseThroughputSetting" "mongodbdatabasethroughputsettings" "Microsoft.DocumentDB/databaseAccounts/mongodbDatabases/throughputSettings" ["documentdb" "MongodbDatabase"] KEPT),
    kind!("documentdb" "MongodbRoleDefinition" "mongodbroledefinitions" "Microsoft.DocumentDB/databaseAccounts/mongodbRoleDefinitions" ["documentdb" "DatabaseAccount"] NONE),
    kind!("documentdb" "MongodbUserDefinition" "mongodbuserdefinitions" "Microsoft.DocumentDB/databaseAccounts/mongodbUserDefinitions" ["documentdb" "DatabaseAccount"] READS),
    kind!("documentdb" "SqlDatabaseContainer" "sqldatabasecontainers" "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers" ["documentdb" "SqlDatabase"] NONE),
    kind!("documentdb" "SqlDatabaseContainerStoredProcedure" "sqldatabasecontainerstoredprocedures" "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/storedProcedures" ["documentdb" "SqlDatabaseContainer"] NONE),
    kind!("documentdb" "SqlDatabaseContainerThroughputSetting" "sqldatabasecontainerthroughputsettings" "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/throughputSettings" ["documentdb" "SqlDatabaseContainer"] KEPT),
    kind!("documentdb" "SqlDatabaseContainerTrigger" "sqldatabasecontainertriggers" "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/triggers" ["documentdb" "SqlDatabaseContainer"] NONE),
    kind!("documentdb" "SqlDatabaseContainerUserDefinedFunction" "sqldatabasecontaineruserdefinedfunctions" "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/userDefinedFunctions" ["documentdb" "SqlDatabaseContainer"] NONE),
    kind!("documentdb" "SqlDatabase" "sqldatabases" "Microsoft.DocumentDB/databaseAccounts/sqlDatabases" ["documentdb" "DatabaseAccount"] NONE),
    kind!("documentdb" "SqlDatabaseThroughputSetting" "sqldatabasethroughputsettings" "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/throughputSettings" ["documentdb" "SqlDatabase"] KEPT),
    kind!("documentdb" "SqlRoleAssignment" "sqlroleassignments" "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments" ["documentdb" "DatabaseAccount"] NONE),
    kind!("entra" "Application" "applications" "" [] NONE),
    kind!("entra" "SecurityGroup" "securitygroups" "" [] NONE),
    kind!("entra" "ServicePrincipal" "serviceprincipals" "" [] NONE),
    kind!("eventgrid" "Domain" "domains" "Microsoft.EventGrid/domains" ["resources" "ResourceGroup"] IDENTITY),
    kind!("eventgrid" "DomainsTopic" "domainstopics" "Microsoft.EventGrid/domains/topics" ["eventgrid" "Domain"] NONE),
    kind!("eventgrid" "EventSubscription" "eventsubscriptions" "Microsoft.EventGrid/eventSubscriptions" [*] EXTENSION | READS),
    kind!("eventgrid" "Topic" "topics" "Microsoft.EventGrid/topics" ["resources" "ResourceGroup"] IDENTITY),
    kind!("eventhub" "Namespace" "namespaces" "Microsoft.EventHub/namespaces" ["resources" "ResourceGroup"] IDENTITY),
    kind!("eventhub" "NamespacesAuthorizationRule" "namespacesauthorizationrules" "Microsoft.EventHub/namespaces/authorizationRules" ["eventhub" "Namespace"] NONE),
    kind!("eventhub" "NamespacesEventhub" "namespaceseventhubs" "Microsoft.EventHub/namespaces/eventhubs" ["eventhub" "Namespace"] NONE),
    kind!("eventhub" "NamespacesEventhubsAuthorizationRule" "namespaceseventhubsauthorizationrules" "Microsoft.EventHub/namespaces/eventhubs/authorizationRules" ["eventhub" "NamespacesEventhub"] NONE),
    kind!("eventhub" "NamespacesEventhubsConsumerGroup" "namespaceseventhubsconsumergroups" "Microsoft.EventHub/namespaces/eventhubs/consumergroups" ["eventhub" "NamespacesEventhub"] NONE),
    kind!("insights" "ActionGroup" "actiongroups" "Microsoft.Insights/actionGroups" ["resources" "ResourceGroup"] READS),
    kind!("insights" "ActivityLogAlert" "activitylogalerts" "Microsoft.Insights/activityLogAlerts" ["resources" "ResourceGroup"] NONE),
    kind!("insights" "AutoscaleSetting" "autoscalesettings" "Microsoft.Insights/autoscalesettings" ["resources" "ResourceGroup"] READS),
    kind!("insights" "Component" "components" "Microsoft.Insights/components" ["resources" "ResourceGroup"] NONE),
    kind!("insights" "DataCollectionEndpoint" "datacollectionendpoints" "Microsoft.Insights/dataCollectionEndpoints" ["resources" "ResourceGroup"] IDENTITY),
    kind!("insights" "DataCollectionRuleAssociation" "datacollectionruleassociations" "Microsoft.Insights/dataCollectionRuleAssociations" [*] EXTENSION),
    kind!("insights" "DataCollectionRule" "datacollectionrules" "Microsoft.Insights/dataCollectionRules" ["resources" "ResourceGroup"] IDENTITY),
    kind!("insights" "DiagnosticSetting" "diagnosticsettings" "Microsoft.Insights/diagnosticSettings" [*] EXTENSION),
    kind!("insights" "MetricAlert" "metricalerts" "Microsoft.Insights/metricAlerts" ["resources" "ResourceGroup"] NONE),
    kind!("insights" "PricingPlan" "pricingplans" "microsoft.insights/components/pricingPlans" ["insights" "Component"] KEPT),
    kind!("insights" "ScheduledQueryRule" "scheduledqueryrules" "Microsoft.Insights/scheduledQueryRules" ["resources" "ResourceGroup"] IDENTITY),
    kind!("insights" "Webtest" "webtests" "Microsoft.Insights/webtests" ["resources" "ResourceGroup"] NONE),
    kind!("insights" "Workbook" "workbooks" "Microsoft.Insights/workbooks" ["resources" "ResourceGroup"] IDENTITY),
    kind!("keyvault" "Vault" "vaults" "Microsoft.KeyVault/vaults" ["resources" "ResourceGroup"] NONE),
    kind!("kubernetesconfiguration" "Extension" "extensions" "Microsoft.KubernetesConfiguration/extensions" [*] EXTENSION | READS),
    kind!("kubernetesconfiguration" "FluxConfiguration" "fluxconfigurations" "Microsoft.KubernetesConfiguration/fluxConfigurations" [*] EXTENSION | READS),
    kind!("kusto" "ClusterPrincipalAssignment" "clusterprincipalassignments" "Microsoft.Kusto/clusters/principalAssignments" ["kusto" "Cluster"] NONE),
    kind!("kusto" "Cluster" "clusters" "Microsoft.Kusto/clusters" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("kusto" "Database" "databases" "Microsoft.Kusto/clusters/databases" ["kusto" "Cluster"] NONE),
    kind!("kusto" "DataConnection" "dataconnections" "Microsoft.Kusto/clusters/databases/dataConnections" ["kusto" "Database"] NONE),
    kind!("kusto" "PrincipalAssignment" "principalassignments" "Microsoft.Kusto/clusters/databases/principalAssignments" ["kusto" "Database"] NONE),
    kind!("machinelearningservices" "Registry" "registries" "Microsoft.MachineLearningServices/registries" ["resources" "ResourceGroup"] IDENTITY),
    kind!("machinelearningservices" "Workspace" "workspaces" "Microsoft.MachineLearningServices/workspaces" ["resources" "ResourceGroup"] IDENTITY),
    kind!("machinelearningservices" "WorkspacesCompute" "workspacescomputes" "Microsoft.MachineLearningServices/workspaces/computes" ["machinelearningservices" "Workspace"] CODE | IDENTITY | READS),
    kind!("machinelearningservices" "WorkspacesConnection" "workspacesconnections" "Microsoft.MachineLearningServices/workspaces/connections" ["machinelearningservices" "Workspace"] READS),
    kind!("managedidentity" "FederatedIdentityCredential" "federatedidentitycredentials" "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials" ["managedidentity" "UserAssignedIdentity"] NONE),
    kind!("managedidentity" "UserAssignedIdentity" "userassignedidentities" "Microsoft.ManagedIdentity/userAssignedIdentities" ["resources" "ResourceGroup"] NONE),
    kind!("monitor" "Account" "accounts" "Microsoft.Monitor/accounts" ["resources" "ResourceGroup"] NONE),
    kind!("network" "ApplicationGateway" "applicationgateways" "Microsoft.Network/applicationGateways" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("network" "ApplicationSecurityGroup" "applicationsecuritygroups" "Microsoft.Network/applicationSecurityGroups" ["resources" "ResourceGroup"] NONE),
    kind!("network" "AzureFirewall" "azurefirewalls" "Microsoft.Network/azureFirewalls" ["resources" "ResourceGroup"] NONE),
    kind!("network" "BastionHost" "bastionhosts" "Microsoft.Network/bastionHosts" ["resources" "ResourceGroup"] NONE),
    kind!("network" "DdosProtectionPlan" "ddosprotectionplans" "Microsoft.Network/ddosProtectionPlans" ["resources" "ResourceGroup"] NONE),
    kind!("network" "DnsForwardingRuleset" "dnsforwardingrulesets" "Microsoft.Network/dnsForwardingRulesets" ["resources" "ResourceGroup"] NONE),
    kind!("network" "DnsForwardingRuleSetsForwardingRule" "dnsforwardingrulesetsforwardingrules" "Microsoft.Network/dnsForwardingRulesets/forwardingRules" ["network" "DnsForwardingRuleset"] NONE),
    kind!("network" "DnsForwardingRuleSetsVirtualNetworkLink" "dnsforwardingrulesetsvirtualnetworklinks" "Microsoft.Network/dnsForwardingRulesets/virtualNetworkLinks" ["network" "DnsForwardingRuleset"] NONE),
    kind!("network" "DnsResolver" "dnsresolvers" "Microsoft.Network/dnsResolvers" ["resources" "ResourceGroup"] NONE),
    kind!("network" "DnsResolversInboundEndpoint" "dnsresolversinboundendpoints" "Microsoft.Network/dnsResolvers/inboundEndpoints" ["network" "DnsResolver"] NONE),
    kind!("network" "DnsResolversOutboundEndpoint" "dnsresolversoutboundendpoints" "Microsoft.Network/dnsResolvers/outboundEndpoints" ["network" "DnsResolver"] NONE),
    kind!("network" "DnsZone" "dnszones" "Microsoft.Network/dnsZones" ["resources" "ResourceGroup"] NONE),
    kind!("network" "DnsZonesAAAARecord" "dnszonesaaaarecords" "Microsoft.Network/dnsZones/AAAA" ["network" "DnsZone"] NONE),
    kind!("network" "DnsZonesARecord" "dnszonesarecords" "Microsoft.Network/dnsZones/A" ["network" "DnsZone"] NONE),
    kind!("network" "DnsZonesCAARecord" "dnszonescaarecords" "Microsoft.Network/dnsZones/CAA" ["network" "DnsZone"] NONE),
    kind!("network" "DnsZonesCNAMERecord" "dnszonescnamerecords" "Microsoft.Network/dnsZones/CNAME" ["network" "DnsZone"] NONE),
    kind!("network" "DnsZonesMXRecord" "dnszonesmxrecords" "Microsoft.Network/dnsZones/MX" ["network" "DnsZone"] NONE),
    kind!("network" "DnsZonesNSRecord" "dnszonesnsrecords" "Microsoft.Network/dnsZones/NS" ["network" "DnsZone"] NONE),
    kind!("network" "DnsZonesPTRRecord" "dnszonesptrrecords" "Microsoft.Network/dnsZones/PTR" ["network" "DnsZone"] NONE),
    kind!("network" "DnsZonesSRVRecord" "dnszonessrvrecords" "Microsoft.Network/dnsZones/SRV" ["network" "DnsZone"] NONE),
    kind!("network" "DnsZonesTXTRecord" "dnszonestxtrecords" "Microsoft.Network/dnsZones/TXT" ["network" "DnsZone"] NONE),
    kind!("network" "FirewallPolicy" "firewallpolicies" "Microsoft.Network/firewallPolicies" ["resources" "ResourceGroup"] IDENTITY),
    kind!("network" "FirewallPoliciesRuleCollectionGroup" "firewallpoliciesrulecollectiongroups" "Microsoft.Network/firewallPolicies/ruleCollectionGroups" ["network" "FirewallPolicy"] NONE),
    kind!("network" "LoadBalancer" "loadbalancers" "Microsoft.Network/loadBalancers" ["resources" "ResourceGroup"] NONE),
    kind!("network" "LoadBalancersInboundNatRule" "loadbalancersinboundnatrules" "Microsoft.Network/loadBalancers/inboundNatRules" ["network" "LoadBalancer"] NONE),
    kind!("network" "NatGateway" "natgateways" "Microsoft.Network/natGateways" ["resources" "ResourceGroup"] NONE),
    kind!("network" "NetworkInterface" "networkinterfaces" "Microsoft.Network/networkInterfaces" ["resources" "ResourceGroup"] NONE),
    kind!("network" "NetworkSecurityGroup" "networksecuritygroups" "Microsoft.Network/networkSecurityGroups" ["resources" "ResourceGroup"] NONE),
    kind!("network" "NetworkSecurityGroupsSecurityRule" "networksecuritygroupssecurityrules" "Microsoft.Network/networkSecurityGroups/securityRules" ["network" "NetworkSecurityGroup"] NONE),
    kind!("network" "NetworkWatcher" "networkwatchers" "Microsoft.Network/networkWatchers" ["resources" "ResourceGroup"] NONE),
    kind!("network" "NetworkWatchersFlowLog" "networkwatchersflowlogs" "Microsoft.Network/networkWatchers/flowLogs" ["network" "NetworkWatcher"] IDENTITY),
    kind!("network" "PrivateDnsZone" "privatednszones" "Microsoft.Network/privateDnsZones" ["resources" "ResourceGroup"] NONE),
    kind!("network" "PrivateDnsZonesAAAARecord" "privatednszonesaaaarecords" "Microsoft.Network/privateDnsZones/AAAA" ["network" "PrivateDnsZone"] NONE),
    kind!("network" "PrivateDnsZonesARecord" "privatednszonesarecords" "Microsoft.Network/privateDnsZones/A" ["network" "PrivateDnsZone"] NONE),
    kind!("network" "PrivateDnsZonesCNAMERecord" "privatednszonescnamerecords" "Microsoft.Network/privateDnsZones/CNAME" ["network" "PrivateDnsZone"] NONE),
    kind!("network" "PrivateDnsZonesMXRecord" "privatednszonesmxrecords" "Microsoft.Network/privateDnsZones/MX" ["network" "PrivateDnsZone"] NONE),
    kind!("network" "PrivateDnsZonesPTRRecord" "privatednszonesptrrecords" "Microsoft.Network/privateDnsZones/PTR" ["network" "PrivateDnsZone"] NONE),
    kind!("network" "PrivateDnsZonesSRVRecord" "privatednszonessrvrecords" "Microsoft.Network/privateDnsZones/SRV" ["network" "PrivateDnsZone"] NONE),
    kind!("network" "PrivateDnsZonesTXTRecord" "privatednszonestxtrecords" "Microsoft.Network/privateDnsZones/TXT" ["network" "PrivateDnsZone"] NONE),
    kind!("network" "PrivateDnsZonesVirtualNetworkLink" "privatednszonesvirtualnetworklinks" "Microsoft.Network/privateDnsZones/virtualNetworkLinks" ["network" "PrivateDnsZone"] NONE),
    kind!("network" "PrivateEndpoint" "privateendpoints" "Microsoft.Network/privateEndpoints" ["resources" "ResourceGroup"] NONE),
    kind!("network" "PrivateEndpointsPrivateDnsZoneGroup" "privateendpointsprivatednszonegroups" "Microsoft.Network/privateEndpoints/privateDnsZoneGroups" ["network" "PrivateEndpoint"] NONE),
    kind!("network" "PrivateLinkService" "privatelinkservices" "Microsoft.Network/privateLinkServices" ["resources" "ResourceGroup"] NONE),
    kind!("network" "PublicIPAddress" "publicipaddresses" "Microsoft.Network/publicIPAddresses" ["resources" "ResourceGroup"] NONE),
    kind!("network" "PublicIPPrefix" "publicipprefixes" "Microsoft.Network/publicIPPrefixes" ["resources" "ResourceGroup"] NONE),
    kind!("network" "RouteTable" "routetables" "Microsoft.Network/routeTables" ["resources" "ResourceGroup"] NONE),
    kind!("network" "RouteTablesRoute" "routetablesroutes" "Microsoft.Network/routeTables/routes" ["network" "RouteTable"] NONE),
    kind!("network" "TrafficManagerProfile" "trafficmanagerprofiles" "Microsoft.Network/trafficmanagerprofiles" ["resources" "ResourceGroup"] NONE),
    kind!("network" "TrafficManagerProfilesAzureEndpoint" "trafficmanagerprofilesazureendpoints" "Microsoft.Network/trafficmanagerprofiles/AzureEndpoints" ["network" "TrafficManagerProfile"] NONE),
    kind!("network" "TrafficManagerProfilesExternalEndpoint" "trafficmanagerprofilesexternalendpoints" "Microsoft.Network/trafficmanagerprofiles/ExternalEndpoints" ["network" "TrafficManagerProfile"] NONE),
    kind!("network" "TrafficManagerProfilesNestedEndpoint" "trafficmanagerprofilesnestedendpoints" "Microsoft.Network/trafficmanagerprofiles/NestedEndpoints" ["network" "TrafficManagerProfile"] NONE),
    kind!("network" "VirtualNetworkGateway" "virtualnetworkgateways" "Microsoft.Network/virtualNetworkGateways" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("network" "VirtualNetwork" "virtualnetworks" "Microsoft.Network/virtualNetworks" ["resources" "ResourceGroup"] NONE),
    kind!("network" "VirtualNetworksSubnet" "virtualnetworkssubnets" "Microsoft.Network/virtualNetworks/subnets" ["network" "VirtualNetwork"] NONE),
    kind!("network" "VirtualNetworksVirtualNetworkPeering" "virtualnetworksvirtualnetworkpeerings" "Microsoft.Network/virtualNetworks/virtualNetworkPeerings" ["network" "VirtualNetwork"] NONE),
    kind!("network" "WebApplicationFirewallPolicy" "webapplicationfirewallpolicies" "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies" ["resources" "ResourceGroup"] NONE),
    kind!("network.frontdoor" "WebApplicationFirewallPolicy" "webapplicationfirewallpolicies" "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies" ["resources" "ResourceGroup"] NONE),
    kind!("notificationhubs" "Namespace" "namespaces" "Microsoft.NotificationHubs/namespaces" ["resources" "ResourceGroup"] READS),
    kind!("notificationhubs" "NamespacesAuthorizationRule" "namespacesauthorizationrules" "Microsoft.NotificationHubs/namespaces/authorizationRules" ["notificationhubs" "Namespace"] NONE),
    kind!("notificationhubs" "NotificationHub" "notificationhubs" "Microsoft.NotificationHubs/namespaces/notificationHubs" ["notificationhubs" "Namespace"] READS),
    kind!("notificationhubs" "NotificationHubsAuthorizationRule" "notificationhubsauthorizationrules" "Microsoft.NotificationHubs/namespaces/notificationHubs/authorizationRules" ["notificationhubs" "NotificationHub"] NONE),
    kind!("operationalinsights" "Workspace" "workspaces" "Microsoft.OperationalInsights/workspaces" ["resources" "ResourceGroup"] IDENTITY),
    kind!("quota" "Quota" "quotas" "Microsoft.Quota/quotas" [*] EXTENSION | KEPT),
    kind!("redhatopenshift" "HcpOpenShiftCluster" "hcpopenshiftclusters" "Microsoft.RedHatOpenShift/hcpOpenShiftClusters" ["resources" "ResourceGroup"] IDENTITY | RED_HAT),
    kind!("redhatopenshift" "HcpOpenShiftClustersExternalAuth" "hcpopenshiftclustersexternalauths" "Microsoft.RedHatOpenShift/hcpOpenShiftClusters/externalAuths" ["redhatopenshift" "HcpOpenShiftCluster"] RED_HAT),
    kind!("redhatopenshift" "HcpOpenShiftClustersNodePool" "hcpopenshiftclustersnodepools" "Microsoft.RedHatOpenShift/hcpOpenShiftClusters/nodePools" ["redhatopenshift" "HcpOpenShiftCluster"] IDENTITY | RED_HAT),
    kind!("redhatopenshift" "OpenShiftCluster" "openshiftclusters" "Microsoft.RedHatOpenShift/openShiftClusters" ["resources" "ResourceGroup"] READS),
    kind!("resources" "ResourceGroup" "resourcegroups" "Microsoft.Resources/resourceGroups" [] NONE),
    kind!("search" "SearchService" "searchservices" "Microsoft.Search/searchServices" ["resources" "ResourceGroup"] NONE),
    kind!("servicebus" "Namespace" "namespaces" "Microsoft.ServiceBus/namespaces" ["resources" "ResourceGroup"] IDENTITY),
    kind!("servicebus" "NamespacesAuthorizationRule" "namespacesauthorizationrules" "Microsoft.ServiceBus/namespaces/AuthorizationRules" ["servicebus" "Namespace"] NONE),
    kind!("servicebus" "NamespacesQueue" "namespacesqueues" "Microsoft.ServiceBus/namespaces/queues" ["servicebus" "Namespace"] NONE),
    kind!("servicebus" "NamespacesTopic" "namespacestopics" "Microsoft.ServiceBus/namespaces/topics" ["servicebus" "Namespace"] NONE),
    kind!("servicebus" "NamespacesTopicsSubscription" "namespacestopicssubscriptions" "Microsoft.ServiceBus/namespaces/topics/subscriptions" ["servicebus" "NamespacesTopic"] NONE),
    kind!("servicebus" "NamespacesTopicsSubscriptionsRule" "namespacestopicssubscriptionsrules" "Microsoft.ServiceBus/namespaces/topics/subscriptions/rules" ["servicebus" "NamespacesTopicsSubscription"] NONE),
    kind!("servicebus" "TopicAuthorizationRule" "topicauthorizationrules" "Microsoft.ServiceBus/namespaces/topics/authorizationRules" ["servicebus" "NamespacesTopic"] NONE),
    kind!("signalrservice" "CustomCertificate" "customcertificates" "Microsoft.SignalRService/signalR/customCertificates" ["signalrservice" "SignalR"] NONE),
    kind!("signalrservice" "CustomDomain" "customdomains" "Microsoft.SignalRService/signalR/customDomains" ["signalrservice" "SignalR"] NONE),
    kind!("signalrservice" "Replica" "replicas" "Microsoft.SignalRService/signalR/replicas" ["signalrservice" "SignalR"] NONE),
    kind!("signalrservice" "SignalR" "signalrs" "Microsoft.SignalRService/signalR" ["resources" "ResourceGroup"] IDENTITY),
    kind!("sql" "Server" "servers" "Microsoft.Sql/servers" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("sql" "ServersAdministrator" "serversadministrators" "Microsoft.Sql/servers/administrators" ["sql" "Server"] NONE),
    kind!("sql" "ServersAdvancedThreatProtectionSetting" "serversadvancedthreatprotectionsettings" "Microsoft.Sql/servers/advancedThreatProtectionSettings" ["sql" "Server"] KEPT),
    kind!("sql" "ServersAuditingSetting" "serversauditingsettings" "Microsoft.Sql/servers/auditingSettings" ["sql" "Server"] KEPT | READS),
    kind!("sql" "ServersAzureADOnlyAuthentication" "serversazureadonlyauthentications" "Microsoft.Sql/servers/azureADOnlyAuthentications" ["sql" "Server"] NONE),
    kind!("sql" "ServersConnectionPolicy" "serversconnectionpolicies" "Microsoft.Sql/servers/connectionPolicies" ["sql" "Server"] KEPT),
    kind!("sql" "ServersDatabase" "serversdatabases" "Microsoft.Sql/servers/databases" ["sql" "Server"] IDENTITY),
    kind!("sql" "ServersDatabasesAdvancedThreatProtectionSetting" "serversdatabasesadvancedthreatprotectionsettings" "Microsoft.Sql/servers/databases/advancedThreatProtectionSettings" ["sql" "ServersDatabase"] KEPT),
    kind!("sql" "ServersDatabasesAuditingSetting" "serversdatabasesauditingsettings" "Microsoft.Sql/servers/databases/auditingSettings" ["sql" "ServersDatabase"] KEPT | READS),
    kind!("sql" "ServersDatabasesBackupLongTermRetentionPolicy" "serversdatabasesbackuplongtermretentionpolicies" "Microsoft.Sql/servers/databases/backupLongTermRetentionPolicies" ["sql" "ServersDatabase"] KEPT),
    kind!("sql" "ServersDatabasesBackupShortTermRetentionPolicy" "serversdatabasesbackupshorttermretentionpolicies" "Microsoft.Sql/servers/databases/backupShortTermRetentionPolicies" ["sql" "ServersDatabase"] KEPT),
    kind!("sql" "ServersDatabasesSecurityAlertPolicy" "serversdatabasessecurityalertpolicies" "Microsoft.Sql/servers/databases/securityAlertPolicies" ["sql" "ServersDatabase"] KEPT | READS),
    kind!("sql" "ServersDatabasesTransparentDataEncryption" "serversdatabasestransparentdataencryptions" "Microsoft.Sql/servers/databases/transparentDataEncryption" ["sql" "ServersDatabase"] KEPT),
    kind!("sql" "ServersDatabasesVulnerabilityAssessment" "serversdatabasesvulnerabilityassessments" "Microsoft.Sql/servers/databases/vulnerabilityAssessments" ["sql" "ServersDatabase"] READS),
    kind!("sql" "ServersElasticPool" "serverselasticpools" "Microsoft.Sql/servers/elasticPools" ["sql" "Server"] NONE),
    kind!("sql" "ServersEncryptionProtector" "serversencryptionprotectors" "Microsoft.Sql/servers/encryptionProtector" ["sql" "Server"] KEPT),
    kind!("sql" "ServersFailoverGroup" "serversfailovergroups" "Microsoft.Sql/servers/failoverGroups" ["sql" "Server"] NONE),
    kind!("sql" "ServersFirewallRule" "serversfirewallrules" "Microsoft.Sql/servers/firewallRules" ["sql" "Server"] NONE),
    kind!("sql" "ServersIPV6FirewallRule" "serversipv6firewallrules" "Microsoft.Sql/servers/ipv6FirewallRules" ["sql" "Server"] NONE),
    kind!("sql" "ServersKey" "serverskeys" "Microsoft.Sql/servers/keys" ["sql" "Server"] NONE),
    kind!("sql" "ServersOutboundFirewallRule" "serversoutboundfirewallrules" "Microsoft.Sql/servers/outboundFirewallRules" ["sql" "Server"] NONE),
    kind!("sql" "ServersSecurityAlertPolicy" "serverssecurityalertpolicies" "Microsoft.Sql/servers/securityAlertPolicies" ["sql" "Server"] KEPT | READS),
    kind!("sql" "ServersVirtualNetworkRule" "serversvirtualnetworkrules" "Microsoft.Sql/servers/virtualNetworkRules" ["sql" "Server"] NONE),
    kind!("sql" "ServersVulnerabilityAssessment" "serversvulnerabilityassessments" "Microsoft.Sql/servers/vulnerabilityAssessments" ["sql" "Server"] READS),
    kind!("sql" "User" "users" "" ["sql" "ServersDatabase"] READS),
    kind!("storage" "StorageAccount" "storageaccounts" "Microsoft.Storage/storageAccounts" ["resources" "ResourceGroup"] IDENTITY),
    kind!("storage" "StorageAccountsBlobService" "storageaccountsblobservices" "Microsoft.Storage/storageAccounts/blobServices" ["storage" "StorageAccount"] KEPT),
    kind!("storage" "StorageAccountsBlobServicesContainer" "storageaccountsblobservicescontainers" "Microsoft.Storage/storageAccounts/blobServices/containers" ["storage" "StorageAccountsBlobService"] NONE),
    kind!("storage" "StorageAccountsFileService" "storageaccountsfileservices" "Microsoft.Storage/storageAccounts/fileServices" ["storage" "StorageAccount"] KEPT),
    kind!("storage" "StorageAccountsFileServicesShare" "storageaccountsfileservicesshares" "Microsoft.Storage/storageAccounts/fileServices/shares" ["storage" "StorageAccountsFileService"] NONE),
    kind!("storage" "StorageAccountsManagementPolicy" "storageaccountsmanagementpolicies" "Microsoft.Storage/storageAccounts/managementPolicies" ["storage" "StorageAccount"] NONE),
    kind!("storage" "StorageAccountsQueueService" "storageaccountsqueueservices" "Microsoft.Storage/storageAccounts/queueServices" ["storage" "StorageAccount"] KEPT),
    kind!("storage" "StorageAccountsQueueServicesQueue" "storageaccountsqueueservicesqueues" "Microsoft.Storage/storageAccounts/queueServices/queues" ["storage" "StorageAccountsQueueService"] NONE),
    kind!("storage" "StorageAccountsTableService" "storageaccountstableservices" "Microsoft.Storage/storageAccounts/tableServices" ["storage" "StorageAccount"] KEPT),
    kind!("storage" "StorageAccountsTableServicesTable" "storageaccountstableservicestables" "Microsoft.Storage/storageAccounts/tableServices/tables" ["storage" "StorageAccountsTableService"] NONE),
    kind!("subscription" "Alias" "aliases" "Microsoft.Subscription/aliases" [] NONE),
    kind!("synapse" "Workspace" "workspaces" "Microsoft.Synapse/workspaces" ["resources" "ResourceGroup"] IDENTITY | READS),
    kind!("synapse" "WorkspacesBigDataPool" "workspacesbigdatapools" "Microsoft.Synapse/workspaces/bigDataPools" ["synapse" "Workspace"] NONE),
    kind!("web" "ServerFarm" "serverfarms" "Microsoft.Web/serverfarms" ["resources" "ResourceGroup"] IDENTITY),
    kind!("web" "Site" "sites" "Microsoft.Web/sites" ["resources" "ResourceGroup"] CODE | IDENTITY | READS),
    kind!("web" "SitesSourcecontrol" "sitessourcecontrols" "Microsoft.Web/sites/sourcecontrols" ["web" "Site"] CODE | READS),
];

/// Group, plural, actions, exported keys.
#[rustfmt::skip]
static EXPORTS: [(&str, &str, &str, &str); 31] = [
    ("apimanagement", "servicegateways", "Microsoft.ApiManagement/service/gateways/listKeys/action",
        "primaryKey,secondaryKey"),
    ("apimanagement", "subscriptions", "Microsoft.ApiManagement/service/subscriptions/listSecrets/action",
        "primaryKey,secondaryKey"),
    ("appconfiguration", "configurationstores", "Microsoft.AppConfiguration/configurationStores/ListKeys/action",
        "primaryConnectionString,primaryKey,primaryKeyID,primaryReadOnlyConnectionString,primaryReadOnlyKey,primaryReadOnlyKeyID,secondaryConnectionString,secondaryKey,secondaryKeyID,secondaryReadOnlyConnectionString,secondaryReadOnlyKey,secondaryReadOnlyKeyID"),
    ("cache", "redis", "Microsoft.Cache/redis/listKeys/action",
        "hostName,port,primaryKey,secondaryKey,sslPort"),
    ("cache", "redisenterprisedatabases", "Microsoft.Cache/redisEnterprise/databases/listKeys/action",
        "primaryKey,secondaryKey"),
    ("cognitiveservices", "accounts", "Microsoft.CognitiveServices/accounts/listKeys/action",
        "key1,key2"),
    ("communication", "communicationservices", "Microsoft.Communication/CommunicationServices/ListKeys/action",
        "primaryConnectionString,primaryKey,secondaryConnectionString,secondaryKey"),
    ("containerservice", "fleets", "Microsoft.ContainerService/fleets/listCredentials/action",
        "userCredentials"),
    ("containerservice", "managedclusters", "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action,Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
        "adminCredentials,userCredentials"),
    ("dbformariadb", "servers", "",
        "fullyQualifiedDomainName"),
    ("dbformysql", "flexibleservers", "",
        "fullyQualifiedDomainName"),
    ("dbforpostgresql", "flexibleservers", "",
        "fullyQualifiedDomainName"),
    ("devices", "iothubs", "Microsoft.Devices/iotHubs/listkeys/Action",
        "devicePrimaryKey,deviceSecondaryKey,iotHubOwnerPrimaryKey,iotHubOwnerSecondaryKey,registryReadPrimaryKey,registryReadSecondaryKey,registryReadWritePrimaryKey,registryReadWriteSecondaryKey,servicePrimaryKey,serviceSecondaryKey"),
    ("documentdb", "databaseaccounts", "Microsoft.DocumentDB/databaseAccounts/listKeys/action",
        "documentEndpoint,primaryMasterKey,primaryReadonlyMasterKey,secondaryMasterKey,secondaryReadonlyMasterKey"),
    ("eventgrid", "topics", "Microsoft.EventGrid/topics/listKeys/action",
        "key1,key2"),
    ("eventhub", "namespaces", "Microsoft.EventHub/namespaces/authorizationRules/listkeys/action",
        "primaryConnectionString,primaryKey,secondaryConnectionString,secondaryKey"),
    ("eventhub", "namespacesauthorizationrules", "Microsoft.EventHub/namespaces/authorizationRules/listkeys/action",
        "primaryConnectionString,primaryKey,secondaryConnectionString,secondaryKey"),
    ("eventhub", "namespaceseventhubsauthorizationrules", "Microsoft.EventHub/namespaces/eventHubs/authorizationRules/listkeys/action",
        "primaryConnectionString,primaryKey,secondaryConnectionString,secondaryKey"),
    ("machinelearningservices", "workspaces", "Microsoft.MachineLearningServices/workspaces/listKeys/action",
        "appInsightsInstrumentationKey,containerRegistryPassword,containerRegistryPassword2,containerRegistryUserName,primaryNotebookAccessKey,secondaryNotebookAccessKey,userStorageKey"),
    ("managedidentity", "userassignedidentities", "",
        "clientId,principalId,subscriptionId,tenantId"),
    ("notificationhubs", "namespaces", "Microsoft.NotificationHubs/Namespaces/authorizationRules/listkeys/action",
        "primaryConnectionString,primaryKey,secondaryConnectionString,secondaryKey"),
    ("notificationhubs", "notificationhubs", "Microsoft.NotificationHubs/Namespaces/NotificationHubs/authorizationRules/listkeys/action",
        "primaryConnectionString,primaryKey,secondaryConnectionString,secondaryKey"),
    ("operationalinsights", "workspaces", "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
        "primarySharedKey,secondarySharedKey"),
    ("redhatopenshift", "hcpopenshiftclusters", "Microsoft.RedHatOpenShift/hcpOpenShiftClusters/requestAdminCredential/action",
        "adminCredentials"),
    ("redhatopenshift", "openshiftclusters", "Microsoft.RedHatOpenShift/openShiftClusters/listCredentials/action,Microsoft.RedHatOpenShift/openShiftClusters/listAdminCredentials/action",
        "adminCredentials,password,username"),
    ("search", "searchservices", "Microsoft.Search/searchServices/listAdminKeys/action,Microsoft.Search/searchServices/listQueryKeys/action",
        "adminPrimaryKey,adminSecondaryKey,queryKey"),
    ("servicebus", "namespaces", "Microsoft.ServiceBus/namespaces/authorizationRules/listkeys/action",
        "endpoint,primaryConnectionString,primaryKey,secondaryConnectionString,secondaryKey"),
    ("servicebus", "namespacesauthorizationrules", "Microsoft.ServiceBus/namespaces/authorizationRules/listkeys/action",
        "primaryConnectionString,primaryKey,secondaryConnectionString,secondaryKey"),
    ("servicebus", "topicauthorizationrules", "Microsoft.ServiceBus/namespaces/topics/authorizationRules/listkeys/action",
        "primaryConnectionString,primaryKey,secondaryConnectionString,secondaryKey"),
    ("signalrservice", "signalrs", "Microsoft.SignalRService/SignalR/listkeys/action",
        "primaryConnectionString,primaryKey,secondaryConnectionString,secondaryKey"),
    ("storage", "storageaccounts", "Microsoft.Storage/storageAccounts/listkeys/action",
        "blobEndpoint,dfsEndpoint,fileEndpoint,key1,key2,queueEndpoint,tableEndpoint,webEndpoint"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_kind_is_found_by_both_its_names() {
        assert!(KINDS.is_sorted_by(|a, b| (a.group, a.plural) < (b.group, b.plural)));
        for at in KindIx::all() {
            let AsoKind { group, kind, plural, .. } = at.facts();
            assert_eq!(
                (KindIx::of_resource(group, plural), KindIx::of_kind(group, kind)),
                (Some(at), Some(at)),
                "{kind}"
            );
            assert!(is_aso_group(group));
        }
        assert_eq!(
            EXPORTS.iter().filter(|own| KindIx::of_resource(&[own.0, ".azure.com"].concat(), own.1).is_none()).count(),
            0
        );
        assert_eq!(KindIx::all().filter(|at| at.facts().exports().is_some()).count(), EXPORTS.len());
    }

    #[test]
    fn a_plural_is_that_of_its_kind() {
        for AsoKind { kind, plural, .. } in KindIx::all().map(KindIx::facts) {
            let singular = kind.to_ascii_lowercase();
            assert!(plural.starts_with(&singular[..singular.len() - 1]), "{kind} {plural}");
        }
        assert!(KindIx::of_kind("containerservice.azure.com", "ManagedCluster").is_some());
    }

    #[test]
    fn every_owner_is_a_kind_of_the_table() {
        for at in KindIx::all() {
            if let AsoOwnerKind::Kind(group, kind) = at.facts().owner {
                assert!(KindIx::of_kind(group, kind).is_some(), "{group}/{kind}");
            }
        }
    }

    #[test]
    fn names_that_are_no_kinds_are_not_found() {
        for (group, plural) in
            [("", "secrets"), ("storage.azure.com", "storageaccount"), ("azure.com", "vaults"), ("*.azure.com", "*")]
        {
            assert_eq!(KindIx::of_resource(group, plural), None);
            assert_eq!(KindIx::of_kind(group, plural), None);
        }
        assert!(
            !is_aso_group("cid.wi.aks.azure.com") && !is_aso_group("clusterconfig.azure.com") && !is_aso_group("zzz")
        );
    }

    #[test]
    fn actions_are_those_of_the_type() {
        let of = |group, plural| KindIx::of_resource(group, plural).unwrap().facts();
        let group = of("resources.azure.com", "resourcegroups");
        assert_eq!(group.write_action().as_deref(), Some("Microsoft.Resources/subscriptions/resourceGroups/write"));
        let cluster = of("containerservice.azure.com", "managedclusters");
        let (keys, actions) = cluster.exports().unwrap();
        assert_eq!(keys.collect::<Vec<_>>(), ["adminCredentials", "userCredentials"]);
        assert_eq!(actions.count(), 2);
        assert!(cluster.attaches_identity() && cluster.reads_secrets());
        let user = of("sql.azure.com", "users");
        assert_eq!((user.write_action(), user.writes_secrets()), (None, false));
        assert_eq!(of("appconfiguration.azure.com", "snapshots").delete_action(), None);
        assert!(of("authorization.azure.com", "roleassignments").is_extension());
        let identity = of("managedidentity.azure.com", "userassignedidentities").exports().unwrap();
        assert_eq!(identity.1.count(), 0, "reading is enough");
    }

    #[test]
    fn versions_of_the_operator_are_known() {
        for (version, expected) in [
            ("v1api20230101", true),
            ("v1api20200801preview", true),
            ("v20220401", true),
            ("v20200801preview", true),
            ("v1", false),
            ("v1alpha1", false),
            ("v1beta20210101", false),
            ("v2023010", false),
            ("v202301011", false),
        ] {
            assert_eq!(is_aso_version(version), expected, "{version}");
        }
    }
}
