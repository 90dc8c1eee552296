//! Asynchronous invocation: accepting events, how functions want them handled, and running them for the queue. The queue
//! itself is `delivery`. Source: AWS Lambda developer guide, "Invoking a Lambda function asynchronously".

mod acceptance;
pub(crate) mod config;
mod destination;
mod functions;
mod settings;
mod target;

pub(crate) use acceptance::accept;
pub(crate) use destination::{check_dead_letter, check_queue, check_topic, unusable_destination};
pub(crate) use settings::read_settings;
