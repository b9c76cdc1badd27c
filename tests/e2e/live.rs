//! The live collector against the real server.

use rbac_lens::collect::{ConnectionOptions, LiveCluster, Needs};

use crate::server;

#[test]
fn a_cluster_is_read_whole() {
    let server = server::plain();
    let options = ConnectionOptions { kubeconfig: Some(server.kubeconfig("admin")), ..ConnectionOptions::default() };
    let live = LiveCluster::connect(&options).unwrap();
    let t = std::time::Instant::now();
    let snapshot = live.collect(&live.options(Needs::ALL), &|at| eprintln!("{at:?}")).unwrap();
    eprintln!("{:?}", t.elapsed());
    eprintln!("{:?}", snapshot.clusters);
    eprintln!("{:?}", snapshot.gaps);
    eprintln!("{:?}", snapshot.warnings);
    eprintln!("{:?}", snapshot.object_counts());
    eprintln!("{:?}", live.whoami());
}
