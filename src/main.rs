//! The binary: the only place that writes and that ends the process.
fn main() {}
