//! Event source mappings as the API has them: what may be asked for, and how they are shown; and running functions for
//! their pollers. The mappings themselves and the pollers are `event-source`. Source: AWS Lambda API reference,
//! `CreateEventSourceMapping`, and developer guide, "How Lambda processes records from stream and queue-based event
//! sources".

mod functions;
