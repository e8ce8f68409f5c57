//! S3: one bucket, with `PutObject` only. REST with XML in path style; bodies may be in chunks with a trailing checksum. What is signed for another Region than
//! the bucket's is redirected.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::{
    wire::{Refusal, decode, decode_path, escaped},
    world::World,
};

const LONGEST_KEY: usize = 1024;
const METADATA: &str = "x-amz-meta-";
const CHECKSUM: &str = "x-amz-checksum-crc32";
/// Query parameters that do not change the operation.
const HARMLESS: [&str; 1] = ["x-id"];

/// An object of the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: usize,
    /// Its `Content-Type`.
    pub content_type: String,
    /// When it was put.
    pub modified: Timestamp,
    /// Its user-defined metadata; the keys are without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// The bucket.
pub(crate) struct Bucket {
    name: String,
    region: String,
    objects: BTreeMap<String, Stored>,
}

struct Stored {
    body: Vec<u8>,
    modified: Timestamp,
    /// `content-type`, `content-encoding`, …, and the metadata's headers.
    headers: BTreeMap<String, String>,
}

pub(crate) struct Rest {
    method: String,
    bucket: String,
    key: String,
    query: BTreeMap<String, String>,
    /// By name in lower case.
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Bucket {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn new(name: &str, region: &str) -> Self {
        Self { name: name.to_owned(), region: region.to_owned(), objects: BTreeMap::new() }
    }

    pub(crate) fn objects(&self) -> Vec<Object> {
        let object = |(key, stored): (&String, &Stored)| Object {
            key: key.clone(),
            size: stored.body.len(),
            content_type: stored.headers.get("content-type").cloned().unwrap_or_default(),
            modified: stored.modified,
            metadata: stored
                .headers
                .iter()
                .filter_map(|(name, value)| Some((name.strip_prefix(METADATA)?.to_owned(), value.clone())))
                .collect(),
        };
        self.objects.iter().map(object).collect()
    }

    pub(crate) fn content(&self, key: &str) -> Option<Vec<u8>> {
        self.objects.get(key).map(|stored| stored.body.clone())
    }
}

impl Stored {
    /// Opaque: AWS's `ETag` is an MD5 only for some objects (API reference, Object).
    fn etag(&self) -> String {
        let hash = |seed: u64| self.body.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        format!("\"{:016x}{:016x}\"", hash(0xcbf2_9ce4_8422_2325), hash(0x6c62_272e_07bb_0142))
    }
}

impl Rest {
    pub(crate) fn new(method: &str, path: &str, query: &str, headers: BTreeMap<String, String>, body: Vec<u8>) -> Self {
        let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        Self { method: method.to_owned(), bucket: decode_path(bucket), key: decode_path(key), query, headers, body }
    }

    /// The operation's name. If it is not simulated: the method, the path and the query.
    pub(crate) fn operation(&self) -> String {
        let is_whole = self.query.keys().all(|name| HARMLESS.contains(&name.as_str()));
        if self.method == "PUT" && !self.key.is_empty() && is_whole && !self.headers.contains_key("x-amz-copy-source") {
            return "PutObject".into();
        }
        let extra = self.query.keys().map(String::as_str).collect::<Vec<_>>().join("&");
        format!("{} {}{}{extra}", self.method, self.subject(), if extra.is_empty() { "" } else { "?" })
    }

    /// The Region that the call is signed for.
    fn region(&self) -> Option<&str> {
        self.headers.get("authorization")?.split_once("Credential=")?.1.split('/').nth(2)
    }

    /// `bucket/key`
    pub(crate) fn subject(&self) -> String {
        if self.key.is_empty() { self.bucket.clone() } else { format!("{}/{}", self.bucket, self.key) }
    }
}

pub(crate) fn call(world: &mut World, operation: &str, rest: &Rest) -> Result<Reply, Refusal> {
    let now = world.now;
    if operation != "PutObject" {
        return Err(Refusal::not_simulated("s3", operation));
    }
    let bucket = world.bucket.as_mut().filter(|bucket| bucket.name == rest.bucket);
    let bucket = bucket.ok_or_else(|| Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist"))?;
    if rest.region().is_some_and(|region| region != bucket.region) {
        let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.";
        return Err(Refusal { fields: json!({"region": bucket.region}), ..Refusal::new(301, "PermanentRedirect", message) });
    }
    put(bucket, rest, now)
}

/// An error in S3's format.
pub(crate) fn refused(rest: &Rest, refusal: &Refusal) -> Reply {
    let bucket = || format!("<BucketName>{}</BucketName>", escaped(&rest.bucket));
    let extra = if refusal.code == "NoSuchBucket" { bucket() } else { String::new() };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{extra}<RequestId>0</RequestId><HostId>0</HostId></Error>",
        refusal.code,
        escaped(&refusal.message)
    );
    let mut headers = vec![("content-type".to_owned(), "application/xml".to_owned())];
    headers.extend(refusal.fields["region"].as_str().map(|region| ("x-amz-bucket-region".to_owned(), region.to_owned())));
    Reply { status: refusal.status, headers, body: body.into_bytes() }
}

fn put(bucket: &mut Bucket, rest: &Rest, now: Timestamp) -> Result<Reply, Refusal> {
    if LONGEST_KEY < rest.key.len() {
        return Err(Refusal::new(400, "KeyTooLongError", "Your key is too long"));
    }
    if rest.headers.get("if-none-match").is_some_and(|tag| tag == "*") && bucket.objects.contains_key(&rest.key) {
        return Err(Refusal::new(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"));
    }
    let header = |name: &str| rest.headers.get(name).map(String::as_str).unwrap_or_default();
    let encodings: Vec<&str> = header("content-encoding").split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
    let is_chunked = encodings.contains(&"aws-chunked") || header("x-amz-content-sha256").starts_with("STREAMING-");
    let (body, trailers) = if is_chunked {
        unchunked(&rest.body).ok_or_else(|| Refusal::new(400, "IncompleteBody", "The request body terminated unexpectedly"))?
    } else {
        (rest.body.clone(), BTreeMap::new())
    };
    if rest.headers.get("x-amz-decoded-content-length").is_some_and(|length| *length != body.len().to_string()) {
        let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
        return Err(Refusal::new(400, "IncompleteBody", message));
    }
    let sent = trailers.get(CHECKSUM).or_else(|| rest.headers.get(CHECKSUM));
    let own = checksum(&body);
    if sent.is_some_and(|sent| *sent != own) {
        return Err(Refusal::new(400, "BadDigest", "The CRC32 you specified did not match the calculated checksum."));
    }
    let mut headers: BTreeMap<String, String> =
        rest.headers.iter().filter(|(name, _)| name.starts_with(METADATA)).map(|(name, value)| (name.clone(), value.clone())).collect();
    headers.insert(
        "content-type".into(),
        if header("content-type").is_empty() { "binary/octet-stream" } else { header("content-type") }.into(),
    );
    let encodings: Vec<&str> = encodings.into_iter().filter(|one| *one != "aws-chunked").collect();
    if !encodings.is_empty() {
        headers.insert("content-encoding".into(), encodings.join(","));
    }
    let stored = Stored { body, modified: now, headers };
    let mut answer = vec![("etag".to_owned(), stored.etag()), ("x-amz-server-side-encryption".to_owned(), "AES256".to_owned())];
    if sent.is_some() {
        answer.push((CHECKSUM.into(), own));
        answer.push(("x-amz-checksum-type".into(), "FULL_OBJECT".into()));
    }
    bucket.objects.insert(rest.key.clone(), stored);
    Ok(Reply { status: 200, headers: answer, body: vec![] })
}

/// Decodes `aws-chunked`: `<size in hex>[;chunk-signature=…]`, that many bytes, …, an empty chunk, and trailing headers. Returns the body and the trailers.
fn unchunked(mut rest: &[u8]) -> Option<(Vec<u8>, BTreeMap<String, String>)> {
    let line = |rest: &mut &[u8]| {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = std::str::from_utf8(rest.get(..end)?).ok()?.to_owned();
        *rest = rest.get(end + 2..)?;
        Some(line)
    };
    let mut body = vec![];
    loop {
        let head = line(&mut rest)?;
        let size = usize::from_str_radix(head.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            break;
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
    let mut trailers = BTreeMap::new();
    while let Some(header) = line(&mut rest).filter(|header| !header.is_empty()) {
        let (name, value) = header.split_once(':')?;
        trailers.insert(name.trim().to_lowercase(), value.trim().to_owned());
    }
    Some((body, trailers))
}

/// The CRC-32 in base64, as S3 writes it.
fn checksum(bytes: &[u8]) -> String {
    let step =
        |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 });
    let crc = !bytes.iter().fold(u32::MAX, step);
    // Four bytes are six base64 digits of six bits; the last digit is padded with zeros.
    let bits = u64::from(crc) << 4;
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |place: u32| digits.get(usize::try_from(bits >> (6 * place) & 63).unwrap_or_default()).copied().map_or('A', char::from);
    let text: String = (0..6).rev().map(digit).collect();
    text + "=="
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estate::Estate;

    #[test]
    fn the_checksum_is_crc_32() {
        assert_eq!(checksum(b"123456789"), "y/Q5Jg==", "0xcbf43926, the algorithm's check value");
        assert_eq!(checksum(b""), "AAAAAA==");
    }

    #[test]
    fn chunks_are_put_together_and_trailers_read() {
        let signed = b"5;chunk-signature=abc\r\nhello\r\n6\r\n world\r\n0;chunk-signature=def\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
        let (body, trailers) = unchunked(signed).unwrap();
        assert_eq!((body.as_slice(), trailers[CHECKSUM].as_str()), (&b"hello world"[..], "DUoRhQ=="));
        assert_eq!(unchunked(b"0\r\n\r\n").unwrap().0, b"");
        assert_eq!(unchunked(b"5\r\nhel"), None, "cut off");
    }

    #[test]
    fn puts_and_refuses() {
        let mut world = World::new(Estate::from_toml("bucket = \"reports\"").unwrap());
        let mut ask = |method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &[u8]| {
            let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let rest = Rest::new(method, path, query, headers, body.to_vec());
            call(&mut world, &rest.operation(), &rest).map_err(|refusal| refusal.code)
        };
        let chunked = [("content-encoding", "aws-chunked,gzip"), ("x-amz-decoded-content-length", "5"), ("x-amz-meta-run", "7")];
        let good = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
        assert_eq!(ask("PUT", "/reports/a%20b+c/1.json", "x-id=PutObject", &chunked, good).unwrap().status, 200);
        for (method, path, query, headers, body, code) in [
            ("PUT", "/reports/x", "", &chunked[..], &b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"[..], "BadDigest"),
            ("PUT", "/reports/x", "", &chunked[..2], b"4\r\nhell\r\n0\r\n\r\n", "IncompleteBody"),
            ("PUT", "/reports/a%20b+c/1.json", "", &[("if-none-match", "*")], b"", "PreconditionFailed"),
            ("PUT", "/other/x", "", &[], b"", "NoSuchBucket"),
            ("PUT", "/reports/x", "partNumber=1&uploadId=2", &[], b"", "NotSimulated"),
            ("GET", "/reports/x", "", &[], b"", "NotSimulated"),
        ] {
            assert_eq!(ask(method, path, query, headers, body).err(), Some(code), "{method} {path} {query}");
        }
        let signed = |region: &str| format!("AWS4-HMAC-SHA256 Credential=k/20261124/{region}/s3/aws4_request, SignedHeaders=host");
        let (here, elsewhere) = (signed("us-east-1"), signed("us-east-2"));
        assert_eq!(
            ask("PUT", "/reports/a%20b+c/1.json", "", &[("authorization", here.as_str()), ("x-amz-meta-run", "7")], b"").unwrap().status,
            200
        );
        assert_eq!(ask("PUT", "/reports/x", "", &[("authorization", elsewhere.as_str())], b"").err(), Some("PermanentRedirect"));
        let objects = world.bucket.as_ref().unwrap().objects();
        assert_eq!((objects.len(), objects[0].key.as_str(), objects[0].metadata["run"].as_str()), (1, "a b+c/1.json", "7"));
    }
}
