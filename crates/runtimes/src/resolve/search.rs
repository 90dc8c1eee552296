//! Where interpreters may be.

use std::path::{Path, PathBuf};

use super::Language;

/// The newest minor version of Python 3 that is looked for by name.
const PYTHON_MINOR_MAX: u32 = 24;

/// A file that may be an interpreter.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) language: Language,
    pub(super) path: PathBuf,
    /// What its path says: Python's minor or Node.js's major version.
    pub(super) version: Option<u32>,
}

/// The server's environment, as far as it says where to look.
#[derive(Debug)]
pub(super) struct Search {
    variables: Vec<(String, String)>,
}

impl Search {
    pub(super) fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { variables: variables.into_iter().collect() }
    }

    /// What an interpreter is asked with: shims need it to find what they stand for.
    pub(super) fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// All candidates, the preferred ones first: PATH by exact name, version managers, PATH by general name. Version
    /// managers' shims count only where we do not know the manager: they take long to find one of the same files.
    pub(super) fn candidates(&self, language: Language) -> Vec<Candidate> {
        let path = self.path();
        let mut found = Vec::new();
        let on_path = |name: &str, version| {
            let files: Vec<Candidate> = path
                .iter()
                .map(|directory| directory.join(name))
                .filter(|file| file.is_file())
                .map(|path| Candidate { language, path, version })
                .collect();
            files
        };
        let managed = self.managed(language);
        let are_shims_known = !managed.is_empty();
        match language {
            Language::Python => {
                let named = (0..=PYTHON_MINOR_MAX)
                    .flat_map(|minor| on_path(&format!("python3.{minor}"), Some(minor)));
                found.extend(named);
                found.extend(managed);
                found.extend(["python3", "python"].iter().flat_map(|name| on_path(name, None)));
            }
            Language::Node => {
                found.extend(managed);
                found.extend(["node", "nodejs"].iter().flat_map(|name| on_path(name, None)));
            }
        }
        let is_shim =
            |file: &Candidate| file.path.parent().is_some_and(|directory| directory.ends_with("shims"));
        found.retain(|candidate| !are_shims_known || !is_shim(candidate));
        found
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// PATH, and the usual directories after it: a service is often started with a poor one.
    fn path(&self) -> Vec<PathBuf> {
        let usual = ["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin", "/bin"];
        let mut directories: Vec<PathBuf> = Vec::new();
        for directory in self.variable("PATH").unwrap_or_default().split(':').chain(usual) {
            let directory = PathBuf::from(directory);
            if directory.is_absolute() && !directories.contains(&directory) {
                directories.push(directory);
            }
        }
        directories
    }

    /// The directory of a version manager: where its variable says, or below the home directory.
    fn root(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let home = || self.variable("HOME").map(|home| Path::new(home).join(below_home));
        self.variable(variable).map(PathBuf::from).or_else(home)
    }

    /// What version managers have installed, the newest first.
    fn managed(&self, language: Language) -> Vec<Candidate> {
        let uv = self.root("XDG_DATA_HOME", ".local/share").map(|data| data.join("uv/python"));
        let uv = self.variable("UV_PYTHON_INSTALL_DIR").map(PathBuf::from).or(uv);
        let mise = self.root("MISE_DATA_DIR", ".local/share/mise");
        let asdf = self.root("ASDF_DATA_DIR", ".asdf");
        let below = |root: Option<PathBuf>, path: &str| root.map(|root| root.join(path));
        // Each: the directory that holds one directory per version, and where the program is in that.
        let places: Vec<(Option<PathBuf>, &str)> = match language {
            Language::Python => vec![
                (below(self.root("PYENV_ROOT", ".pyenv"), "versions"), "bin/python3"),
                (uv, "bin/python3"),
                (below(mise, "installs/python"), "bin/python3"),
                (below(asdf, "installs/python"), "bin/python3"),
            ],
            Language::Node => vec![
                (below(self.root("NVM_DIR", ".nvm"), "versions/node"), "bin/node"),
                (below(self.root("FNM_DIR", ".local/share/fnm"), "node-versions"), "installation/bin/node"),
                (below(self.root("FNM_DIR", ".fnm"), "node-versions"), "installation/bin/node"),
                (below(mise, "installs/node"), "bin/node"),
                (below(asdf, "installs/nodejs"), "bin/node"),
                (below(self.root("VOLTA_HOME", ".volta"), "tools/image/node"), "bin/node"),
                (below(self.root("N_PREFIX", ".n"), "n/versions/node"), "bin/node"),
            ],
        };
        let mut found = Vec::new();
        for (directory, program) in places {
            let Some(entries) = directory.and_then(|directory| std::fs::read_dir(directory).ok()) else {
                continue;
            };
            for entry in entries.flatten() {
                let Some(version) = entry.file_name().to_str().and_then(|name| parse_version(language, name))
                else {
                    continue;
                };
                let path = entry.path().join(program);
                if path.is_file() {
                    let number = language.number_of(&version);
                    found.push((version, Candidate { language, path, version: number }));
                }
            }
        }
        found.sort_by(|(a, _), (b, _)| b.cmp(a));
        found.into_iter().map(|(_, candidate)| candidate).collect()
    }
}

/// The version in a directory's name: `3.12.1`, `v22.4.0`, `cpython-3.12.1-linux-x86_64-gnu`. Directories that name
/// something else (`pypy3.10`, `lts`) or Python 2 give nothing.
fn parse_version(language: Language, name: &str) -> Option<[u32; 3]> {
    let name = name.strip_prefix("cpython-").unwrap_or(name);
    let name = name.strip_prefix('v').unwrap_or(name);
    let number = name.split(['-', '+']).next()?;
    let mut parts = number.split('.').map(|part| part.parse().ok());
    let version = [parts.next()??, parts.next().unwrap_or(Some(0))?, parts.next().unwrap_or(Some(0))?];
    (language == Language::Node || version[0] == 3).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_directory_names() {
        assert_eq!(parse_version(Language::Python, "3.12.1"), Some([3, 12, 1]));
        assert_eq!(parse_version(Language::Python, "cpython-3.13.0-linux-x86_64-gnu"), Some([3, 13, 0]));
        assert_eq!(parse_version(Language::Python, "2.7.18"), None);
        assert_eq!(parse_version(Language::Python, "pypy3.10-7.3"), None);
        assert_eq!(parse_version(Language::Node, "v22.4.0"), Some([22, 4, 0]));
        assert_eq!(parse_version(Language::Node, "20"), Some([20, 0, 0]));
        assert_eq!(parse_version(Language::Node, "lts"), None);
    }
}
