use rbac_lens::collect::{FileOptions, Input, Limits, Needs, load};
use std::io::{self, Read, Write};

fn options() -> FileOptions {
    FileOptions {
        recursive: false,
        needs: Needs::default(),
        default_namespace: "default".into(),
        keep_going: false,
        limits: Limits::default(),
        threads: 2,
    }
}
fn try_it(name: &str, content: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    let t = std::time::Instant::now();
    let r = load(&[Input::Path(path)], &mut io::empty(), &options());
    let t = t.elapsed();
    let prefix = format!("{}/", dir.path().display());
    match r {
        Ok(s) => println!(
            "{name}: OK roles {} bindings {} counts {:?} warnings {:?} {t:?}",
            s.roles.len(),
            s.bindings.len(),
            s.counts,
            s.warnings.iter().map(|w| (w.origin.line, &w.message)).collect::<Vec<_>>()
        ),
        Err(e) => {
            for l in e.lines() {
                let l = l.replace(&prefix, "");
                println!("{name}: {} {t:?}", if l.len() > 300 { format!("{}... ({})", &l[..300], l.len()) } else { l })
            }
        }
    }
}
fn gz(content: &[u8]) -> Vec<u8> {
    let mut e = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    e.write_all(content).unwrap();
    e.finish().unwrap()
}
#[test]
fn explore() {
    let role = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"r","namespace":"n"},"rules":[]}"#;
    try_it("empty.yaml", b"");
    try_it("blank.yaml", b"\n \n");
    try_it("comment.yaml", b"# nothing\n---\n# more\n");
    try_it("text.yaml", b"hello world\n");
    try_it("text2.yaml", b"hello: world: x\n  - a\n");
    try_it("tab.yaml", b"kind: Role\n\tmetadata: {}\n");
    try_it("binary.yaml", &[0x7f, b'E', b'L', b'F', 0, 1, 2]);
    try_it("binary2.yaml", &[0x7f, b'E', b'L', b'F', 1, 2, 0xff, 0xfe]);
    try_it("cut.json", format!("{{\n\"apiVersion\":\"v1\",\n\"items\":[\n{role},\n{}", &role[..60]).as_bytes());
    try_it("cut.ndjson", format!("{role}\n{}", &role[..60]).as_bytes());
    try_it("cut1.json", &role.as_bytes()[..60]);
    try_it("braces.json", b"{}");
    try_it("brackets.json", b"[]");
    try_it("num.json", b"[1,2]");
    try_it("null.json", b"null");
    try_it("wrong1.yaml", b"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\nrules: x\n");
    try_it("wrong2.yaml", b"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\nrules:\n- verbs: [get]\n- verbs: [1]\n");
    try_it("wrong3.yaml", b"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: []\n");
    try_it("wrong4.yaml", b"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: [a]}\n");
    try_it("wrong5.yaml", b"apiVersion: rbac.authorization.k8s.io/v1\nkind: [Role]\nmetadata: {name: a}\n");
    try_it(
        "wrong6.yaml",
        b"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a}\nroleRef: x\nsubjects: []\n",
    );
    try_it("wrong7.yaml", b"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a}\nroleRef: {kind: Role}\nsubjects: []\n");
    try_it("wrong8.yaml", b"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a}\nroleRef: {kind: Role, name: x}\nsubjects: {kind: User}\n");
    try_it("wrong9.yaml", b"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a, labels: [x]}\naggregationRule: [x]\n");
    try_it("wrong10.json", b"{\n \"apiVersion\": \"rbac.authorization.k8s.io/v1\",\n \"kind\": \"Role\",\n \"metadata\": {\"name\": \"a\"},\n \"rules\": [\n  {\"verbs\":[\"get\"]},\n  {\"verbs\":[1]}\n ]\n}\n");
    try_it("wrong11.json", b"{\n \"apiVersion\": \"rbac.authorization.k8s.io/v1\",\n \"rules\": [\n  {\"verbs\":[\"get\"]},\n  {\"verbs\":[1]}\n ],\n \"kind\": \"Role\",\n \"metadata\": {\"name\": \"a\"}\n }\n");
    try_it("noname.yaml", b"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nrules: null\n");
    try_it("nullrules.yaml", b"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\nrules: null\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: b}\nrules: [null]\n");
    try_it("nosubjects.yaml", b"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a}\nroleRef: {kind: Role, name: x}\n");
    try_it("items.json", b"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":{\"a\":1}}");
    try_it("items2.json", b"{\n\"apiVersion\":\"v1\",\n\"kind\":\"List\",\n\"items\":\"x\"}");
    try_it("items3.json", b"{\n\"apiVersion\":\"v1\",\n\"kind\":\"List\",\n\"items\":[1,\n\"x\",\n{}]}");
    try_it("items.yaml", b"apiVersion: v1\nkind: List\nitems: x\n");
    try_it("items2.yaml", b"apiVersion: v1\nkind: List\nitems:\n- 1\n- x\n- {}\n");
    for n in [200, 5000, 1_000_000] {
        let deep = "[".repeat(n);
        let close = "]".repeat(n);
        try_it(&format!("deep{n}.json"), deep.as_bytes());
        try_it(&format!("deepc{n}.json"), format!("{deep}{close}").as_bytes());
        try_it(&format!("deepo{n}.json"), "{\"a\":".repeat(n).as_bytes());
        try_it(
            &format!("deepf{n}.json"),
            format!("{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{deep}{close}}}").as_bytes(),
        );
        try_it(
            &format!("deepnl{n}.json"),
            format!("{{\n\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{deep}{close}}}").as_bytes(),
        );
        try_it(&format!("deepr{n}.json"), format!("{{\n\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"Role\",\"metadata\":{{\"name\":\"a\"}},\"rules\":[{{\"x\":{deep}{close}}},{deep}{close}]}}").as_bytes());
        try_it(
            &format!("deepi{n}.json"),
            format!("{{\n\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{deep}{close}]}}").as_bytes(),
        );
        try_it(
            &format!("deepl{n}.json"),
            format!("{}{}", r#"{"apiVersion":"v1","kind":"List","items":["#.repeat(n), "]}".repeat(n)).as_bytes(),
        );
        try_it(
            &format!("deepl{n}.ndjson"),
            format!("{}{}\n", r#"{"apiVersion":"v1","kind":"List","items":["#.repeat(n), "]}".repeat(n)).as_bytes(),
        );
        try_it(&format!("deepfl{n}.yaml"), format!("a: {deep}{close}").as_bytes());
        try_it(&format!("deepfo{n}.yaml"), format!("a: {deep}").as_bytes());
        try_it(&format!("deepm{n}.yaml"), format!("a: {}", "{a: ".repeat(n)).as_bytes());
        try_it(&format!("deepseq{n}.yaml"), "- ".repeat(n).as_bytes());
        if n <= 5000 {
            let mut s = String::new();
            for i in 0..n {
                s.push_str(&" ".repeat(i));
                s.push_str("a:\n");
            }
            try_it(&format!("deepblock{n}.yaml"), s.as_bytes());
        }
    }
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for i in 1..12 {
        bomb.push_str(&format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(",")));
    }
    try_it("bomb.yaml", bomb.as_bytes());
    let big = "x".repeat(1_000_000);
    try_it("bomb2.yaml", format!("a: &a {big}\nb: [{}]\n", vec!["*a"; 100_000].join(",")).as_bytes());
    try_it("bomb3.yaml", format!("a: &a {}\nb: [{}]\n", "x".repeat(1000), vec!["*a"; 1_000_000].join(",")).as_bytes());
    try_it("self.yaml", b"a: &a [*a]\n");
    try_it("noanchor.yaml", b"a: *b\n");
    try_it(
        "bomb.ndjson.gz",
        &gz(format!("{}\n", r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}}"#)
            .repeat(6_000_000)
            .as_bytes()),
    );
    try_it("bombline.json.gz", &gz(format!("{{\"a\":\"{}", "x".repeat(400_000_000)).as_bytes()));
    try_it("bombline.yaml.gz", &gz(format!("a: {}", "x".repeat(400_000_000)).as_bytes()));
    try_it("cut.json.gz", &gz(role.as_bytes())[..60]);
    try_it("junk.json.gz", &[0x1f, 0x8b, 1, 2, 3]);
    try_it("line50.json", format!("{{\"a\":\"{}\"}}", "x".repeat(50_000_000)).as_bytes());
    try_it("line50.ndjson", format!("{role}\n{{\"a\":\"{}\"}}\n", "x".repeat(50_000_000)).as_bytes());
    try_it("line50.yaml", format!("a: {}\n", "x".repeat(50_000_000)).as_bytes());
    try_it("latin1.yaml", b"kind: Role\nname: caf\xe9\n");
    try_it("latin1.ndjson", &[role.as_bytes(), b"\n{\"a\":\"caf\xe9\"}\n"].concat());
    try_it("latin1.json", b"{\n\"a\":\"caf\xe9\"}\n");
    try_it("utf16.yaml", &[0xff, 0xfe, b'a', 0, b':', 0]);
    try_it("utf16be.json", &[0xfe, 0xff, 0, b'{', 0, b'}']);
    try_it("utf16nobom.json", &[b'{', 0, b'}', 0]);
    try_it("ctl.ndjson", b"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"a\\u001b[31m\\nb\"}}\n{\"apiVersion\":\"v1\",\"kind\":\"A\\u001b\"}\n{\"kind\":\"Role\",\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"metadata\":{}}\n{\"kind\":\"A\\u001b[1mB\"}");
    try_it(
        "dupkey.json",
        b"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\",\"name\":\"b\"}}",
    );
    try_it("dupkey.yaml", b"apiVersion: v1\nkind: Namespace\nkind: Pod\nmetadata: {name: a}\n");
    try_it("nul.json", b"{\"a\":\"\0\"}");
    try_it("lone.json", b"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"\\ud800\"}}");
    try_it("trailing.json", format!("{role} x\n").as_bytes());
    try_it("trailing2.json", format!("{{\n{}\nx\n", &role[1..]).as_bytes());
    try_it("comma.ndjson", format!("{role},\n{role}\n").as_bytes());
    try_it("many.ndjson", format!("{role}\n{{\"a\":}}\n{role}\n[1]\n{{\"x\":1}}\n").as_bytes());
}
