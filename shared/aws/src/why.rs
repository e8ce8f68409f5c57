//! An SDK error for people: AWS's code and message on one line, without the raw response.

use aws_sdk_sagemaker::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// `AccessDeniedException: User … is not authorized to perform: sagemaker:ListApps …`
pub(crate) fn why<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match error.as_service_error() {
        Some(service) => {
            let code = service.code().unwrap_or("an error without a code");
            service.message().map_or_else(|| code.to_owned(), |message| format!("{code}: {}", one_line(message)))
        }
        None => match error {
            SdkError::TimeoutError(_) => "no answer in time".to_owned(),
            SdkError::DispatchFailure(_) => format!("AWS could not be reached: {}", one_line(&innermost(error))),
            _ => one_line(&DisplayErrorContext(error).to_string()),
        },
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
