//! Whether a document matches.
//!
//! A document is first reduced to what lies on the pattern's paths ([`Spot`]), then each branch of the pattern is
//! looked for in it. Arrays are transparent, at any depth: a value may be any of their elements. But what a branch
//! asks of several fields inside an array's objects must hold in the same element (event-ruler, "JSON Array
//! Matching"). Both steps take time linear in the document.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::PatternError;
use crate::branches::{Branch, Branches, STEPS_MAX, too_complex};
use crate::matcher::Matcher;

const ROOT: usize = 0;

/// The paths of a pattern's branches. Nodes are named by their places.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    /// By step, the next node.
    nodes: Vec<HashMap<Box<str>, usize>>,
    /// By branch.
    plans: Vec<Plan>,
}

/// What one branch asks for below a node.
#[derive(Debug, Clone, Default)]
struct Plan {
    /// Of the values at the node itself.
    matchers: Option<usize>,
    /// Of the fields.
    fields: BTreeMap<usize, Plan>,
}

impl Tree {
    pub(crate) fn of(branches: &[Branch]) -> Result<Self, PatternError> {
        let mut tree = Self { nodes: vec![HashMap::new()], plans: Vec::with_capacity(branches.len()) };
        for branch in branches {
            let mut plan = Plan::default();
            for leaf in &branch.leaves {
                if leaf.path.split('.').nth(STEPS_MAX).is_some() {
                    return Err(too_complex());
                }
                let mut place = &mut plan;
                let mut node = ROOT;
                for step in leaf.path.split('.') {
                    node = tree.child_or_new(node, step);
                    place = place.fields.entry(node).or_default();
                }
                place.matchers = Some(leaf.matchers);
            }
            tree.plans.push(plan);
        }
        Ok(tree)
    }

    fn child_or_new(&mut self, node: usize, step: &str) -> usize {
        if let Some(child) = self.nodes[node].get(step) {
            return *child;
        }
        let child = self.nodes.len();
        self.nodes.push(HashMap::new());
        self.nodes[node].insert(step.into(), child);
        child
    }
}

/// What a document has at one path, in one element of every array around it.
#[derive(Debug, Default)]
struct Spot<'a> {
    /// Values, those directly inside an array among them.
    values: Vec<&'a Value>,
    /// The fields of the object.
    fields: BTreeMap<usize, Spot<'a>>,
    /// The elements of an array that are objects or arrays.
    elements: Vec<Spot<'a>>,
}

impl<'a> Spot<'a> {
    fn add(&mut self, tree: &Tree, node: usize, value: &'a Value) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    self.add_field(tree, node, name, value);
                }
            }
            Value::Array(elements) => {
                for element in elements {
                    if element.is_object() || element.is_array() {
                        let mut spot = Spot::default();
                        spot.add(tree, node, element);
                        self.elements.push(spot);
                    } else {
                        self.values.push(element);
                    }
                }
            }
            _ => self.values.push(value),
        }
    }

    /// Adds what lies on a path; a name with dots is several steps.
    fn add_field(&mut self, tree: &Tree, node: usize, name: &str, value: &'a Value) {
        let mut spot = self;
        let mut node = node;
        let mut steps = Vec::new();
        for step in name.split('.') {
            let Some(child) = tree.nodes[node].get(step) else { return };
            steps.push(*child);
            node = *child;
        }
        for child in steps {
            spot = spot.fields.entry(child).or_default();
        }
        spot.add(tree, node, value);
    }

    fn all_values(&self) -> Box<dyn Iterator<Item = &'a Value> + '_> {
        Box::new(self.values.iter().copied().chain(self.elements.iter().flat_map(Spot::all_values)))
    }
}

/// How much of a plan was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Not,
    /// Only by what is not there: in an array, that must be so in every element.
    ByAbsence,
    Yes,
}

impl Found {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Not, _) | (_, Self::Not) => Self::Not,
            (Self::ByAbsence, Self::ByAbsence) => Self::ByAbsence,
            _ => Self::Yes,
        }
    }
}

pub(crate) fn matches(pattern: &Branches, document: &Value) -> bool {
    if !document.is_object() {
        return false;
    }
    let mut root = Spot::default();
    root.add(&pattern.tree, ROOT, document);
    pattern.tree.plans.iter().any(|plan| find(plan, &pattern.matchers, Some(&root)) != Found::Not)
}

fn find(plan: &Plan, matchers: &[Vec<Matcher>], spot: Option<&Spot<'_>>) -> Found {
    let Some(list) = plan.matchers else { return find_fields(plan, matchers, spot) };
    if spot.is_some_and(|spot| has_value(plan, &matchers[list], matchers, spot)) {
        return Found::Yes;
    }
    let is_there = spot.is_some_and(|spot| spot.all_values().next().is_some());
    if !is_there && matchers[list].contains(&Matcher::Absent) {
        find_fields(plan, matchers, spot)
    } else {
        Found::Not
    }
}

/// Whether there is a value, and the fields beside it: in the same element where it is inside one.
fn has_value(plan: &Plan, wanted: &[Matcher], matchers: &[Vec<Matcher>], spot: &Spot<'_>) -> bool {
    if spot.values.iter().any(|value| wanted.iter().any(|matcher| matcher.accepts(value))) {
        find_fields(plan, matchers, Some(spot)) != Found::Not
    } else {
        spot.elements.iter().any(|element| has_value(plan, wanted, matchers, element))
    }
}

/// Looks for the fields in the object and, where there is an array, in each element.
fn find_fields(plan: &Plan, matchers: &[Vec<Matcher>], spot: Option<&Spot<'_>>) -> Found {
    if plan.fields.is_empty() {
        return Found::ByAbsence;
    }
    let elements = spot.map_or(&[][..], |spot| spot.elements.as_slice());
    let object = spot.filter(|spot| !spot.fields.is_empty() || elements.is_empty());
    let mut found = Found::ByAbsence;
    if object.is_some() || elements.is_empty() {
        found = find_in_object(plan, matchers, object);
    }
    for element in elements {
        if found == Found::Yes {
            break;
        }
        found = match find_fields(plan, matchers, Some(element)) {
            Found::Yes => Found::Yes,
            other => found.and(other),
        };
    }
    found
}

fn find_in_object(plan: &Plan, matchers: &[Vec<Matcher>], spot: Option<&Spot<'_>>) -> Found {
    let mut found = Found::ByAbsence;
    for (node, inner) in &plan.fields {
        found = found.and(find(inner, matchers, spot.and_then(|spot| spot.fields.get(node))));
        if found == Found::Not {
            break;
        }
    }
    found
}
