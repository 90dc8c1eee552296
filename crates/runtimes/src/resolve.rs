//! From a runtime's name to an interpreter on the host.
//!
//! Nothing is looked for before it is asked for. An interpreter is run once to ask it what it really is (a file on
//! PATH may be a version manager's shim); the answer is kept until the file changes.

mod probe;
mod search;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use self::probe::{Answer, Fingerprint};
use self::search::{Candidate, Search};
use crate::{Kind, Runtime, RuntimeMissing};

/// Bootstraps need at least these.
const PYTHON_MINOR_MIN: u32 = 6;
const NODE_MAJOR_MIN: u32 = 16;

/// The language of an interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// Python 3.
    Python,
    /// Node.js.
    Node,
}

impl Language {
    /// The part of a version that a runtime's name fixes: Python's minor or Node.js's major version.
    fn number_of(self, version: &[u32]) -> Option<u32> {
        let index = match self {
            Self::Python => 1,
            Self::Node => 0,
        };
        version.get(index).copied()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python => "Python",
            Self::Node => "Node.js",
        })
    }
}

/// An interpreter on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// What it runs.
    pub language: Language,
    /// The program itself, with all links and shims resolved.
    pub path: PathBuf,
    /// Its exact version, such as `3.12.1` or `22.4.0`.
    pub version: String,
    /// The directories it needs besides itself: its prefix with the standard library, and those of shared
    /// libraries elsewhere. A sandbox must show them, at these very paths.
    pub prefixes: Vec<PathBuf>,
    /// Whether it is of the version that was asked for.
    pub exact: bool,
    /// What to tell the function's log and the operator when it is not.
    pub warning: Option<String>,
}

/// There is no interpreter for a runtime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The runtime cannot be run here at all.
    #[error(transparent)]
    Missing(#[from] RuntimeMissing),
    /// The runtime brings its own program, so there is nothing to resolve.
    #[error("{0} is a custom runtime: its package brings the program to run")]
    Custom(&'static str),
    /// Neither the right version nor, unless strictness forbids it, a newer one is installed.
    #[error(
        "{language} {wanted} for the runtime {runtime} is not installed on this host{tolerance}; found: {found}"
    )]
    NotInstalled {
        /// The runtime's name.
        runtime: &'static str,
        /// Its language.
        language: Language,
        /// The version it asks for, such as `3.12` or `22`.
        wanted: String,
        /// `, nor a newer version`, unless only the exact one was allowed.
        tolerance: &'static str,
        /// The versions that are installed.
        found: String,
    },
}

/// Finds interpreters on the host.
#[derive(Debug)]
pub struct Interpreters {
    search: Search,
    answers: Mutex<HashMap<(PathBuf, Fingerprint), Option<Answer>>>,
}

impl Interpreters {
    /// Will look where `variables`, the server's own environment, say: in `PATH` and in the directories of pyenv, uv,
    /// mise, asdf, nvm, fnm and volta. Looks for nothing yet.
    #[must_use]
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { search: Search::new(variables), answers: Mutex::default() }
    }

    /// The interpreter for `runtime`: of the exact version, or, unless `strict`, of the nearest newer one, with a
    /// warning. Blocks for some ten milliseconds when an interpreter has to be run.
    ///
    /// # Errors
    /// [`ResolveError`] when there is none.
    pub fn resolve(&self, runtime: &Runtime, strict: bool) -> Result<Interpreter, ResolveError> {
        runtime.ensure_runnable()?;
        let (language, wanted) = match runtime.kind {
            Kind::Python { minor } => (Language::Python, minor),
            Kind::Node { major } => (Language::Node, major),
            Kind::Custom | Kind::Missing { .. } => return Err(ResolveError::Custom(runtime.name)),
        };
        let mut candidates = self.search.candidates(language);
        // Many a path tells the version, so that not every interpreter has to be run.
        let may_do = |version| if strict { version == wanted } else { version >= wanted };
        candidates.retain(|candidate| candidate.version.is_none_or(may_do));
        let least = match language {
            Language::Python => PYTHON_MINOR_MIN,
            Language::Node => NODE_MAJOR_MIN,
        };
        let mut nearest: Option<(u32, Interpreter)> = None;
        candidates.sort_by_key(|candidate| candidate.version.unwrap_or(wanted));
        for candidate in candidates {
            let may_be_better = |version| nearest.as_ref().is_none_or(|(best, _)| version < *best);
            if !candidate.version.is_none_or(may_be_better) {
                continue;
            }
            let Some(answer) = self.ask(&candidate) else { continue };
            let version = answer.version_number(language);
            if version == wanted && version >= least {
                return Ok(answer.into_interpreter(language, None));
            }
            if version > wanted && version >= least && may_be_better(version) && !strict {
                let warning = warn(runtime.name, language, wanted, &answer);
                nearest = Some((version, answer.into_interpreter(language, Some(warning))));
            }
        }
        nearest.map(|(_, interpreter)| interpreter).ok_or_else(|| ResolveError::NotInstalled {
            runtime: runtime.name,
            language,
            wanted: version_text(language, wanted),
            tolerance: if strict { "" } else { ", nor a newer version" },
            found: self.describe_found(language),
        })
    }

    /// Every interpreter there is, the newest of each language first. Runs each of them once: for a diagnosis.
    #[must_use]
    pub fn list(&self) -> Vec<Interpreter> {
        let mut found: Vec<Interpreter> = Vec::new();
        for language in [Language::Python, Language::Node] {
            let answers =
                self.search.candidates(language).into_iter().filter_map(|candidate| self.ask(&candidate));
            let mut interpreters: Vec<_> = answers
                .map(|answer| (answer.version_parts(), answer.into_interpreter(language, None)))
                .collect();
            interpreters.sort_by(|(a, x), (b, y)| b.cmp(a).then_with(|| x.path.cmp(&y.path)));
            interpreters.dedup_by(|(_, x), (_, y)| x.path == y.path);
            found.extend(interpreters.into_iter().map(|(_, interpreter)| interpreter));
        }
        found
    }

    fn ask(&self, candidate: &Candidate) -> Option<Answer> {
        let key = (candidate.path.clone(), Fingerprint::of(&candidate.path)?);
        let known = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(answer) = known {
            return answer;
        }
        match probe::run(candidate.language, &candidate.path, self.search.variables()) {
            Ok(answer) => {
                self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(key, answer.clone());
                answer
            }
            Err(error) => {
                tracing::warn!(%error, program = %candidate.path.display(), "an interpreter cannot be run");
                None
            }
        }
    }

    fn describe_found(&self, language: Language) -> String {
        let of_language = |interpreter: &Interpreter| interpreter.language == language;
        let found: Vec<String> = self
            .list()
            .into_iter()
            .filter(of_language)
            .map(|interpreter| format!("{} ({})", interpreter.version, interpreter.path.display()))
            .collect();
        if found.is_empty() { "none".to_owned() } else { found.join(", ") }
    }
}

impl Answer {
    fn into_interpreter(self, language: Language, warning: Option<String>) -> Interpreter {
        let exact = warning.is_none();
        Interpreter {
            language,
            path: self.path,
            version: self.version,
            prefixes: self.prefixes,
            exact,
            warning,
        }
    }
}

fn warn(runtime: &str, language: Language, wanted: u32, answer: &Answer) -> String {
    let wanted = version_text(language, wanted);
    format!(
        "The runtime {runtime} asks for {language} {wanted}, which is not installed on this host; it runs on {language} \
         {} ({}) instead. Install {language} {wanted} to run the exact version.",
        answer.version,
        answer.path.display()
    )
}

fn version_text(language: Language, number: u32) -> String {
    match language {
        Language::Python => format!("3.{number}"),
        Language::Node => number.to_string(),
    }
}

#[cfg(test)]
mod tests;
