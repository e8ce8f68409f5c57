//! AWS's protocols over HTTP, with one entry point for all services. It counts calls, adds the latency, and applies faults.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, Response, StatusCode, Uri},
    response::IntoResponse,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    Shared,
    estate::fault::What,
    life::trail::Creator,
    services::{self, events, s3, sns, sts},
    world::World,
};

pub(crate) mod asked;
mod cbor;
mod control;
pub(crate) mod traffic;

/// A call that is not served: the HTTP status, AWS's error code and the message.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Additional fields of the error.
    pub(crate) fields: Value,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), fields: json!({}) }
    }

    pub(crate) fn validation(message: String) -> Self {
        Self::new(400, "ValidationException", message)
    }

    /// AWS's validation error for a value.
    pub(crate) fn invalid_value(value: &str, field: &str, constraint: &str) -> Self {
        Self::validation(format!("1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {constraint}"))
    }

    pub(crate) fn not_simulated(service: &str, operation: &str) -> Self {
        Self::new(501, "NotSimulated", format!("not simulated: {service}:{operation}"))
    }
}

/// A call, independent of its protocol.
pub(crate) struct Request {
    pub(crate) service: &'static str,
    pub(crate) operation: String,
    protocol: Protocol,
    pub(crate) input: Value,
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) rest: Option<s3::Rest>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Protocol {
    Json(&'static str),
    /// JSON, with the operation in the path.
    RestJson,
    Cbor,
    Query,
    Rest,
}

/// A text field of an input.
pub(crate) fn text<'a>(input: &'a Value, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str)
}

/// Seconds since 1970, as AWS's APIs write times.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a present time fit")]
pub(crate) fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// Adds a `NextToken` to an answer; `None`: this was the last page.
pub(crate) fn with_token(mut answer: Value, next: Option<String>) -> Value {
    if let (Some(next), Some(fields)) = (next, answer.as_object_mut()) {
        fields.insert("NextToken".to_owned(), next.into());
    }
    answer
}

/// The page that an input asks for.
pub(crate) struct Page {
    /// How many items.
    pub(crate) size: usize,
    /// The key of the last item on the page before.
    pub(crate) after: Option<String>,
}

/// Reads `MaxResults` (1 to 100) and `NextToken`.
pub(crate) fn page_of(input: &Value, default: usize) -> Result<Page, Refusal> {
    let size = match input.get("MaxResults").map(Value::as_i64) {
        None => default,
        Some(Some(size @ 1..=100)) => usize::try_from(size).unwrap_or(default),
        Some(size) => {
            let bound = if size.is_some_and(|size| 100 < size) { "less than or equal to 100" } else { "greater than or equal to 1" };
            return Err(Refusal::invalid_value(
                &size.unwrap_or_default().to_string(),
                "maxResults",
                &format!("Member must have value {bound}"),
            ));
        }
    };
    match text(input, "NextToken").map(|token| token.strip_prefix("after:").map(str::to_owned)) {
        None => Ok(Page { size, after: None }),
        Some(Some(after)) => Ok(Page { size, after: Some(after) }),
        Some(None) => Err(Refusal::validation("Invalid pagination token".into())),
    }
}

/// Serves one HTTP request.
pub(crate) async fn serve(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    if uri.path().starts_with("/_simulator") {
        return control::serve(&shared, &uri, &body).into_response();
    }
    let request = match read(&method, &uri, &headers, &body) {
        Ok(request) => request,
        Err(why) => return (StatusCode::NOT_IMPLEMENTED, format!("not simulated: {why}")).into_response(),
    };
    let call = format!("{}:{}", request.service, request.operation);
    let caller = credential(&headers).next().unwrap_or_default().to_owned();
    let in_flight = shared.traffic.arrived(&call);
    let latency = *shared.latency.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let (answer, silent, at) = {
        let mut world = shared.world();
        shared.tick(&mut world);
        let asks = asked::asks(&world, &request);
        for ask in &asks {
            shared.note_asked(ask.asked(&caller));
        }
        let (strike, takes) = struck(&mut world, &call);
        let failed = || Refusal::new(500, "InternalFailure", "Internal failure");
        let answer = match (strike, shared.refused(&world, &request, &caller, &asks)) {
            (Some(Strike::Refused), _) => Err(throttled(request.service)),
            (Some(Strike::Failed | Strike::Silent), _) => Err(failed()),
            (_, Some(refusal)) => Err(noted(&mut world, &request, refusal)),
            (Some(Strike::Denied), _) => {
                let refusal = asks.first().map_or_else(failed, |ask| ask.denied(&world, request.service, "cost-guard/function"));
                Err(noted(&mut world, &request, refusal))
            }
            (Some(Strike::Told(code, message)), _) => {
                Err(noted(&mut world, &request, Refusal::new(400, code, of_request(message, &request.input))))
            }
            (Some(Strike::Lost), _) => dispatch(&mut world, &request, strike).and_then(|_| Err(failed())),
            (Some(Strike::Repeat | Strike::Partly) | None, _) => dispatch(&mut world, &request, strike),
        };
        let at = world.now;
        world.live_until(at + takes);
        (answer, strike == Some(Strike::Silent), at)
    };
    in_flight.settle(at, asked::subject(&request), answer.as_ref().err().map(|refusal| refusal.code));
    if silent {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    respond(&request, answer)
}

enum Answer {
    Json(Value),
    Xml(String),
    Rest(s3::Reply),
}

#[derive(Clone, Copy, PartialEq)]
enum Strike {
    Refused,
    Failed,
    Silent,
    Lost,
    Partly,
    Denied,
    Repeat,
    /// It is refused with a code and a message.
    Told(&'static str, &'static str),
}

/// Replaces placeholders such as `{/ResourceConfig/InstanceType}` by the request's value of this field.
fn of_request(text: &str, input: &Value) -> String {
    let mut parts = text.split("{/");
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('}').and_then(|(path, rest)| Some((input.pointer(&format!("/{path}"))?, rest))) {
            Some((value, rest)) => said.extend([value.as_str().map_or_else(|| value.to_string(), str::to_owned).as_str(), rest]),
            None => said.extend(["{/", part]),
        }
    }
    said
}

/// Applies the faults to a call. The first one that strikes decides; a change by a person is made, and the call goes on. Also gives how long the answer takes.
fn struck(world: &mut World, call: &str) -> (Option<Strike>, SignedDuration) {
    let (mut strike, mut takes) = (None, SignedDuration::ZERO);
    let mut deeds = vec![];
    for fault in &mut world.faults {
        if strike.is_some()
            || matches!(fault.what, What::StaleTags(_) | What::SearchBehind(_) | What::DuplicateEvents | What::LateEvents(_))
            || !fault.strikes(call)
        {
            continue;
        }
        match &fault.what {
            What::Throttle(_) => strike = Some(Strike::Refused),
            What::ServerError(_) => strike = Some(Strike::Failed),
            What::Timeout(_) => strike = Some(Strike::Silent),
            What::LostAnswer(_) => strike = Some(Strike::Lost),
            What::Unprocessed(_) => strike = Some(Strike::Partly),
            What::AccessDenied => strike = Some(Strike::Denied),
            What::RepeatToken => strike = Some(Strike::Repeat),
            What::Refuse(code, message) => strike = Some(Strike::Told(code.text(), message.text())),
            What::Before(what, deed) => deeds.push((what.clone(), deed.clone())),
            What::Takes(time) => takes = time.signed(),
            What::StaleTags(_) | What::SearchBehind(_) | What::DuplicateEvents | What::LateEvents(_) => {}
        }
    }
    for (what, deed) in deeds {
        world.deed(&what, &deed);
    }
    (strike, takes)
}

fn throttled(service: &str) -> Refusal {
    let code = match service {
        "sns" | "cloudwatch" => "Throttling",
        "tagging" => "ThrottledException",
        "ce" => "LimitExceededException",
        "s3" => return Refusal::new(503, "SlowDown", "Please reduce your request rate."),
        _ => "ThrottlingException",
    };
    Refusal::new(400, code, "Rate exceeded")
}

/// Records a refused call in CloudTrail's events.
fn noted(world: &mut World, request: &Request, refusal: Refusal) -> Refusal {
    if request.service == "sagemaker" {
        world.note_call(&Creator::default(), &request.operation, &request.input, Err(&refusal));
    }
    refusal
}

/// The token that a repeated-page fault returns if the call had none.
const REPEATED: &str = "after:";

fn dispatch(world: &mut World, request: &Request, strike: Option<Strike>) -> Result<Answer, Refusal> {
    let (operation, input) = (request.operation.as_str(), &request.input);
    match (request.service, &request.rest) {
        ("s3", Some(rest)) => return s3::call(world, operation, rest).map(Answer::Rest),
        ("sns", _) => return sns::call(world, operation, &request.form).map(Answer::Xml),
        ("sts", _) => return sts::call(world, operation).map(Answer::Xml),
        _ => {}
    }
    let answer = match strike {
        Some(Strike::Partly) if operation == "BatchGetItem" => world.tables.batch_get_partly(input),
        Some(Strike::Partly) if operation == "PutEvents" => Ok(events::put_partly(world, input)),
        _ => services::call(world, request.service, operation, input),
    };
    if request.service == "sagemaker" {
        world.note_call(&Creator::default(), operation, input, answer.as_ref());
    }
    answer.map(|mut answer| {
        if let Some(fields) = answer.as_object_mut().filter(|_| strike == Some(Strike::Repeat)) {
            let token = match (request.service, operation) {
                ("tagging", _) => "PaginationToken",
                ("ce", "GetCostAndUsage" | "GetAnomalies" | "GetSavingsPlansPurchaseRecommendation") => "NextPageToken",
                ("compute-optimizer" | "savingsplans", _) => "nextToken",
                _ => "NextToken",
            };
            let asked = text(input, token).filter(|token| !token.is_empty()).unwrap_or(REPEATED);
            fields.insert(token.to_owned(), asked.into());
        }
        Answer::Json(answer)
    })
}

/// The name in `X-Amz-Target` or in the path, the service, and its version of the JSON protocol.
const TARGETS: [(&str, &str, &str); 12] = [
    ("SageMaker", "sagemaker", "1.1"),
    ("ResourceGroupsTaggingAPI_20170126", "tagging", "1.1"),
    ("AmazonSSM", "ssm", "1.1"),
    ("DynamoDB_20120810", "dynamodb", "1.0"),
    ("AWSInsightsIndexService", "ce", "1.1"),
    ("AWSBudgetServiceGateway", "budgets", "1.1"),
    ("AWSEvents", "events", "1.1"),
    ("CloudTrail_20131101", "cloudtrail", "1.1"),
    ("AnyScaleFrontendService", "application-autoscaling", "1.1"),
    ("ComputeOptimizerService", "compute-optimizer", "1.0"),
    ("AmazonEC2ContainerRegistry_V20150921", "ecr", "1.1"),
    ("GraniteServiceVersion20100801", "cloudwatch", "1.0"),
];

/// The parts of a signature's credential scope: `…Credential=<key>/<day>/<region>/<service>/aws4_request, …`
fn credential(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let signature = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    signature.split("Credential=").nth(1).into_iter().flat_map(|scope| scope.split('/'))
}

/// Reads a call in any of the protocols. The error names what is not known.
fn read(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Result<Request, String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if credential(headers).nth(3) == Some("s3") || (method != Method::POST && header("x-amz-target").is_empty()) {
        let headers =
            headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect();
        let rest = s3::Rest::new(method.as_str(), uri.path(), uri.query().unwrap_or_default(), headers, body.to_vec());
        let operation = rest.operation();
        return Ok(Request {
            service: "s3",
            operation,
            protocol: Protocol::Rest,
            input: json!({}),
            form: BTreeMap::new(),
            rest: Some(rest),
        });
    }
    if header("content-encoding") == "gzip" {
        return Err("compressed requests (set AWS_DISABLE_REQUEST_COMPRESSION=true)".into());
    }
    let known = |name: &str| TARGETS.iter().find(|(target, ..)| *target == name).ok_or_else(|| format!("the service {name}"));
    let form = BTreeMap::new();
    if let Some((target, operation)) = header("x-amz-target").rsplit_once('.') {
        // boto3 writes CloudTrail's name with its package, the Rust SDK without.
        let (_, service, version) = known(target.rsplit('.').next().unwrap_or_default())?;
        let input = json_of(body)?;
        return Ok(Request { service, operation: operation.to_owned(), protocol: Protocol::Json(version), input, form, rest: None });
    }
    if let Some((target, operation)) = uri.path().strip_prefix("/service/").and_then(|path| path.split_once("/operation/")) {
        let (_, service, _) = known(target)?;
        let input = cbor::decode(body).ok_or("this CBOR")?;
        return Ok(Request { service, operation: operation.to_owned(), protocol: Protocol::Cbor, input, form, rest: None });
    }
    if credential(headers).nth(3) == Some("savingsplans") {
        let input = json_of(body)?;
        let operation = uri.path().trim_start_matches('/').to_owned();
        return Ok(Request { service: "savingsplans", operation, protocol: Protocol::RestJson, input, form, rest: None });
    }
    let form: BTreeMap<String, String> = std::str::from_utf8(body)
        .map_err(|_| format!("{uri}"))?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect();
    let operation = form.get("Action").ok_or_else(|| format!("{uri}"))?.clone();
    let service = match credential(headers).nth(3).unwrap_or("sns") {
        "sns" => "sns",
        "sts" => "sts",
        other => return Err(format!("{operation} of the service {other} in the query protocol (newer SDKs speak JSON or CBOR)")),
    };
    Ok(Request { service, operation, protocol: Protocol::Query, input: json!({}), form, rest: None })
}

fn json_of(body: &Bytes) -> Result<Value, String> {
    if body.is_empty() { Ok(json!({})) } else { serde_json::from_slice(body).map_err(|error| format!("this JSON: {error}")) }
}

/// Decodes a form field.
pub(crate) fn decode(text: &str) -> String {
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

/// Decodes a path, in which a plus sign stands for itself.
pub(crate) fn decode_path(text: &str) -> String {
    decode(&text.replace('+', "%2B"))
}

fn respond(request: &Request, answer: Result<Answer, Refusal>) -> axum::response::Response {
    if let Some(rest) = &request.rest {
        let reply = match answer {
            Ok(Answer::Rest(reply)) => reply,
            Ok(Answer::Json(_) | Answer::Xml(_)) => s3::Reply::default(),
            Err(refusal) => s3::refused(rest, &refusal),
        };
        let id = ("x-amz-request-id".to_owned(), "00000000-0000-0000-0000-000000000000".to_owned());
        let builder = Response::builder().status(reply.status);
        let builder = reply.headers.into_iter().chain([id]).fold(builder, |builder, (name, value)| builder.header(name, value));
        return builder.body(reply.body.into()).unwrap_or_default();
    }
    let status = match &answer {
        Ok(_) => StatusCode::OK,
        Err(refusal) => StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    };
    let error_code = answer.as_ref().err().map(|refusal| refusal.code);
    let builder = Response::builder().status(status).header("x-amzn-requestid", "00000000-0000-0000-0000-000000000000");
    let (content_type, body) = match request.protocol {
        Protocol::Json(version) => (
            if version == "1.0" { "application/x-amz-json-1.0" } else { "application/x-amz-json-1.1" },
            json_body(answer).to_string().into_bytes(),
        ),
        Protocol::RestJson => ("application/json", json_body(answer).to_string().into_bytes()),
        Protocol::Cbor => ("application/cbor", cbor::encode(&json_body(answer))),
        Protocol::Query | Protocol::Rest => ("text/xml", xml_body(&request.operation, answer).into_bytes()),
    };
    let mut builder = builder;
    if request.protocol == Protocol::Cbor {
        builder = builder.header("smithy-protocol", "rpc-v2-cbor");
    }
    // CloudWatch used to have the query protocol, and the SDKs still expect its error codes.
    if let Some(code) = error_code.filter(|_| request.service == "cloudwatch") {
        builder = builder.header("x-amzn-query-error", format!("{code};Sender"));
    }
    if let Some(code) = error_code.filter(|_| request.protocol == Protocol::RestJson) {
        builder = builder.header("x-amzn-errortype", code);
    }
    builder.header("content-type", content_type).body(body.into()).unwrap_or_default()
}

fn json_body(answer: Result<Answer, Refusal>) -> Value {
    match answer {
        Ok(Answer::Json(value)) => value,
        Ok(Answer::Xml(_) | Answer::Rest(_)) => json!({}),
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
        Ok(Answer::Json(_) | Answer::Rest(_)) => format!("<{operation}Response>{id}</{operation}Response>"),
        Err(Refusal { code, message, .. }) => {
            let message = escaped(&message);
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>0</RequestId></ErrorResponse>"
            )
        }
    }
}

/// Escapes a text for the content of an XML element.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
