//! The runtime identifiers of the Lambda API.

/// What a runtime needs on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Python 3 of this minor version.
    Python {
        /// The 11 of 3.11.
        minor: u32,
    },
    /// Node.js of this major version.
    Node {
        /// The 22 of 22.x.
        major: u32,
    },
    /// The function brings its own `bootstrap`.
    Custom,
    /// Known to AWS, but it cannot be run here.
    Missing {
        /// What it is for.
        language: &'static str,
    },
}

/// A runtime that the API knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runtime {
    /// Its identifier, such as `python3.13`.
    pub name: &'static str,
    /// What it needs.
    pub kind: Kind,
    /// Whether AWS has deprecated it (state of July 2026): it no longer lets functions be created with it.
    pub deprecated: bool,
}

/// The runtime exists on AWS, but not here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "The runtime {name} cannot be run here: Lambent runs Python and Node.js functions, and any other language as a \
     custom runtime (provided.al2023) whose package brings a bootstrap; {language} has none yet."
)]
pub struct RuntimeMissing {
    name: &'static str,
    language: &'static str,
}

impl Runtime {
    /// The runtime of this identifier.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        RUNTIMES.iter().find(|runtime| runtime.name == name)
    }

    /// Every identifier of the API, as it lists them (Lambda API reference, `Runtime`).
    #[must_use]
    pub fn all() -> &'static [Self] {
        RUNTIMES
    }

    /// Makes sure that functions of this runtime can be run here at all, whatever is installed.
    ///
    /// # Errors
    /// [`RuntimeMissing`] when they cannot.
    pub fn ensure_runnable(&self) -> Result<(), RuntimeMissing> {
        match self.kind {
            Kind::Missing { language } => Err(RuntimeMissing { name: self.name, language }),
            Kind::Python { .. } | Kind::Node { .. } | Kind::Custom => Ok(()),
        }
    }
}

const fn runtime(name: &'static str, kind: Kind, deprecated: bool) -> Runtime {
    Runtime { name, kind, deprecated }
}

const fn python(name: &'static str, minor: u32, deprecated: bool) -> Runtime {
    runtime(name, Kind::Python { minor }, deprecated)
}

const fn node(name: &'static str, major: u32, deprecated: bool) -> Runtime {
    runtime(name, Kind::Node { major }, deprecated)
}

const fn missing(name: &'static str, language: &'static str, deprecated: bool) -> Runtime {
    runtime(name, Kind::Missing { language }, deprecated)
}

/// AWS Lambda developer guide, "Lambda runtimes"; the older ones from the API's enumeration.
const RUNTIMES: &[Runtime] = &[
    missing("nodejs", "Node.js 0.10", true),
    missing("nodejs4.3", "Node.js 4", true),
    missing("nodejs4.3-edge", "Node.js 4", true),
    missing("nodejs6.10", "Node.js 6", true),
    missing("nodejs8.10", "Node.js 8", true),
    node("nodejs10.x", 10, true),
    node("nodejs12.x", 12, true),
    node("nodejs14.x", 14, true),
    node("nodejs16.x", 16, true),
    node("nodejs18.x", 18, true),
    node("nodejs20.x", 20, true),
    node("nodejs22.x", 22, false),
    node("nodejs24.x", 24, false),
    node("nodejs26.x", 26, false),
    missing("python2.7", "Python 2", true),
    python("python3.6", 6, true),
    python("python3.7", 7, true),
    python("python3.8", 8, true),
    python("python3.9", 9, true),
    python("python3.10", 10, false),
    python("python3.11", 11, false),
    python("python3.12", 12, false),
    python("python3.13", 13, false),
    python("python3.14", 14, false),
    python("python3.15", 15, false),
    runtime("provided", Kind::Custom, true),
    runtime("provided.al2", Kind::Custom, false),
    runtime("provided.al2023", Kind::Custom, false),
    missing("java8", "Java", true),
    missing("java8.al2", "Java", false),
    missing("java8.al2023", "Java", false),
    missing("java11", "Java", false),
    missing("java11.al2023", "Java", false),
    missing("java17", "Java", false),
    missing("java17.al2023", "Java", false),
    missing("java21", "Java", false),
    missing("java25", "Java", false),
    missing("dotnetcore1.0", ".NET", true),
    missing("dotnetcore2.0", ".NET", true),
    missing("dotnetcore2.1", ".NET", true),
    missing("dotnetcore3.1", ".NET", true),
    missing("dotnet6", ".NET", true),
    missing("dotnet8", ".NET", false),
    missing("dotnet10", ".NET", false),
    missing("ruby2.5", "Ruby", true),
    missing("ruby2.7", "Ruby", true),
    missing("ruby3.2", "Ruby", true),
    missing("ruby3.3", "Ruby", false),
    missing("ruby3.4", "Ruby", false),
    missing("ruby4.0", "Ruby", false),
    missing("go1.x", "Go's managed runtime", true),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_say_what_they_need() {
        assert_eq!(Runtime::find("python3.12").unwrap().kind, Kind::Python { minor: 12 });
        assert_eq!(Runtime::find("nodejs22.x").unwrap().kind, Kind::Node { major: 22 });
        assert_eq!(Runtime::find("provided.al2023").unwrap().kind, Kind::Custom);
        assert!(Runtime::find("provided.al2023").unwrap().ensure_runnable().is_ok());
        assert!(Runtime::find("python4").is_none());
        assert!(Runtime::find("python3.7").unwrap().deprecated);
    }

    #[test]
    fn what_cannot_be_run_here_says_so() {
        let error = Runtime::find("java21").unwrap().ensure_runnable().unwrap_err();
        assert!(error.to_string().starts_with("The runtime java21 cannot be run here"), "{error}");
    }

    #[test]
    fn no_identifier_is_listed_twice() {
        let names: std::collections::HashSet<_> = Runtime::all().iter().map(|runtime| runtime.name).collect();
        assert_eq!(names.len(), Runtime::all().len());
    }
}
