//! From one subject to all that it came from and all that came of it.

use std::collections::{HashSet, VecDeque};

use store::{Snapshot, TableError};
use targets::{Step, What};

use crate::steps::{self, Recorded};
use crate::tables::OFFSPRING;

/// Events and messages in a story: a topic may have thousands of subscribers.
const SUBJECTS_MAX: usize = 200;
/// Steps of one of them in a story: a message may be received for days.
const SUBJECT_STEPS_MAX: usize = 1_000;

/// What happened to an event or a message and to all that is connected with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Story {
    /// The request and message ids, from the one that was asked for outwards.
    pub subjects: Vec<String>,
    /// By time.
    pub steps: Vec<Step>,
    /// Whether there is more than a story holds: 200 subjects, a thousand steps of each.
    pub truncated: bool,
}

pub(crate) async fn tell(snapshot: &dyn Snapshot, id: &str) -> Result<Story, TableError> {
    let mut story = Story::default();
    let Some((first, last)) = steps::segments(snapshot).await? else { return Ok(story) };
    let mut found: Vec<Recorded> = Vec::new();
    let mut seen = HashSet::from([id.to_owned()]);
    let mut open = VecDeque::from([id.to_owned()]);
    while let Some(subject) = open.pop_front() {
        if story.subjects.len() == SUBJECTS_MAX {
            story.truncated = true;
            break;
        }
        let mut steps: Vec<Recorded> = Vec::new();
        let mut connected = Vec::new();
        for segment in first..=last {
            let left = SUBJECT_STEPS_MAX - steps.len();
            steps.extend(steps::of_subject(snapshot, segment, &subject, left).await?);
            let parts = [segment.into(), subject.as_str().into()];
            let offspring = OFFSPRING.list(snapshot, &parts, None, SUBJECTS_MAX).await?;
            connected.extend(offspring.into_iter().map(|row| row.record));
        }
        story.truncated |= steps.len() == SUBJECT_STEPS_MAX;
        connected.extend(steps.iter().filter_map(|recorded| neighbour(&recorded.step).cloned()));
        open.extend(connected.into_iter().filter(|id| seen.insert(id.clone())));
        if !steps.is_empty() {
            story.subjects.push(subject);
        }
        found.extend(steps);
    }
    story.steps = steps::by_time(found);
    Ok(story)
}

/// The event or message that this step leads to or comes from.
fn neighbour(step: &Step) -> Option<&String> {
    match &step.what {
        What::Accepted { from, .. } => from.as_ref(),
        What::Sent { id, .. } => Some(id),
        _ => None,
    }
}
