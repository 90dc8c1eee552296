//! Any text is read or refused, matching always ends, and the answer is that of the matcher as it is defined.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{Attribute, Dialect, Pattern};

const DIALECTS: [Dialect; 4] =
    [Dialect::EventBridge, Dialect::LambdaFilter, Dialect::SnsAttributes, Dialect::SnsBody];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        40 => prop::sample::select(vec!["a", "b", "c"]),
        1 => prop::sample::select(vec!["a.b", "b.c", "$or", "", "."]),
    ]
    .prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(1),
        json!(1.0),
        json!(2),
        json!("x"),
        json!("xy"),
        json!(""),
    ])
}

/// Anything that looks like a pattern, sound or not.
fn nearly_pattern() -> impl Strategy<Value = Value> {
    let operator = prop::sample::select(vec![
        "prefix",
        "suffix",
        "anything-but",
        "numeric",
        "exists",
        "cidr",
        "wildcard",
        "equals-ignore-case",
        "$or",
        "a",
        "b",
        "=",
        ">",
    ]);
    let leaf = prop_oneof![scalar(), "[a*\\\\/.0-9:<>=]{0,6}".prop_map(Value::from)];
    leaf.prop_recursive(6, 64, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((operator.clone(), inner), 0..5).prop_map(|fields| Value::Object(
                fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
            )),
        ]
    })
}

fn object(names: BoxedStrategy<String>, values: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((names, values), 1..4)
        .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()))
}

fn value(depth: u32) -> BoxedStrategy<Value> {
    if depth == 0 {
        return scalar().boxed();
    }
    prop_oneof![
        1 => scalar(),
        2 => prop::collection::vec(value(depth - 1), 0..4).prop_map(Value::from),
        2 => object(name().boxed(), value(depth - 1)),
    ]
    .boxed()
}

fn document() -> impl Strategy<Value = Value> {
    object(name().boxed(), value(3))
}

/// Sound patterns without `exists: false`, whose meaning inside arrays event-ruler leaves to the order of the names.
fn sound_pattern(depth: u32) -> BoxedStrategy<Value> {
    let entry = prop_oneof![
        scalar(),
        Just(json!({"exists": true})),
        Just(json!({"prefix": "x"})),
        Just(json!({"anything-but": ["x"]})),
        Just(json!({"numeric": [">", 1]})),
    ];
    let list = prop::collection::vec(entry, 1..3).prop_map(Value::from).boxed();
    let step =
        prop::sample::select(vec!["a", "b", "c", "a", "b", "c", "a.b"]).prop_map(str::to_owned).boxed();
    let inner = if depth == 0 { list } else { prop_oneof![1 => list, 2 => sound_pattern(depth - 1)].boxed() };
    object(step, inner).boxed()
}

/// A value at a path, and in which element of which array it lies: as event-ruler flattens an event.
struct Field {
    path: String,
    value: Value,
    places: BTreeMap<usize, usize>,
}

fn flatten(
    value: &Value,
    path: &str,
    places: &BTreeMap<usize, usize>,
    arrays: &mut usize,
    out: &mut Vec<Field>,
) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let path = if path == "\0" { name.clone() } else { format!("{path}.{name}") };
                flatten(value, &path, places, arrays, out);
            }
        }
        Value::Array(elements) => {
            let id = *arrays;
            *arrays += 1;
            for (index, element) in elements.iter().enumerate() {
                let mut places = places.clone();
                if element.is_object() || element.is_array() {
                    places.insert(id, index);
                }
                flatten(element, path, &places, arrays, out);
            }
        }
        _ => out.push(Field { path: path.to_owned(), value: value.clone(), places: places.clone() }),
    }
}

fn accepts(entry: &Value, value: &Value) -> bool {
    match entry.as_object().and_then(|object| object.keys().next()).map(String::as_str) {
        Some("exists") => true,
        Some("prefix") => value.as_str().is_some_and(|text| text.starts_with('x')),
        Some("anything-but") => *value != json!("x"),
        Some("numeric") => value.as_f64().is_some_and(|number| number > 1.0),
        _ => match (entry.as_f64(), value.as_f64()) {
            (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
            _ => entry == value,
        },
    }
}

/// The definition: a choice of one field for each path, no two in different elements of one array. Takes time
/// exponential in the number of paths.
fn is_defined_to_match(
    wanted: &[(String, Vec<Value>)],
    fields: &[Field],
    places: &BTreeMap<usize, usize>,
) -> bool {
    let Some(((path, entries), rest)) = wanted.split_first() else { return true };
    fields.iter().filter(|field| field.path == *path).any(|field| {
        let is_consistent =
            field.places.iter().all(|(array, index)| places.get(array).is_none_or(|chosen| chosen == index));
        is_consistent && entries.iter().any(|entry| accepts(entry, &field.value)) && {
            let mut places = places.clone();
            places.extend(&field.places);
            is_defined_to_match(rest, fields, &places)
        }
    })
}

fn leaves(pattern: &Value, path: &str, out: &mut BTreeMap<String, Vec<Value>>) {
    for (name, value) in pattern.as_object().unwrap() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Array(entries) => drop(out.insert(path, entries.clone())),
            _ => leaves(value, &path, out),
        }
    }
}

fn has_dots(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            object.keys().any(|name| name.contains('.')) || object.values().any(has_dots)
        }
        Value::Array(elements) => elements.iter().any(has_dots),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        for dialect in DIALECTS {
            let _ = Pattern::parse(&text, dialect);
        }
    }

    #[test]
    fn whatever_is_read_matches_or_not(value in nearly_pattern(), document in document(), attribute in "\\PC{0,8}") {
        for dialect in DIALECTS {
            if let Ok(pattern) = Pattern::parse(&value.to_string(), dialect) {
                let _ = pattern.matches(&document);
                let _ = pattern.matches_attributes([("a", Attribute::String(&attribute)), ("b", Attribute::Number(&attribute)),
                    ("c", Attribute::StringArray(&attribute))]);
            }
        }
    }

    #[test]
    fn matching_is_as_defined(pattern in sound_pattern(2), document in document()) {
        let mut wanted = BTreeMap::new();
        leaves(&pattern, "", &mut wanted);
        let mut fields = Vec::new();
        flatten(&document, "\0", &BTreeMap::new(), &mut 0, &mut fields);
        let expected = is_defined_to_match(&wanted.into_iter().collect::<Vec<_>>(), &fields, &BTreeMap::new());
        let found = Pattern::parse(&pattern.to_string(), Dialect::EventBridge).unwrap().matches(&document);
        // Names with dots can put two arrays, or an array and an object, at one path: there `document.rs` chooses from
        // one of them only, so it may find less, never more.
        prop_assert!(found == expected || (has_dots(&document) && expected), "found {found}, expected {expected}");
    }
}

/// What would take an exponential matcher for ever.
#[test]
fn matching_is_linear() {
    let wildcard = Pattern::parse(r#"{"a":[{"wildcard":"*a*a*a*a*b"}]}"#, Dialect::EventBridge).unwrap();
    assert!(!wildcard.matches(&json!({"a": "a".repeat(1_000_000)})));
    let fields: Map<String, Value> = (0..50).map(|i| (format!("f{i}"), json!(["x"]))).collect();
    let pattern = Pattern::parse(&json!({"a": {"b": fields}}).to_string(), Dialect::EventBridge).unwrap();
    let element: Map<String, Value> = (0..49).map(|i| (format!("f{i}"), json!(["y", "x"]))).collect();
    let elements: Vec<Value> = (0..100).map(|_| json!({"b": [element.clone(), element.clone()]})).collect();
    assert!(!pattern.matches(&json!({"a": elements})));
}
