//! Constraints of the models, and how AWS words what breaks them.

use std::fmt::Write;

use crate::{Length, Member, Range, Ref, StringShape, Target};

/// One step on the way from the input to a value.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Member(&'static Member),
    Item(usize),
    Key(String),
}

/// Collects what is wrong with an input.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    path: Vec<Step>,
    found: Vec<String>,
}

impl Violations {
    pub(crate) fn enter(&mut self, step: Step) {
        self.path.push(step);
    }

    pub(crate) fn leave(&mut self) {
        self.path.pop();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// `1 validation error detected: ...`, as AWS words it.
    pub(crate) fn into_message(self) -> String {
        let count = self.found.len();
        let plural = if count == 1 { "error" } else { "errors" };
        format!("{count} validation {plural} detected: {}", self.found.join("; "))
    }

    /// A required member that is not there.
    pub(crate) fn missing(&mut self, member: &'static Member) {
        self.enter(Step::Member(member));
        self.report("null", "Member must not be null");
        self.leave();
    }

    /// A list element or map value that is null.
    pub(crate) fn null(&mut self) {
        self.report("null", "Member must not be null");
    }

    pub(crate) fn check_string(&mut self, shape: &StringShape, value: &str) {
        let shown = || if shape.sensitive { String::new() } else { format!("'{value}'") };
        if !shape.values.is_empty() && !shape.values.contains(&value) {
            let constraint = format!("Member must satisfy enum value set: [{}]", shape.values.join(", "));
            self.report(&shown(), &constraint);
            return;
        }
        self.check_length(shape.length, || value.chars().count(), shown);
        if let Some(pattern) = shape.pattern
            && !pattern.matches(value)
        {
            let constraint = format!("Member must satisfy regular expression pattern: {}", pattern.text);
            self.report(&shown(), &constraint);
        }
    }

    pub(crate) fn check_length(
        &mut self,
        length: Length,
        count: impl Fn() -> usize,
        shown: impl Fn() -> String,
    ) {
        if length == Length::ANY {
            return;
        }
        let count = count();
        if let Some(max) = length.max.filter(|max| count > *max) {
            self.report(&shown(), &format!("Member must have length less than or equal to {max}"));
        }
        if let Some(min) = length.min.filter(|min| count < *min) {
            self.report(&shown(), &format!("Member must have length greater than or equal to {min}"));
        }
    }

    pub(crate) fn check_range<T: PartialOrd + std::fmt::Display + Copy>(
        &mut self,
        range: Range<T>,
        value: T,
    ) {
        if let Some(min) = range.min.filter(|min| value < *min) {
            let constraint = format!("Member must have value greater than or equal to {min}");
            self.report(&format!("'{value}'"), &constraint);
        }
        if let Some(max) = range.max.filter(|max| value > *max) {
            let constraint = format!("Member must have value less than or equal to {max}");
            self.report(&format!("'{value}'"), &constraint);
        }
    }

    /// A map's keys are judged at the map, in one sentence for all constraints of the key.
    pub(crate) fn check_key(&mut self, target: &Target, key: &str) {
        let Target::String(shape) = target else { return };
        let mut broken = Vec::new();
        let length = key.chars().count();
        if let Some(max) = shape.length.max.filter(|max| length > *max) {
            broken.push(format!("Member must have length less than or equal to {max}"));
        }
        if let Some(min) = shape.length.min.filter(|min| length < *min) {
            broken.push(format!("Member must have length greater than or equal to {min}"));
        }
        if let Some(pattern) = shape.pattern.filter(|pattern| !pattern.matches(key)) {
            broken.push(format!("Member must satisfy regular expression pattern: {}", pattern.text));
        }
        if !shape.values.is_empty() && !shape.values.contains(&key) {
            broken.push(format!("Member must satisfy enum value set: [{}]", shape.values.join(", ")));
        }
        if !broken.is_empty() {
            let constraint = format!("Map keys must satisfy constraint: [{}]", broken.join(", "));
            self.report(&format!("'{{{key}=}}'"), &constraint);
        }
    }

    fn report(&mut self, value: &str, constraint: &str) {
        let mut message = String::from("Value ");
        if !value.is_empty() {
            message.push_str(value);
            message.push(' ');
        }
        // Writing to a string does not fail.
        let _infallible =
            write!(message, "at '{}' failed to satisfy constraint: {constraint}", self.path_text());
        self.found.push(message);
    }

    /// `environment.variables.X`, `entries.1.member.messageBody`.
    fn path_text(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            if !text.is_empty() {
                text.push('.');
            }
            match step {
                Step::Member(member) => text.push_str(&lower_camel(member.name)),
                Step::Item(index) => {
                    let _infallible = write!(text, "{}.member", index + 1);
                }
                Step::Key(key) => text.push_str(key),
            }
        }
        text
    }
}

/// `FunctionName` is shown as `functionName`, and `VPCConfig` as `vPCConfig`.
fn lower_camel(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A value in a message: lists as `[a, b]`, maps as `{k=v}`, as Java prints them.
pub(crate) fn shown(value: &Ref<'_>) -> String {
    format!("'{}'", bare(value))
}

fn bare(value: &Ref<'_>) -> String {
    match value {
        Ref::Absent | Ref::EventStream => "null".to_owned(),
        Ref::String(text) => (*text).to_owned(),
        Ref::Boolean(value) => value.to_string(),
        Ref::Integer(value) => value.to_string(),
        Ref::Double(value) => value.to_string(),
        Ref::Timestamp(value) => value.to_string(),
        Ref::Blob(bytes) => {
            format!("java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]", bytes.len())
        }
        Ref::List(list) => {
            let items: Vec<String> = (0..list.len()).map(|index| bare(&list.item(index))).collect();
            format!("[{}]", items.join(", "))
        }
        Ref::Map(map) => {
            let mut entries = Vec::new();
            map.visit(&mut |key, value| entries.push(format!("{key}={}", bare(&value))));
            format!("{{{}}}", entries.join(", "))
        }
        Ref::Struct(structure) => structure.schema().name.to_owned(),
        Ref::Document(document) => document.to_string(),
    }
}
