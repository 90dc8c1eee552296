//! Generates the `api-*` crates from the public API models (botocore's `service-2.json`).
//!
//! `models/<service>/model.json` is a model without its prose; `overlay.toml` beside it says what differs and which
//! operations are served. The generated trait has just these operations, so that a list that promises more than
//! the handlers keep does not compile.

mod emit;
mod model;
mod names;
mod overlay;
mod pattern;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;

pub use model::{Model, trim};
pub use overlay::Overlay;

/// A service's model with its overlay.
#[derive(Debug)]
pub struct Source {
    /// The folder's name: the crate is `api-<name>`.
    pub name: String,
    /// The model.
    pub model: Model,
    /// What differs.
    pub overlay: Overlay,
}

/// Reads all models under `root/models`, in order of their names.
///
/// # Errors
/// When a file is missing or malformed.
pub fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut names: Vec<String> = fs::read_dir(root.join("models"))?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names.into_iter().map(|name| source(root, name)).collect()
}

fn source(root: &Path, name: String) -> Result<Source> {
    let folder = root.join("models").join(&name);
    let read = |file: &str| {
        let path = folder.join(file);
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let mut model: Model =
        serde_json::from_str(&read("model.json")?).with_context(|| format!("{name}: model.json"))?;
    let overlay: Overlay =
        toml::from_str(&read("overlay.toml")?).with_context(|| format!("{name}: overlay.toml"))?;
    for (place, header) in &overlay.headers {
        add_header(&mut model, place, header).with_context(|| format!("{name}: overlay.toml: {place}"))?;
    }
    Ok(Source { name, model, overlay })
}

fn add_header(model: &mut Model, place: &str, header: &str) -> Result<()> {
    let (shape, member) = place.split_once('.').context("is not of the form Shape.Member")?;
    ensure!(model.shapes.contains_key("String"), "the model has no shape String");
    let shape = model.shapes.get_mut(shape).context("the model has no such shape")?;
    let reference = json!({ "shape": "String", "location": "header", "locationName": header });
    ensure!(shape.members.insert(member.to_owned(), reference).is_none(), "the model has this member");
    Ok(())
}

/// The generated files of a service by their path below the repository's root, not yet formatted.
///
/// # Errors
/// When the model has something that cannot be generated, such as a pattern that does not compile.
pub fn generate(source: &Source) -> Result<BTreeMap<String, String>> {
    let folder = format!("crates/api-{}/src", source.name);
    let generated = emit::Emitter::new(source)?.emit()?;
    Ok(generated.into_iter().map(|(file, text)| (format!("{folder}/{file}"), text)).collect())
}
