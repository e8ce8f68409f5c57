//! The log. It goes to standard output, which Lambda collects: one JSON object per line if Lambda's log format is JSON.

use lambda_runtime::tracing::subscriber::{self, EnvFilter, filter::ParseError};

/// Parses a tracing filter.
pub(super) fn filter(text: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(text)
}

/// Starts logging. The settings have already reported a filter that cannot be parsed; here it becomes `info`.
pub(super) fn start(text: &str) {
    let filter = filter(text).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = subscriber::fmt().with_target(false).without_time().with_env_filter(filter);
    let json = std::env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json"));
    // A test may have started logging already.
    let _ = if json { log.json().try_init() } else { log.try_init() };
}
