//! The objects of a profile, one after another. Shares and sizes are assumptions: chosen to be plausible and to stress, with the
//! irregular things in that real clusters have (subjects given twice or dangling, `rules: null`, managedFields).

use std::fmt::Write;
use std::io;

use super::Profile;
use super::random::Random;

/// A kind and how the API spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) api_version: &'static str,
    pub(super) name: &'static str,
}

impl Kind {
    pub(super) const ALL: &'static [Kind] = &[
        CLUSTER_ROLE,
        CLUSTER_ROLE_BINDING,
        NAMESPACE,
        SERVICE_ACCOUNT,
        ROLE,
        ROLE_BINDING,
        POD,
        IDENTITY,
        FEDERATED_CREDENTIAL,
        ROLE_ASSIGNMENT,
        STORAGE_ACCOUNT,
    ];

    /// How an object of this kind begins.
    pub(super) fn head(self) -> String {
        format!(r#"{{"apiVersion":"{}","kind":"{}","#, self.api_version, self.name)
    }
}

const RBAC: &str = "rbac.authorization.k8s.io/v1";
const CLUSTER_ROLE: Kind = Kind { api_version: RBAC, name: "ClusterRole" };
const CLUSTER_ROLE_BINDING: Kind = Kind { api_version: RBAC, name: "ClusterRoleBinding" };
const ROLE: Kind = Kind { api_version: RBAC, name: "Role" };
const ROLE_BINDING: Kind = Kind { api_version: RBAC, name: "RoleBinding" };
const NAMESPACE: Kind = Kind { api_version: "v1", name: "Namespace" };
const SERVICE_ACCOUNT: Kind = Kind { api_version: "v1", name: "ServiceAccount" };
const POD: Kind = Kind { api_version: "v1", name: "Pod" };
const IDENTITY: Kind = Kind { api_version: "managedidentity.azure.com/v1api20230131", name: "UserAssignedIdentity" };
const FEDERATED_CREDENTIAL: Kind =
    Kind { api_version: "managedidentity.azure.com/v1api20230131", name: "FederatedIdentityCredential" };
const ROLE_ASSIGNMENT: Kind = Kind { api_version: "authorization.azure.com/v1api20220401", name: "RoleAssignment" };
const STORAGE_ACCOUNT: Kind = Kind { api_version: "storage.azure.com/v1api20230101", name: "StorageAccount" };

const VERB_SETS: [&str; 6] = [
    r#""get","list","watch""#,
    r#""get""#,
    r#""create","delete","get","list","patch","update","watch""#,
    r#""create","patch""#,
    r#""get","update","patch""#,
    r#""delete","deletecollection""#,
];
const RESOURCES: [(&str, &str); 16] = [
    ("", "pods"),
    ("", "configmaps"),
    ("", "secrets"),
    ("", "services"),
    ("", "events"),
    ("", "persistentvolumeclaims"),
    ("", "serviceaccounts"),
    ("", "pods/log"),
    ("", "pods/exec"),
    ("apps", "deployments"),
    ("apps", "statefulsets"),
    ("apps", "*/scale"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
    ("networking.k8s.io", "ingresses"),
    ("autoscaling", "horizontalpodautoscalers"),
];
/// What view reads.
const VIEW: &str = r#"{"apiGroups":["","apps","batch","networking.k8s.io","autoscaling"],"resources":["pods","pods/log","configmaps","services","events","persistentvolumeclaims","serviceaccounts","deployments","statefulsets","jobs","cronjobs","ingresses","horizontalpodautoscalers"],"verbs":["get","list","watch"]}"#;
/// Cluster-wide rights that controllers of the platform hold and that no template has.
const CONTROLLER_RULES: [&str; 6] = [
    r#"{"apiGroups":[""],"resources":["nodes","nodes/status"],"verbs":["get","list","patch","update","watch"]}"#,
    r#"{"apiGroups":["certificates.k8s.io"],"resources":["certificatesigningrequests/approval"],"verbs":["update"]}"#,
    r#"{"apiGroups":["certificates.k8s.io"],"resourceNames":["kubernetes.io/kubelet-serving"],"resources":["signers"],"verbs":["approve","sign"]}"#,
    r#"{"nonResourceURLs":["/metrics","/healthz/*"],"verbs":["get"]}"#,
    r#"{"apiGroups":["*"],"resources":["*/scale"],"verbs":["get","update"]}"#,
    r#"{"apiGroups":["authentication.k8s.io"],"resources":["tokenreviews"],"verbs":["create"]}"#,
];
const ROLE_DEFINITIONS: [&str; 3] = [
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
];

/// ClusterRoles of the platform's own controllers.
const CONTROLLERS: usize = 66;
/// Lists of rules that most Roles share.
const TEMPLATES: usize = 40;

/// Where each object goes: its kind, and its text after the kind.
type Each<'e> = dyn FnMut(Kind, &str) -> io::Result<()> + 'e;

/// Makes the objects of a profile.
pub(super) struct Objects<'p> {
    profile: &'p Profile,
    random: Random,
    /// Rules that many roles share.
    templates: Vec<String>,
    text: String,
}

impl<'p> Objects<'p> {
    pub(super) fn new(profile: &'p Profile) -> Objects<'p> {
        let mut objects =
            Objects { profile, random: Random::new(profile.seed), templates: Vec::new(), text: String::new() };
        objects.templates = (0..TEMPLATES).map(|_| objects.template()).collect();
        objects
    }

    pub(super) fn each(mut self, each: &mut Each<'_>) -> io::Result<()> {
        self.cluster_roles(each)?;
        self.cluster_role_bindings(each)?;
        for at in 0..self.profile.namespaces {
            let own = 1_000_003 * (at as u64 + 1);
            self.random = Random::new(own ^ (self.profile.seed ^ 42).wrapping_mul(0x9e37_79b9));
            self.namespace(at, each)?;
        }
        Ok(())
    }

    fn template(&mut self) -> String {
        let wildcards = if self.profile.orderly { 0 } else { 2 };
        let rules: Vec<String> = (0..self.random.between(1, 5)).map(|_| self.rule(wildcards)).collect();
        format!("[{}]", rules.join(","))
    }

    /// A rule, in so many of a hundred cases of wildcards only.
    fn rule(&mut self, wildcards: usize) -> String {
        if self.random.percent(wildcards) {
            return r#"{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}"#.to_owned();
        }
        let (group, resource) = self.random.pick(&RESOURCES);
        let same_group: Vec<_> = RESOURCES.iter().filter(|(other, _)| *other == group).collect();
        let (_, other) = self.random.pick(&same_group);
        let resources =
            if *other == resource { format!(r#""{resource}""#) } else { format!(r#""{resource}","{other}""#) };
        let verbs = self.random.pick(&VERB_SETS);
        format!(r#"{{"apiGroups":["{group}"],"resources":[{resources}],"verbs":[{verbs}]}}"#)
    }

    fn rules(&mut self, count: usize, wildcards: usize) -> String {
        let rules: Vec<String> = (0..count).map(|_| self.rule(wildcards)).collect();
        format!("[{}]", rules.join(","))
    }

    /// Begins the object's text with its metadata; the fields after it follow.
    fn metadata(&mut self, namespace: Option<&str>, name: &str, labels: &str, annotations: &str) {
        self.text.clear();
        self.text.push_str(r#""metadata":{"#);
        if !annotations.is_empty() {
            let _ = write!(self.text, r#""annotations":{{{annotations}}},"#);
        }
        let day = self.random.between(1, 28);
        let _ = write!(
            self.text,
            r#""creationTimestamp":"2025-03-{day:02}T10:{:02}:07Z","labels":{{{labels}}},"#,
            day + 20
        );
        if self.random.percent(20) {
            let _ = write!(
                self.text,
                r#""managedFields":[{{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{{"f:metadata":{{"f:annotations":{{".":{{}},"f:kubectl.kubernetes.io/last-applied-configuration":{{}}}},"f:labels":{{".":{{}},"f:app.kubernetes.io/name":{{}}}}}}}},"manager":"kubectl-client-side-apply","operation":"Update","time":"2025-03-{day:02}T10:00:00Z"}}],"#
            );
        }
        let _ = write!(self.text, r#""name":"{name}","#);
        if let Some(namespace) = namespace {
            let _ = write!(self.text, r#""namespace":"{namespace}","#);
        }
        let (version, uid) = (self.random.between(100_000, 99_999_999), self.random.hex());
        let (low, high) = (uid & 0xffff, uid >> 16);
        let _ = write!(
            self.text,
            r#""resourceVersion":"{version}","uid":"{:08x}-{low:04x}-4{:03x}-9a7b-{high:012x}"}}"#,
            version,
            low & 0xfff
        );
    }

    fn finish(&mut self, kind: Kind, rest: &str, each: &mut Each<'_>) -> io::Result<()> {
        self.text.push_str(rest);
        self.text.push('}');
        each(kind, &self.text)
    }

    fn cluster_role(
        &mut self,
        name: &str,
        labels: &str,
        rules: &str,
        more: &str,
        each: &mut Each<'_>,
    ) -> io::Result<()> {
        self.metadata(None, name, labels, "");
        self.finish(CLUSTER_ROLE, &format!(r#"{more},"rules":{rules}"#), each)
    }

    fn cluster_roles(&mut self, each: &mut Each<'_>) -> io::Result<()> {
        let all = r#"[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]},{"nonResourceURLs":["*"],"verbs":["*"]}]"#;
        let labels = r#""kubernetes.io/bootstrapping":"rbac-defaults""#;
        self.cluster_role("cluster-admin", labels, all, "", each)?;
        // Name, verb set, and how many rules it has before those of the custom resources.
        let levels = [("admin", 2, 64), ("edit", 2, 48), ("view", 0, 24)];
        let mut united = levels.map(|(name, _, base)| {
            let mut rules = self.rules(base, 0);
            if name == "view" && self.profile.orderly {
                rules = format!("[{VIEW}]");
            }
            rules.pop();
            rules
        });
        for at in 0..self.profile.custom_resources {
            for (level, (name, verbs, ..)) in levels.iter().enumerate() {
                let verbs = VERB_SETS[*verbs];
                let rule = format!(
                    r#"{{"apiGroups":["group{}.example.com"],"resources":["widgets{at}","widgets{at}/status"],"verbs":[{verbs}]}}"#,
                    at / 8
                );
                for into in &mut united[..=level] {
                    into.push(',');
                    into.push_str(&rule);
                }
                let labels = format!(
                    r#""app.kubernetes.io/part-of":"group{}","rbac.authorization.k8s.io/aggregate-to-{name}":"true""#,
                    at / 8
                );
                self.cluster_role(&format!("widgets{at}-{name}"), &labels, &format!("[{rule}]"), "", each)?;
            }
        }
        for ((name, ..), mut rules) in levels.into_iter().zip(united) {
            rules.push(']');
            let aggregation = format!(
                r#","aggregationRule":{{"clusterRoleSelectors":[{{"matchLabels":{{"rbac.authorization.k8s.io/aggregate-to-{name}":"true"}}}}]}}"#
            );
            self.cluster_role(name, labels, &rules, &aggregation, each)?;
        }
        for at in 0..CONTROLLERS {
            let count = self.random.between(1, 8);
            let mut rules = self.rules(count, 0);
            rules.insert_str(1, &format!("{},", self.random.pick(&CONTROLLER_RULES)));
            self.cluster_role(&format!("system:controller:controller-{at}"), labels, &rules, "", each)?;
        }
        for at in 0..self.profile.operators {
            let count = self.random.between(8, 37);
            let mut rules = self.rules(count, 0);
            match self.random.below(100) {
                0..3 => rules.insert_str(1, r#"{"apiGroups":["*"],"resources":["*"],"verbs":["*"]},"#),
                3..8 => rules.insert_str(
                    1,
                    r#"{"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles","clusterroles"],"verbs":["bind","escalate"]},{"apiGroups":["rbac.authorization.k8s.io"],"resources":["rolebindings","clusterrolebindings"],"verbs":["create","get"]},"#,
                ),
                8..10 => rules.insert_str(1, r#"{"apiGroups":[""],"resources":["users","groups","serviceaccounts"],"verbs":["impersonate"]},"#),
                10..30 => rules.insert_str(1, &format!("{},", CONTROLLER_RULES[3])),
                _ => {}
            }
            let labels = format!(r#""app.kubernetes.io/managed-by":"Helm","app.kubernetes.io/name":"operator-{at}""#);
            self.cluster_role(&format!("operator-{at}"), &labels, &rules, "", each)?;
        }
        for at in 0..self.profile.named_roles {
            let rules = format!(
                r#"[{{"apiGroups":[""],"resourceNames":["team-{at:04}-config"],"resources":["configmaps","secrets"],"verbs":["get"]}},{{"apiGroups":[""],"resourceNames":["team-{at:04}"],"resources":["namespaces"],"verbs":["get","patch"]}}]"#
            );
            self.cluster_role(&format!("named-{at}"), r#""app.kubernetes.io/managed-by":"Helm""#, &rules, "", each)?;
        }
        Ok(())
    }

    fn cluster_role_bindings(&mut self, each: &mut Each<'_>) -> io::Result<()> {
        let (operators, fixed) = (self.profile.operators, self.profile.operators + CONTROLLERS);
        for at in 0..self.profile.cluster_role_bindings {
            let (role, subjects) = match at {
                at if at < operators => {
                    let tenant = namespace_name(at % self.profile.namespaces);
                    let namespace = if self.profile.orderly { "platform-system".to_owned() } else { tenant };
                    (format!("operator-{at}"), account(&format!("operator-{at}"), &namespace))
                }
                at if at < fixed => {
                    let name = format!("controller-{}", at - operators);
                    (format!("system:controller:{name}"), account(&name, "kube-system"))
                }
                at if at == fixed => ("cluster-admin".to_owned(), by_name("Group", "system:masters")),
                at if at == fixed + 1 => ("view".to_owned(), by_name("Group", "system:authenticated")),
                at if at < fixed + 6 => {
                    ("cluster-admin".to_owned(), by_name("User", &format!("break-glass-{at}@example.com")))
                }
                _ if self.random.percent(10) => ("view".to_owned(), self.group()),
                _ => (format!("named-{}", self.random.below(self.profile.named_roles)), self.user()),
            };
            self.metadata(None, &format!("binding-{at}"), r#""app.kubernetes.io/managed-by":"Helm""#, "");
            let rest = format!(
                r#","roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"{role}"}},"subjects":[{subjects}]"#
            );
            self.finish(CLUSTER_ROLE_BINDING, &rest, each)?;
        }
        Ok(())
    }

    fn user(&mut self) -> String {
        by_name("User", &user_name(self.random.below(self.profile.users)))
    }

    fn group(&mut self) -> String {
        by_name("Group", &group_id(self.random.below(self.profile.groups)))
    }

    fn namespace(&mut self, at: usize, each: &mut Each<'_>) -> io::Result<()> {
        // Most namespaces are small and a few are huge; the mean of the factors is one.
        let (tenths, hot) = match self.random.below(100) {
            _ if at == 0 => (10, self.profile.hot_bindings),
            0..60 => (5, 0),
            60..90 => (12, 0),
            90..99 => (26, 0),
            _ => (106, 0),
        };
        let scaled = |base: usize| (base * tenths).div_ceil(10);
        let accounts = scaled(self.profile.service_accounts).max(3);
        let roles = scaled(self.profile.roles);
        let bindings = scaled(self.profile.role_bindings_times_two) / 2 + hot;
        let name = namespace_name(at);
        self.metadata(None, &name, &format!(r#""kubernetes.io/metadata.name":"{name}","pod-security.kubernetes.io/enforce":"baseline","team":"team-{}""#, at % 97), "");
        self.finish(NAMESPACE, r#","spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}"#, each)?;
        for at in 0..accounts {
            let account = account_name(at);
            self.metadata(
                Some(&name),
                &account,
                &format!(r#""app.kubernetes.io/instance":"{account}","app.kubernetes.io/managed-by":"Helm""#),
                r#""meta.helm.sh/release-name":"release","meta.helm.sh/release-namespace":"default""#,
            );
            self.finish(SERVICE_ACCOUNT, r#","imagePullSecrets":[{"name":"registry"}]"#, each)?;
        }
        for role in 0..roles {
            let rules = match self.random.below(100) {
                0..60 => self.templates[self.random.below(TEMPLATES)].clone(),
                60..84 => leader_election(self.random.below(400)),
                84 => "null".to_owned(),
                _ => {
                    let resource = if self.random.percent(40) { "secrets" } else { "configmaps" };
                    format!(
                        r#"[{{"apiGroups":[""],"resourceNames":["{name}-{role}","{name}-{role}-tls"],"resources":["{resource}"],"verbs":["get","update"]}}]"#
                    )
                }
            };
            self.metadata(
                Some(&name),
                &format!("role-{role}"),
                r#""app.kubernetes.io/managed-by":"Helm""#,
                r#""meta.helm.sh/release-name":"release""#,
            );
            self.finish(ROLE, &format!(r#","rules":{rules}"#), each)?;
        }
        for at in 0..bindings {
            self.role_binding(&name, at, roles, accounts, each)?;
        }
        for at in 0..scaled(self.profile.pods) {
            self.pod(&name, at, accounts, each)?;
        }
        for at in 0..scaled(self.profile.azure_resources) {
            self.azure(&name, at, accounts, each)?;
        }
        Ok(())
    }

    fn role_binding(
        &mut self,
        namespace: &str,
        at: usize,
        roles: usize,
        accounts: usize,
        each: &mut Each<'_>,
    ) -> io::Result<()> {
        let (kind, role) = match self.random.below(100) {
            0..44 => ("Role", format!("role-{}", self.random.below(roles))),
            44 => ("Role", "long-gone".to_owned()),
            45..53 => ("ClusterRole", "admin".to_owned()),
            53..70 => ("ClusterRole", "edit".to_owned()),
            70..88 => ("ClusterRole", "view".to_owned()),
            88..94 => {
                let operator = format!("operator-{}", self.random.below(self.profile.operators));
                ("ClusterRole", if self.profile.orderly { "edit".to_owned() } else { operator })
            }
            _ => ("ClusterRole", format!("named-{}", self.random.below(self.profile.named_roles))),
        };
        let more = (0..4).filter(|_| self.random.percent(25)).count();
        let mut subjects = self.subject(namespace, accounts);
        for _ in 0..more {
            let next = self.subject(namespace, accounts);
            let _ = write!(subjects, ",{next}");
            if self.random.percent(2) {
                let _ = write!(subjects, ",{next}");
            }
        }
        self.metadata(
            Some(namespace),
            &format!("binding-{at}"),
            r#""app.kubernetes.io/managed-by":"Helm","app.kubernetes.io/part-of":"platform-access""#,
            r#""meta.helm.sh/release-name":"release","meta.helm.sh/release-namespace":"default""#,
        );
        let rest = format!(
            r#","roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"{kind}","name":"{role}"}},"subjects":[{subjects}]"#
        );
        self.finish(ROLE_BINDING, &rest, each)
    }

    fn subject(&mut self, namespace: &str, accounts: usize) -> String {
        match self.random.below(100) {
            // One account more than there are: it dangles.
            0..55 => account(&account_name(self.random.below(accounts + 1)), namespace),
            55..60 => {
                let other = namespace_name(self.random.below(self.profile.namespaces));
                account(&account_name(self.random.below(3)), if self.profile.orderly { namespace } else { &other })
            }
            60..80 => self.group(),
            80..98 => self.user(),
            _ => by_name("Group", &format!("system:serviceaccounts:{namespace}")),
        }
    }

    fn pod(&mut self, namespace: &str, at: usize, accounts: usize, each: &mut Each<'_>) -> io::Result<()> {
        let account =
            if self.random.percent(45) { "default".to_owned() } else { account_name(self.random.below(accounts)) };
        let hash = self.random.hex();
        let name = format!("service-{at}-{:08x}", hash as u32);
        self.metadata(
            Some(namespace),
            &name,
            &format!(
                r#""app.kubernetes.io/instance":"service-{at}","app.kubernetes.io/name":"service","pod-template-hash":"{:08x}","version":"1.{at}.0""#,
                hash as u32
            ),
            r#""checksum/config":"9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab","prometheus.io/port":"9090","prometheus.io/scrape":"true""#,
        );
        let (mut containers, mut statuses) = (String::new(), String::new());
        for container in 0..self.random.between(1, 3) {
            let comma = if container > 0 { "," } else { "" };
            let mut variables = String::new();
            for variable in 0..self.random.between(4, 17) {
                let comma = if variable > 0 { "," } else { "" };
                let _ = write!(
                    variables,
                    r#"{comma}{{"name":"SETTING_{variable}","value":"{{\"url\":\"https://service-{}.{namespace}.svc\",\"retry\":{variable}}}"}}"#,
                    self.random.below(90)
                );
            }
            let _ = write!(
                containers,
                r#"{comma}{{"args":["--listen=0.0.0.0:8080","--config=/etc/service/config.yaml"],"env":[{variables}],"image":"registry.example.com/platform/service-{container}:1.{at}.0","imagePullPolicy":"IfNotPresent","livenessProbe":{{"failureThreshold":3,"httpGet":{{"path":"/healthz","port":8080,"scheme":"HTTP"}},"initialDelaySeconds":10,"periodSeconds":10,"successThreshold":1,"timeoutSeconds":1}},"name":"container-{container}","ports":[{{"containerPort":8080,"name":"http","protocol":"TCP"}},{{"containerPort":9090,"name":"metrics","protocol":"TCP"}}],"readinessProbe":{{"failureThreshold":3,"httpGet":{{"path":"/readyz","port":8080,"scheme":"HTTP"}},"periodSeconds":5,"successThreshold":1,"timeoutSeconds":1}},"resources":{{"limits":{{"cpu":"500m","memory":"512Mi"}},"requests":{{"cpu":"50m","memory":"128Mi"}}}},"securityContext":{{"allowPrivilegeEscalation":false,"capabilities":{{"drop":["ALL"]}},"readOnlyRootFilesystem":true}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","volumeMounts":[{{"mountPath":"/etc/service","name":"config"}},{{"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount","name":"kube-api-access","readOnly":true}}]}}"#
            );
            let _ = write!(
                statuses,
                r#"{comma}{{"containerID":"containerd://{:016x}{hash:016x}{hash:016x}{hash:016x}","image":"registry.example.com/platform/service-{container}:1.{at}.0","imageID":"registry.example.com/platform/service-{container}@sha256:{hash:016x}{hash:016x}{hash:016x}{hash:016x}","lastState":{{}},"name":"container-{container}","ready":true,"restartCount":0,"started":true,"state":{{"running":{{"startedAt":"2025-03-01T10:00:09Z"}}}}}}"#,
                self.random.hex()
            );
        }
        let rest = format!(
            r#","spec":{{"containers":[{containers}],"dnsPolicy":"ClusterFirst","enableServiceLinks":true,"nodeName":"aks-nodepool1-vmss{:06}","preemptionPolicy":"PreemptLowerPriority","priority":0,"restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{{"fsGroup":2000,"runAsNonRoot":true}},"serviceAccount":"{account}","serviceAccountName":"{account}","terminationGracePeriodSeconds":30,"tolerations":[{{"effect":"NoExecute","key":"node.kubernetes.io/not-ready","operator":"Exists","tolerationSeconds":300}},{{"effect":"NoExecute","key":"node.kubernetes.io/unreachable","operator":"Exists","tolerationSeconds":300}}],"volumes":[{{"configMap":{{"defaultMode":420,"name":"service-{at}"}},"name":"config"}},{{"name":"kube-api-access","projected":{{"defaultMode":420,"sources":[{{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},{{"configMap":{{"items":[{{"key":"ca.crt","path":"ca.crt"}}],"name":"kube-root-ca.crt"}}}}]}}}}]}},"status":{{"conditions":[{{"lastProbeTime":null,"lastTransitionTime":"2025-03-01T10:00:07Z","status":"True","type":"Initialized"}},{{"lastProbeTime":null,"lastTransitionTime":"2025-03-01T10:00:09Z","status":"True","type":"Ready"}},{{"lastProbeTime":null,"lastTransitionTime":"2025-03-01T10:00:07Z","status":"True","type":"PodScheduled"}}],"containerStatuses":[{statuses}],"hostIP":"10.224.0.{}","phase":"Running","podIP":"10.244.{}.{}","qosClass":"Burstable","startTime":"2025-03-01T10:00:07Z"}}"#,
            self.random.below(5_000),
            self.random.below(250),
            self.random.below(250),
            self.random.below(250)
        );
        self.finish(POD, &rest, each)
    }

    fn azure(&mut self, namespace: &str, at: usize, accounts: usize, each: &mut Each<'_>) -> io::Result<()> {
        let subscription = format!("00000000-0000-0000-0000-{:012}", self.random.below(40));
        let group = format!("/subscriptions/{subscription}/resourceGroups/{namespace}");
        let (kind, spec) = match self.random.below(100) {
            0..25 => {
                (IDENTITY, format!(r#""azureName":"id-{at}","location":"westeurope","owner":{{"armId":"{group}"}}"#))
            }
            25..55 => (
                FEDERATED_CREDENTIAL,
                format!(
                    r#""audiences":["api://AzureADTokenExchange"],"issuer":"https://westeurope.oic.prod-aks.azure.com/tenant/cluster/","owner":{{"name":"id-{}"}},"subject":"system:serviceaccount:{namespace}:{}""#,
                    at / 2,
                    account_name(self.random.below(accounts))
                ),
            ),
            55..80 => (
                ROLE_ASSIGNMENT,
                format!(
                    r#""owner":{{"armId":"{group}"}},"principalId":"{:08x}-1111-2222-3333-444455556666","principalType":"ServicePrincipal","roleDefinitionReference":{{"armId":"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{}"}}"#,
                    self.random.hex() as u32,
                    self.random.pick(&ROLE_DEFINITIONS)
                ),
            ),
            _ => (
                STORAGE_ACCOUNT,
                format!(
                    r#""kind":"StorageV2","location":"westeurope","owner":{{"armId":"{group}"}},"sku":{{"name":"Standard_LRS"}}"#
                ),
            ),
        };
        self.metadata(
            Some(namespace),
            &format!("azure-{at}"),
            r#""app.kubernetes.io/managed-by":"Helm""#,
            r#""serviceoperator.azure.com/operator-namespace":"azureserviceoperator-system","serviceoperator.azure.com/reconcile-policy":"manage""#,
        );
        let rest = format!(
            r#","spec":{{{spec}}},"status":{{"conditions":[{{"lastTransitionTime":"2025-03-01T10:00:07Z","observedGeneration":1,"reason":"Succeeded","status":"True","type":"Ready"}}],"id":"{group}/providers/Microsoft.Example/things/azure-{at}"}}"#
        );
        self.finish(kind, &rest, each)
    }
}

pub(super) fn namespace_name(at: usize) -> String {
    format!("team-{at:05}")
}

pub(super) fn user_name(at: usize) -> String {
    format!("user-{at:05}@contoso.example.com")
}

/// Groups of the directory are called by their object ids.
pub(super) fn group_id(at: usize) -> String {
    format!("6f1c0a52-7d1e-4b8e-9c55-{at:012}")
}

/// The first three are those that every OpenShift namespace has.
pub(super) fn account_name(at: usize) -> String {
    match at {
        0 => "default".to_owned(),
        1 => "builder".to_owned(),
        2 => "deployer".to_owned(),
        at => format!("workload-{at}"),
    }
}

fn account(name: &str, namespace: &str) -> String {
    format!(r#"{{"kind":"ServiceAccount","name":"{name}","namespace":"{namespace}"}}"#)
}

fn by_name(kind: &str, name: &str) -> String {
    format!(r#"{{"apiGroup":"rbac.authorization.k8s.io","kind":"{kind}","name":"{name}"}}"#)
}

fn leader_election(at: usize) -> String {
    format!(
        r#"[{{"apiGroups":[""],"resourceNames":["leader-{at}"],"resources":["configmaps"],"verbs":["get","update","patch"]}},{{"apiGroups":["coordination.k8s.io"],"resourceNames":["leader-{at}"],"resources":["leases"],"verbs":["get","update","patch"]}},{{"apiGroups":[""],"resources":["events"],"verbs":["create","patch"]}}]"#
    )
}
