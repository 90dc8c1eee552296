//! The Extensions API. Source: AWS Lambda developer guide, "Using the Lambda Extensions API"; answers to misuse
//! as AWS's runtime interface emulator gives them.

use std::sync::Arc;

use bytes::Bytes;
use ids::RequestId;
use serde::Deserialize;
use serde_json::json;

use crate::answer::{Wire, error_answer, json_answer};
use crate::body::Reader;
use crate::head::Head;
use crate::route::Reply;
use crate::session::{Event, InitFailure, Shared};
use crate::state::{Extension, ExtensionState, Parked, State};

/// How many extensions a function may have.
const EXTENSIONS_MAX: usize = 10;

/// A registration is a few words.
const REGISTRATION_MAX_BYTES: usize = 64 * 1024;

const IDENTIFIER: &str = "Lambda-Extension-Identifier";
const ERROR_TYPE: &str = "Lambda-Extension-Function-Error-Type";

#[derive(Debug, Deserialize)]
struct Registration {
    #[serde(default)]
    events: Vec<String>,
    #[serde(default, rename = "configurationKeys")]
    configuration_keys: Vec<String>,
}

/// `POST /extension/register`.
pub(crate) async fn register(shared: &Arc<Shared>, head: &Head, reader: &mut Reader) -> Reply {
    let body = reader.whole(REGISTRATION_MAX_BYTES).await;
    let answer = match body {
        Ok(body) => try_register(shared, head, &body),
        Err(_) => Err(forbidden("InvalidRequestFormat", "The registration is truncated or too large")),
    };
    Reply::Now(answer.unwrap_or_else(|refusal| refusal))
}

fn try_register(shared: &Shared, head: &Head, body: &[u8]) -> Result<Wire, Wire> {
    if head.extension_name.is_empty() {
        return Err(forbidden("Extension.InvalidExtensionName", "Empty extension name"));
    }
    let registration: Registration = serde_json::from_slice(body)
        .map_err(|error| forbidden("InvalidRequestFormat", &error.to_string()))?;
    if !registration.configuration_keys.is_empty() {
        let message = "configurationKeys are deprecated; use environment variables instead";
        return Err(forbidden("InvalidRequestFormat", message));
    }
    let mut state = shared.lock();
    let known = state.extensions.iter().position(|extension| extension.name == head.extension_name);
    let external = known.is_some_and(|index| state.extensions[index].external);
    check_events(&registration.events, external)?;
    let index = match known {
        Some(index) if external => index,
        // Inside the runtime's process: it is not known before.
        _ => {
            check_newcomer(&state, known.is_some())?;
            state.extensions.push(Extension::new(head.extension_name.clone(), false));
            state.extensions.len() - 1
        }
    };
    let id = shared.config.ids.request_id().to_string();
    let extension = &mut state.extensions[index];
    if extension.state != ExtensionState::Started {
        return Err(transition(extension, "Registered"));
    }
    extension.state = ExtensionState::Registered;
    extension.id = Some(id.clone());
    extension.wants_invoke = registration.events.iter().any(|event| event == "INVOKE");
    extension.wants_shutdown = registration.events.iter().any(|event| event == "SHUTDOWN");
    drop(state);

    let config = &shared.config;
    let mut answer = json!({
        "functionName": config.function_name,
        "functionVersion": config.function_version,
        "handler": config.handler,
    });
    if head.extension_features.split(',').any(|feature| feature.trim() == "accountId") {
        answer["accountId"] = json!(config.account.as_str());
    }
    Ok(json_answer(200, &[(IDENTIFIER, &id)], &answer))
}

fn check_events(events: &[String], external: bool) -> Result<(), Wire> {
    for event in events {
        let problem = match event.as_str() {
            "INVOKE" => continue,
            "SHUTDOWN" if external => continue,
            "SHUTDOWN" => "ShutdownEventNotSupportedForInternalExtension",
            _ => "ErrorInvalidEventType",
        };
        return Err(forbidden("Extension.InvalidEventType", &format!("{event}: {problem}")));
    }
    Ok(())
}

fn check_newcomer(state: &State, taken: bool) -> Result<(), Wire> {
    if !state.registration_is_open() {
        Err(forbidden("Extension.RegistrationClosed", "Extension registration closed already"))
    } else if taken {
        Err(forbidden("Extension.InvalidExtensionState", "Extension with this name already registered"))
    } else if state.extensions.len() >= EXTENSIONS_MAX {
        let message = format!("Extension limit ({EXTENSIONS_MAX}) reached");
        Err(forbidden("Extension.TooManyExtensions", &message))
    } else {
        Ok(())
    }
}

/// `GET /extension/event/next`.
pub(crate) async fn next(shared: &Arc<Shared>, connection: u64, head: &Head, reader: &mut Reader) -> Reply {
    if !reader.skip_rest().await {
        return Reply::Now(forbidden("InvalidRequestFormat", "The request is truncated"));
    }
    let mut state = shared.lock();
    let extension = match find(&mut state, head) {
        Ok(extension) => extension,
        Err(refusal) => return Reply::Now(refusal),
    };
    match extension.state {
        ExtensionState::Registered | ExtensionState::Running => extension.state = ExtensionState::Ready,
        // It lost its connection and asks again.
        ExtensionState::Ready if extension.parked.is_none() => {}
        _ => return Reply::Now(transition(extension, "Ready")),
    }
    let socket = reader.socket.clone();
    if let Some(pending) = extension.pending.take() {
        extension.state = ExtensionState::Running;
        drop(state);
        socket.send(&shared.config.tasks, pending, Bytes::new());
        return Reply::Later;
    }
    extension.parked = Some(Parked { connection, socket });
    let settled = state.settle();
    drop(state);
    shared.settled(settled);
    Reply::Later
}

/// `POST /extension/init/error`.
pub(crate) async fn init_error(shared: &Arc<Shared>, head: &Head) -> Reply {
    let mut state = shared.lock();
    let extension = match find_failing(&mut state, head) {
        Ok(extension) => extension,
        Err(refusal) => return Reply::Now(refusal),
    };
    if !matches!(extension.state, ExtensionState::Registered | ExtensionState::InitError) {
        return Reply::Now(transition(extension, "InitError"));
    }
    extension.state = ExtensionState::InitError;
    fail(&mut state, "Extension.InitError", head);
    Reply::Accepted
}

/// `POST /extension/exit/error`.
pub(crate) async fn exit_error(shared: &Arc<Shared>, head: &Head) -> Reply {
    let mut state = shared.lock();
    let extension = match find_failing(&mut state, head) {
        Ok(extension) => extension,
        Err(refusal) => return Reply::Now(refusal),
    };
    if matches!(extension.state, ExtensionState::Started | ExtensionState::InitError) {
        return Reply::Now(transition(extension, "Exited"));
    }
    extension.state = ExtensionState::ExitError;
    fail(&mut state, "Extension.ExitError", head);
    Reply::Accepted
}

/// An extension that fails takes its environment with it.
fn fail(state: &mut State, error_type: &'static str, head: &Head) {
    let reported_type = head.extension_error_type.clone();
    state.fail_init(InitFailure::Extension { error_type, reported_type: reported_type.clone() });
    if let Some(current) = state.current.take() {
        let message = format!("Error: {reported_type}");
        let document = json!({ "errorType": error_type, "errorMessage": message }).to_string();
        let failed = crate::Answer::Error { error_type: error_type.to_owned(), body: document.into() };
        let _nobody_waits = current.answer.send(failed);
    }
    state.ended = true;
}

/// Writes the INVOKE event to every extension that wants it; the ones that are not waiting fetch it.
pub(crate) fn announce(shared: &Shared, state: &mut State, event: &Event) {
    let mut body = json!({
        "eventType": "INVOKE",
        "deadlineMs": event.deadline.as_millis(),
        "requestId": event.request_id,
        "invokedFunctionArn": event.invoked_arn,
    });
    if let Some(trace_id) = &event.trace_id {
        body["tracing"] = json!({ "type": "X-Amzn-Trace-Id", "value": trace_id });
    }
    for extension in state.extensions.iter_mut().filter(|extension| extension.wants_invoke) {
        tell(shared, extension, &body);
    }
}

/// Writes the SHUTDOWN event to every extension that wants it.
pub(crate) fn send_shutdown(shared: &Shared, state: &mut State, body: &serde_json::Value) {
    for extension in state.extensions.iter_mut().filter(|extension| extension.wants_shutdown) {
        tell(shared, extension, body);
    }
}

fn tell(shared: &Shared, extension: &mut Extension, body: &serde_json::Value) {
    let event_id = shared.config.ids.request_id().to_string();
    let wire = Bytes::from(json_answer(200, &[("Lambda-Extension-Event-Identifier", &event_id)], body));
    match extension.parked.take() {
        Some(parked) => {
            extension.state = ExtensionState::Running;
            parked.socket.send(&shared.config.tasks, wire, Bytes::new());
        }
        None => extension.pending = Some(wire),
    }
}

/// The extension a request comes from.
pub(crate) fn find<'a>(state: &'a mut State, head: &Head) -> Result<&'a mut Extension, Wire> {
    if head.extension_id.is_empty() {
        let message = format!("Missing {IDENTIFIER} header");
        return Err(forbidden("Extension.MissingExtensionIdentifier", &message));
    }
    if RequestId::parse(&head.extension_id).is_none() {
        return Err(forbidden("Extension.InvalidExtensionIdentifier", &format!("Invalid {IDENTIFIER}")));
    }
    let given = head.extension_id.as_str();
    let found = state.extensions.iter_mut().find(|extension| extension.id.as_deref() == Some(given));
    found.ok_or_else(|| {
        forbidden("Extension.UnknownExtensionIdentifier", &format!("Unknown extension {given}"))
    })
}

fn find_failing<'a>(state: &'a mut State, head: &Head) -> Result<&'a mut Extension, Wire> {
    let named = !head.extension_error_type.is_empty();
    let extension = find(state, head)?;
    if named {
        Ok(extension)
    } else {
        Err(forbidden("Extension.MissingHeader", &format!("{ERROR_TYPE} not found")))
    }
}

fn transition(extension: &Extension, to: &str) -> Wire {
    let message = format!(
        "State transition from {} to {to} failed for extension {}. Error: State transition is not allowed",
        extension.state.name(),
        extension.id.as_ref().unwrap_or(&extension.name),
    );
    forbidden("Extension.InvalidExtensionState", &message)
}

pub(crate) fn forbidden(error_type: &str, message: &str) -> Wire {
    error_answer(403, error_type, message)
}
