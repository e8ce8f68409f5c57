//! The wire: AWS's protocols over HTTP, one entry for all services. Counts calls, waits, lets faults strike.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, Response, StatusCode, Uri},
    response::IntoResponse,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Shared, cbor, control, fault::What, sagemaker, sns, ssm, tagging, world::World};

/// A call that is not served: HTTP status, AWS's error code and message.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Further fields of the error.
    pub(crate) fields: Value,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: json!({}) }
    }

    pub(crate) fn validation(message: String) -> Self {
        Self::new(400, "ValidationException", message)
    }

    pub(crate) fn not_simulated(service: &str, operation: &str) -> Self {
        Self::new(501, "NotSimulated", format!("not simulated: {service}:{operation}"))
    }
}

/// A call, whatever its protocol.
struct Request {
    service: &'static str,
    operation: String,
    protocol: Protocol,
    input: Value,
    form: BTreeMap<String, String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Protocol {
    Json(&'static str),
    Cbor,
    Query,
}

/// A text field of an input.
pub(crate) fn text<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str)
}

/// Seconds since 1970, as AWS writes times.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a present time fit")]
pub(crate) fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// What page is asked for.
pub(crate) struct Page {
    /// How many items.
    pub(crate) size: usize,
    /// The key of the last item of the page before.
    pub(crate) after: Option<String>,
}

/// Reads `MaxResults` (1 to 100) and `NextToken`.
pub(crate) fn page_of(input: &Value, default: usize) -> Result<Page, Refusal> {
    let size = match input.get("MaxResults").and_then(Value::as_u64) {
        None => default,
        Some(size @ 1..=100) => usize::try_from(size).unwrap_or(default),
        Some(size) => {
            let message = format!(
                "1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"
            );
            return Err(Refusal::validation(message));
        }
    };
    match text(input, "NextToken").map(|token| token.strip_prefix("after:").map(str::to_owned)) {
        None => Ok(Page { size, after: None }),
        Some(Some(after)) => Ok(Page { size, after: Some(after) }),
        Some(None) => Err(Refusal::validation("Invalid pagination token".into())),
    }
}

/// Serves one HTTP request.
pub(crate) async fn serve(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> axum::response::Response {
    if uri.path().starts_with("/_simulator") {
        return control::serve(&shared, &uri, &body).into_response();
    }
    let Some(request) = read(&uri, &headers, &body) else {
        return (StatusCode::NOT_IMPLEMENTED, format!("not simulated: {uri}")).into_response();
    };
    let call = format!("{}:{}", request.service, request.operation);
    shared.arrived(&call);
    let latency = *shared.latency.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let (answer, silent) = {
        let mut world = shared.world();
        shared.tick(&mut world);
        match struck(&mut world, &call) {
            Some(Strike::Refused) => (Err(throttled(request.service)), false),
            Some(Strike::Failed) => (Err(Refusal::new(500, "InternalFailure", "Internal failure")), false),
            Some(Strike::Denied) => (Err(denied(&world, &call)), false),
            Some(Strike::Silent) => (Ok(Answer::Json(json!({}))), true),
            Some(Strike::Repeat) => (dispatch(&mut world, &request, true), false),
            None => (dispatch(&mut world, &request, false), false),
        }
    };
    if silent {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    shared.left(&call, answer.as_ref().err().map(|refusal| refusal.code));
    respond(&request, answer)
}

enum Answer {
    Json(Value),
    Xml(String),
}

enum Strike {
    Refused,
    Failed,
    Silent,
    Denied,
    Repeat,
}

/// Lets the faults strike; the first that does is what happens. A deed of somebody else is done, and the call goes on.
fn struck(world: &mut World, call: &str) -> Option<Strike> {
    let mut strike = None;
    let mut deeds = vec![];
    for fault in &mut world.faults {
        if strike.is_some()
            || matches!(fault.what, What::StaleTags(_) | What::DuplicateEvents | What::LateEvents(_))
            || !fault.strikes(call)
        {
            continue;
        }
        match &fault.what {
            What::Throttle(_) => strike = Some(Strike::Refused),
            What::ServerError(_) => strike = Some(Strike::Failed),
            What::Timeout(_) => strike = Some(Strike::Silent),
            What::AccessDenied => strike = Some(Strike::Denied),
            What::RepeatToken => strike = Some(Strike::Repeat),
            What::Before(what, deed) => deeds.push((what.clone(), deed.clone())),
            What::StaleTags(_) | What::DuplicateEvents | What::LateEvents(_) => {}
        }
    }
    for (what, deed) in deeds {
        world.deed(&what, &deed);
    }
    strike
}

fn throttled(service: &str) -> Refusal {
    match service {
        "sns" => Refusal::new(400, "Throttling", "Rate exceeded"),
        "tagging" => Refusal::new(400, "ThrottledException", "Rate exceeded"),
        _ => Refusal::new(400, "ThrottlingException", "Rate exceeded"),
    }
}

fn denied(world: &World, call: &str) -> Refusal {
    let message = format!(
        "User: arn:aws:sts::{}:assumed-role/cost-guard/function is not authorized to perform: {call} because no identity-based policy allows the {call} action",
        world.account
    );
    Refusal::new(400, "AccessDeniedException", message)
}

const REPEATED: &str = "after:";

fn dispatch(world: &mut World, request: &Request, repeat_token: bool) -> Result<Answer, Refusal> {
    let (operation, input) = (request.operation.as_str(), &request.input);
    let answer = match request.service {
        "sagemaker" => sagemaker::call(world, operation, input),
        "tagging" => tagging::call(world, operation, input),
        "ssm" => ssm::call(world, operation, input),
        "dynamodb" => world.tables.call(operation, input),
        "cloudwatch" => crate::cloudwatch::call(world, operation, input),
        "sns" => return sns::call(world, operation, &request.form).map(Answer::Xml),
        "sts" if operation == "GetCallerIdentity" => {
            let account = &world.account;
            return Ok(Answer::Xml(format!(
                "<Arn>arn:aws:iam::{account}:user/simulated</Arn><UserId>AIDASIMULATED</UserId><Account>{account}</Account>"
            )));
        }
        other => Err(Refusal::not_simulated(other, operation)),
    };
    answer.map(|mut answer| {
        if let Some(fields) = answer.as_object_mut().filter(|_| repeat_token) {
            let token = if request.service == "tagging" { "PaginationToken" } else { "NextToken" };
            fields.insert(token.to_owned(), REPEATED.into());
        }
        Answer::Json(answer)
    })
}

const TARGETS: [(&str, &str, &str); 4] = [
    ("SageMaker", "sagemaker", "1.1"),
    ("ResourceGroupsTaggingAPI_20170126", "tagging", "1.1"),
    ("AmazonSSM", "ssm", "1.1"),
    ("DynamoDB_20120810", "dynamodb", "1.0"),
];

fn read(uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Option<Request> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (form, json_input) = (BTreeMap::new(), || serde_json::from_slice(body).unwrap_or_else(|_| json!({})));
    if let Some((prefix, operation)) = header("x-amz-target").split_once('.') {
        if prefix == "GraniteServiceVersion20100801" {
            return Some(Request {
                service: "cloudwatch",
                operation: operation.to_owned(),
                protocol: Protocol::Json("1.0"),
                input: json_input(),
                form,
            });
        }
        let (_, service, version) = TARGETS.iter().find(|(known, ..)| *known == prefix)?;
        return Some(Request { service, operation: operation.to_owned(), protocol: Protocol::Json(version), input: json_input(), form });
    }
    if let Some(operation) = uri.path().strip_prefix("/service/GraniteServiceVersion20100801/operation/") {
        let input = cbor::decode(body)?;
        return Some(Request { service: "cloudwatch", operation: operation.to_owned(), protocol: Protocol::Cbor, input, form });
    }
    let form: BTreeMap<String, String> = std::str::from_utf8(body)
        .ok()?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect();
    let service = if header("authorization").contains("/sts/") { "sts" } else { "sns" };
    Some(Request { service, operation: form.get("Action")?.clone(), protocol: Protocol::Query, input: json!({}), form })
}

/// Undoes the encoding of a form's field.
fn decode(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = vec![];
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let digits = [bytes.next().unwrap_or(b'0'), bytes.next().unwrap_or(b'0')];
                decoded.push(std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(b'?'));
            }
            other => decoded.push(other),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn respond(request: &Request, answer: Result<Answer, Refusal>) -> axum::response::Response {
    let status = match &answer {
        Ok(_) => StatusCode::OK,
        Err(refusal) => StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    };
    let builder = Response::builder().status(status).header("x-amzn-requestid", "00000000-0000-0000-0000-000000000000");
    let (content_type, body) = match request.protocol {
        Protocol::Json(version) => (
            if version == "1.0" { "application/x-amz-json-1.0" } else { "application/x-amz-json-1.1" },
            json_body(answer).to_string().into_bytes(),
        ),
        Protocol::Cbor => ("application/cbor", cbor::encode(&json_body(answer))),
        Protocol::Query => ("text/xml", xml_body(&request.operation, answer).into_bytes()),
    };
    let builder = if request.protocol == Protocol::Cbor { builder.header("smithy-protocol", "rpc-v2-cbor") } else { builder };
    builder.header("content-type", content_type).body(body.into()).unwrap_or_default()
}

fn json_body(answer: Result<Answer, Refusal>) -> Value {
    match answer {
        Ok(Answer::Json(value)) => value,
        Ok(Answer::Xml(_)) => json!({}),
        Err(Refusal { code, message, fields, .. }) => {
            let mut error = json!({"__type": code, "message": message});
            if let (Some(error), Value::Object(fields)) = (error.as_object_mut(), fields) {
                error.extend(fields);
            }
            error
        }
    }
}

fn xml_body(operation: &str, answer: Result<Answer, Refusal>) -> String {
    let id = "<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>";
    match answer {
        Ok(Answer::Xml(inner)) => format!("<{operation}Response><{operation}Result>{inner}</{operation}Result>{id}</{operation}Response>"),
        Ok(Answer::Json(_)) => format!("<{operation}Response>{id}</{operation}Response>"),
        Err(Refusal { code, message, .. }) => {
            let message = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
            )
        }
    }
}
