//! Constraints of the models, and how AWS words what breaks them.

use std::fmt::{Debug, Write};

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
        self.report("null", NOT_NULL);
        self.leave();
    }

    /// A list element or map value that is null.
    pub(crate) fn null(&mut self) {
        self.report("null", NOT_NULL);
    }

    pub(crate) fn check_string(&mut self, shape: &StringShape, value: &str) {
        let shown = || if shape.sensitive { String::new() } else { format!("'{value}'") };
        if !shape.values.is_empty() && !shape.values.contains(&value) {
            self.report(&shown(), &one_of(shape));
            return;
        }
        self.check_length(shape.length, || value.chars().count(), shown);
        if let Some(pattern) = shape.pattern
            && !pattern.matches(value)
        {
            self.report(&shown(), &matching(pattern.text));
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
            self.report(&shown(), &at_most("length", max));
        }
        if let Some(min) = length.min.filter(|min| count < *min) {
            self.report(&shown(), &at_least("length", min));
        }
    }

    pub(crate) fn check_range<T: PartialOrd + Debug + Copy>(&mut self, range: Range<T>, value: T) {
        if let Some(min) = range.min.filter(|min| value < *min) {
            self.report(&format!("'{value:?}'"), &at_least("value", min));
        }
        if let Some(max) = range.max.filter(|max| value > *max) {
            self.report(&format!("'{value:?}'"), &at_most("value", max));
        }
    }

    /// How much is wrong so far.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// Says in one sentence what has been found wrong since with the members of a list or the values of a map.
    pub(crate) fn gather(&mut self, since: usize, whose: &str, target: &Target, value: &str) {
        if self.found.len() > since {
            self.found.truncate(since);
            self.report_all(whose, target, value);
        }
    }

    /// That members are not what they have to be: AWS then names all that holds of them.
    pub(crate) fn report_all(&mut self, whose: &str, target: &Target, value: &str) {
        self.report(value, &format!("{whose} must satisfy constraint: [{}]", constraints(target).join(", ")));
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

const NOT_NULL: &str = "Member must not be null";

/// Floating-point bounds are shown as Java shows them: `1.0`.
fn at_most(what: &str, max: impl Debug) -> String {
    format!("Member must have {what} less than or equal to {max:?}")
}

fn at_least(what: &str, min: impl Debug) -> String {
    format!("Member must have {what} greater than or equal to {min:?}")
}

fn matching(pattern: &str) -> String {
    format!("Member must satisfy regular expression pattern: {pattern}")
}

fn one_of(shape: &StringShape) -> String {
    format!("Member must satisfy enum value set: [{}]", shape.values.join(", "))
}

/// All that has to hold of the members of a list or a map, in AWS's order.
fn constraints(target: &Target) -> Vec<String> {
    let mut all = Vec::new();
    match target {
        Target::String(shape) => {
            bounds(&mut all, "length", shape.length.min, shape.length.max);
            all.extend(shape.pattern.map(|pattern| matching(pattern.text)));
            all.extend((!shape.values.is_empty()).then(|| one_of(shape)));
        }
        Target::Integer(range) => bounds(&mut all, "value", range.min, range.max),
        Target::Long(range) => bounds(&mut all, "value", range.min, range.max),
        Target::Float(range) | Target::Double(range) => bounds(&mut all, "value", range.min, range.max),
        _ => {}
    }
    all.push(NOT_NULL.to_owned());
    all
}

fn bounds<T: Debug>(all: &mut Vec<String>, what: &str, min: Option<T>, max: Option<T>) {
    all.extend(max.map(|max| at_most(what, max)));
    all.extend(min.map(|min| at_least(what, min)));
}

/// Whether what is wrong with one member is said of the whole list or map.
pub(crate) fn is_told_together(target: &Target) -> bool {
    !matches!(target, Target::Struct(_) | Target::List(_) | Target::Map(_))
}

/// Whether a key is what it has to be.
pub(crate) fn is_fit(target: &Target, key: &str) -> bool {
    let mut violations = Violations::default();
    if let Target::String(shape) = target {
        violations.check_string(shape, key);
    }
    violations.is_empty()
}

/// Whether values are not to be repeated.
pub(crate) fn is_sensitive(target: &Target) -> bool {
    matches!(target, Target::String(shape) if shape.sensitive)
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
        Ref::Double(value) => format!("{value:?}"),
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
