//! The log: what the program tells `tracing`, as lines on stderr.
//!
//! ```text
//! 2026-11-30T12:00:00.000000Z INFO compile{spec=orders}:stage{stage=resolve}: stage finished seconds=0.0021
//! ```
//!
//! Only the program's own events are shown: what libraries say may hold whatever they were given.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use ir::diag::escape_text;
use pipeline::record::utc_now;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// The longest value that is shown, in bytes.
const MAX_VALUE_BYTES: usize = 512;

/// A log that cannot be shown.
#[derive(Debug, PartialEq, Eq)]
pub struct LogError(String);

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LogError {}

/// Shows a log on stderr from here on. `directives` are written as in `RUST_LOG`: a level, or `codeanatomy=LEVEL`, or several
/// of these between commas, with those of other programs among them. Gives whether anything can be shown.
///
/// # Errors
/// When the directives are not understood, or this process shows a log already.
pub fn show_log(directives: &str) -> Result<bool, LogError> {
    let level = level(directives)?;
    let own = Targets::new().with_target(pipeline::TRACING_TARGET, level);
    let subscriber = Registry::default().with(Log.with_filter(own));
    tracing::subscriber::set_global_default(subscriber).map_err(|error| LogError(error.to_string()))?;
    Ok(level != LevelFilter::OFF)
}

/// The level of this program's events.
fn level(directives: &str) -> Result<LevelFilter, LogError> {
    let wanted: Targets = directives.parse().map_err(|error| {
        let text = escape_text(directives);
        LogError(format!(
            "RUST_LOG `{text}` is not understood ({error}); write `info` or `codeanatomy=debug`"
        ))
    })?;
    let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
    let most = levels.into_iter().find(|level| wanted.would_enable(pipeline::TRACING_TARGET, level));
    Ok(most.map_or(LevelFilter::OFF, LevelFilter::from_level))
}

/// Writes events to stderr, a line each, after the spans that they happen in.
struct Log;

/// The fields of a span as text.
struct Shown(Fields);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Shown(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(Shown(fields)) = span.extensions_mut().get_mut::<Shown>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let spans: Vec<String> = context.event_scope(event).map_or_else(Vec::new, |scope| {
            let shown = scope.from_root().map(|span| match span.extensions().get::<Shown>() {
                Some(Shown(fields)) if !fields.text.is_empty() => {
                    format!("{}{{{}}}", span.name(), fields.text)
                }
                _ => span.name().to_owned(),
            });
            shown.collect()
        });
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = event.metadata().level();
        let within = if spans.is_empty() { String::new() } else { format!("{}:", spans.join(":")) };
        let parts = [within, fields.message, fields.text];
        let shown: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let line = format!("{} {level} {}\n", utc_now(), shown.join(" "));
        // A log that cannot be written has nowhere else to go.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

/// Fields as `name=value`, with spaces between them; what has the name `message` apart from them.
#[derive(Default)]
struct Fields {
    message: String,
    text: String,
}

impl Fields {
    fn add(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message = escape_text(value).into_owned();
            return;
        }
        let space = if self.text.is_empty() { "" } else { " " };
        // Writing to a String does not fail.
        let _ = write!(self.text, "{space}{}={}", field.name(), quoted(value));
    }
}

/// A value in one word, or between quotes: no value looks like another field, or like another line.
fn quoted(value: &str) -> String {
    let fits = value.char_indices().map(|(at, letter)| at + letter.len_utf8());
    let end = fits.take_while(|end| *end <= MAX_VALUE_BYTES).last().unwrap_or(0);
    let (shown, cut) = (value.get(..end).unwrap_or_default(), end < value.len());
    let is_word = |letter: char| letter.is_alphanumeric() || "_-.:/@".contains(letter);
    if !cut && !shown.is_empty() && shown.chars().all(is_word) {
        return shown.to_owned();
    }
    let more = if cut { "..." } else { "" };
    format!("\"{}{more}\"", escape_text(&shown.replace('\\', "\\\\").replace('"', "\\\"")))
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_one_word_or_quoted() {
        assert_eq!(quoted("orders/2026.v1"), "orders/2026.v1");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("a b=c"), "\"a b=c\"");
        assert_eq!(quoted("a\" b=\"c\\"), "\"a\\\" b=\\\"c\\\\\"");
        assert_eq!(quoted("red\u{1b}[31m\nINFO"), "\"red\\u{1b}[31m\\nINFO\"");
        let long = quoted(&"ä".repeat(MAX_VALUE_BYTES));
        assert_eq!(long, format!("\"{}...\"", "ä".repeat(MAX_VALUE_BYTES / 2)));
    }

    #[test]
    fn directives_give_the_level_of_this_program() {
        assert_eq!(level("info"), Ok(LevelFilter::INFO));
        assert_eq!(level("hyper=trace"), Ok(LevelFilter::OFF));
        assert_eq!(level("warn,codeanatomy=debug,hyper=trace"), Ok(LevelFilter::DEBUG));
        assert_eq!(level("off"), Ok(LevelFilter::OFF));
        assert!(level("codeanatomy=loud").unwrap_err().to_string().contains("codeanatomy=debug"));
    }
}
