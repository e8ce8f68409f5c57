//! The log. It goes to standard output, where Lambda takes it from: one JSON object a line if Lambda asks for JSON.

use lambda_runtime::tracing::subscriber::{self, EnvFilter, filter::ParseError};

/// Reads a filter.
pub(super) fn filter(text: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(text)
}

/// Starts logging. A filter that cannot be read has been told by the settings: `info` holds then.
pub(super) fn start(text: &str) {
    let filter = filter(text).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = subscriber::fmt().with_target(false).without_time().with_env_filter(filter);
    let json = std::env::var("AWS_LAMBDA_LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json"));
    // A test may have started logging already.
    let _ = if json { log.json().try_init() } else { log.try_init() };
}
