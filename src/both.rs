//! Two things at a time.

/// Does two things, side by side where that is worth it and another thread is to be had.
pub(crate) fn both<A, B: Send>(worth: bool, one: impl FnOnce() -> A, other: impl Fn() -> B + Sync) -> (A, B) {
    if !worth {
        return (one(), other());
    }
    std::thread::scope(|scope| {
        let side = std::thread::Builder::new().spawn_scoped(scope, &other);
        let one = one();
        let other = match side {
            Ok(side) => side.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => other(),
        };
        (one, other)
    })
}

#[cfg(test)]
mod tests {
    use super::both;

    #[test]
    fn each_gives_its_own() {
        for worth in [false, true] {
            assert_eq!(both(worth, || 1, || "two"), (1, "two"));
        }
    }
}
