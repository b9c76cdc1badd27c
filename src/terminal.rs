//! What the binary shows while it works: how far reading is, on a terminal; and with `-v` what is done, how long it takes and what is
//! sent.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rbac_lens::collect::Progress;
use rbac_lens::render::safe;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// How far reading is, in one line that is gone at the end.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
    lists: Mutex<Lists>,
}

#[derive(Default)]
struct Lists {
    /// Objects, bytes and bytes to come by list.
    seen: HashMap<String, (u64, u64, u64)>,
    done: usize,
}

impl Bar {
    /// A bar where somebody sees it: on a terminal that is not a build's log, and not between the lines of `-v`.
    pub(crate) fn new(verbosity: u8) -> Bar {
        let is_seen = io::stderr().is_terminal() && std::env::var_os("CI").is_none() && verbosity == 0;
        let bar = is_seen.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
                bar.set_style(style);
            }
            bar
        });
        Bar { bar, lists: Mutex::default() }
    }

    pub(crate) fn show(&self, step: &Progress) {
        let Some(bar) = &self.bar else { return };
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.seen.is_empty() {
            // From now on it turns even while nothing comes.
            bar.reset_elapsed();
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        lists.done += usize::from(step.done);
        lists.seen.insert(step.what.to_string(), (step.objects, step.bytes, step.expected_bytes.unwrap_or_default()));
        let (_, bytes, expected) =
            lists.seen.values().fold((0, 0, 0), |all, one| (all.0 + one.0, all.1 + one.1, all.2 + one.2));
        let mut line = format!("reading {}", safe(&step.what));
        if step.objects > 0 {
            line.push_str(&format!(": {}", HumanCount(step.objects)));
        }
        if lists.seen.len() > 1 {
            line.push_str(&format!(", {} of {} lists done", lists.done, lists.seen.len()));
        }
        match (bytes, expected) {
            (0, _) => {}
            (bytes, 0) => line.push_str(&format!(", {}", HumanBytes(bytes))),
            (bytes, expected) => line.push_str(&format!(", {} of {}", HumanBytes(bytes), HumanBytes(expected))),
        }
        bar.set_message(line);
    }

    /// Leaves no trace.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Shows what is done from now on, as far as `-v` asks for it: 1 what is read, 2 how long each stage takes, 6 each request. Only
/// what this program says of itself: its libraries know headers and bodies.
pub(crate) fn be_verbose(verbosity: u8) {
    let level = match verbosity {
        0 => return,
        1 => Level::INFO,
        2..=5 => Level::DEBUG,
        _ => Level::TRACE,
    };
    // There is one already only in a test that has two programs in it.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Lines { level }));
}

/// Writes what is said as lines on standard error.
struct Lines {
    level: Level,
}

/// What this program's own words are marked with.
const OWN: &str = "rbac_lens";

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Lines {
    fn enabled(&self, about: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        let own = about.target().strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        own && *about.level() <= self.level
    }

    fn on_new_span(&self, _: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Instant::now());
        }
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if let Some(begun) = span.extensions().get::<Instant>() {
            let milliseconds = begun.elapsed().as_secs_f64() * 1_000.0;
            write_line(&format!("time: {}: {milliseconds:.1} ms", span.name()));
        };
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words(String::new());
        event.record(&mut words);
        let kind = match *event.metadata().level() {
            Level::TRACE => "request",
            _ => "info",
        };
        write_line(&format!("{kind}: {}", words.0));
    }
}

fn write_line(line: &str) {
    // What cannot be shown is no reason to stop.
    let _ = writeln!(io::stderr().lock(), "{}", safe(line));
}

/// The message of an event.
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
