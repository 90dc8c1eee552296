//! POSTs to subscribers. One connection for each: a subscriber that answers slowly holds up nobody else.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clock::execution_timeout;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// "The Amazon SNS request times out after 15 seconds" (developer guide, "Ensure your endpoint is ready to process
/// Amazon SNS messages").
const TIMEOUT: Duration = Duration::from_secs(15);

/// What is read of an answer: its head. Its body is of no interest.
const HEAD_BYTES_MAX: usize = 64 * 1_024;

/// What became of a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 2xx.
    Delivered,
    /// It will not be accepted: all of 3xx and 4xx but 429.
    Refused(String),
    /// It may be accepted later: 429, 5xx, or no answer.
    Failed(String),
}

/// Sends POSTs.
#[derive(Debug, Default)]
pub(crate) struct HttpClient {
    /// Made when it is first needed: it reads the host's certificates.
    tls: OnceLock<Result<TlsSettings, String>>,
}

#[derive(Clone)]
struct TlsSettings(Arc<ClientConfig>);

impl std::fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsSettings")
    }
}

impl HttpClient {
    /// Posts `body`, in real time: a subscriber runs in its own.
    pub(crate) async fn post(&self, url: &str, headers: &[(&'static str, String)], body: String) -> Answer {
        match execution_timeout(TIMEOUT, self.send(url, headers, body)).await {
            Ok(Ok(status)) => judge(status),
            Ok(Err(reason)) => Answer::Failed(reason),
            Err(_) => Answer::Failed("no answer within 15 seconds".to_owned()),
        }
    }

    async fn send(&self, url: &str, headers: &[(&'static str, String)], body: String) -> Result<u16, String> {
        let uri: Uri = url.parse().map_err(text)?;
        let host = uri.host().ok_or("the URL names no host")?.to_owned();
        let is_encrypted = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        let request = make_request(&uri, headers, body)?;
        // An IPv6 address stands in brackets in a URL, and nowhere else.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, port)).await.map_err(text)?;
        if is_encrypted {
            let name = ServerName::try_from(host.to_owned()).map_err(text)?;
            let TlsSettings(settings) = self.tls()?;
            let stream = TlsConnector::from(settings).connect(name, stream).await.map_err(text)?;
            exchange(stream, request).await
        } else {
            exchange(stream, request).await
        }
    }

    fn tls(&self) -> Result<TlsSettings, String> {
        self.tls.get_or_init(make_tls_settings).clone()
    }
}

fn make_tls_settings() -> Result<TlsSettings, String> {
    let mut roots = RootCertStore::empty();
    let (added, _ignored) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err("this host has no certificates of authorities to trust".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(text)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsSettings(Arc::new(settings)))
}

fn make_request(
    uri: &Uri,
    headers: &[(&'static str, String)],
    body: String,
) -> Result<Request<Full<Bytes>>, String> {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let (user, address) = match authority.rsplit_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, authority),
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header(HOST, address)
        .header(USER_AGENT, "Amazon Simple Notification Service Agent");
    if let Some(user) = user {
        let decoded: Vec<u8> = percent_decode_str(user).collect();
        request = request.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(decoded)));
    }
    for (name, value) in headers {
        let name = if *name == "content-type" { CONTENT_TYPE.as_str() } else { name };
        request = request.header(name, value);
    }
    request.body(Full::new(Bytes::from(body))).map_err(text)
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<u16, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut client = hyper::client::conn::http1::Builder::new();
    client.max_buf_size(HEAD_BYTES_MAX);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(text)?;
    let mut answer = std::pin::pin!(sender.send_request(request));
    let connection = std::pin::pin!(connection);
    let answer: Result<Response<_>, hyper::Error> = tokio::select! {
        answer = &mut answer => answer,
        // The connection may end together with the answer.
        _ended = connection => answer.await,
    };
    Ok(answer.map_err(text)?.status().as_u16())
}

fn judge(status: u16) -> Answer {
    let said = format!("the endpoint answered {status}");
    match status {
        200..=299 => Answer::Delivered,
        300..=428 | 430..=499 => Answer::Refused(said),
        _ => Answer::Failed(said),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
