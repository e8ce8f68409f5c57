//! Lambda's runtime API, as far as a custom runtime needs it. It starts the real binary, sends it events, and receives its answers.

use std::{
    collections::HashMap,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail};
use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{Method, Response, StatusCode},
    response::IntoResponse as _,
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{mpsc, oneshot},
};

/// A function's process, connected to a Lambda runtime API. Dropping it ends the process.
pub struct Function {
    process: Child,
    events: mpsc::UnboundedSender<Invocation>,
}

/// The result of an invocation: the function's answer, or its error message.
pub type Answer = Result<Value, String>;

struct Invocation {
    event: Value,
    answer: oneshot::Sender<Answer>,
}

struct Api {
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
    timeout: Duration,
}

impl Function {
    /// Starts a binary. Its environment has only these variables and those that Lambda sets.
    ///
    /// # Errors
    /// The binary cannot be started.
    pub async fn start(binary: &Path, environment: &[(&str, &str)], timeout: Duration) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (events, received) = mpsc::unbounded_channel();
        let api = Api { events: received.into(), waiting: Mutex::default(), timeout };
        let app = Router::new().fallback(serve).with_state(Arc::new(api));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let process = Command::new(binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "function")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started: build the workspace first", binary.display()))?;
        Ok(Self { process, events })
    }

    /// Sends an event and waits for the answer.
    ///
    /// # Errors
    /// The process ended without an answer.
    pub async fn invoke(&mut self, event: Value) -> anyhow::Result<Answer> {
        let (answer, answered) = oneshot::channel();
        self.events.send(Invocation { event, answer }).ok().context("the runtime API has ended")?;
        tokio::select! {
            answer = answered => Ok(answer?),
            status = self.process.wait() => bail!("the function's process ended: {}", status?),
        }
    }

    /// The process id; `None`: the process has ended.
    pub fn id(&self) -> Option<u32> {
        self.process.id()
    }
}

async fn serve(State(api): State<Arc<Api>>, request: Request) -> axum::response::Response {
    let path = request.uri().path().trim_start_matches("/2018-06-01/runtime/").to_owned();
    if request.method() == Method::GET && path == "invocation/next" {
        return next(&api).await;
    }
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap_or_default();
    let answer = match path.strip_prefix("invocation/").and_then(|rest| rest.split_once('/')) {
        Some((id, "response")) => Some((id, Ok(serde_json::from_slice(&body).unwrap_or_default()))),
        Some((id, "error")) => Some((id, Err(error_message(&body)))),
        _ => None,
    };
    match answer {
        Some((id, answer)) => {
            if let Some(waiting) = api.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
                // The caller may no longer wait for the answer.
                let _ = waiting.send(answer);
            }
            StatusCode::ACCEPTED.into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn next(api: &Api) -> axum::response::Response {
    let Some(Invocation { event, answer }) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let id = {
        let mut waiting = api.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!("request-{}", waiting.len() + 1);
        waiting.insert(id.clone(), answer);
        id
    };
    let deadline = (SystemTime::now() + api.timeout).duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:function";
    Response::builder()
        .header("lambda-runtime-aws-request-id", &id)
        .header("lambda-runtime-deadline-ms", deadline.to_string())
        .header("lambda-runtime-invoked-function-arn", arn)
        .header("content-type", "application/json")
        .body(event.to_string().into())
        .unwrap_or_default()
}

fn error_message(body: &Bytes) -> String {
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    error.get("errorMessage").and_then(Value::as_str).unwrap_or("an error without a message").to_owned()
}
