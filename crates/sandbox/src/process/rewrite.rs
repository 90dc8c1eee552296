//! AWS's paths in variables, turned into the directories that stand for them here.

use std::path::Path;

/// The variables that hold paths or lists of them. Others may hold `/opt` for reasons of their own.
const PATH_VARIABLES: [&str; 10] = [
    "AWS_LAMBDA_EXEC_WRAPPER",
    "GEM_PATH",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "LD_LIBRARY_PATH",
    "NODE_PATH",
    "PATH",
    "PWD",
    "PYTHONPATH",
    "RUBYLIB",
];

/// Where AWS's directories are.
#[derive(Debug)]
pub(super) struct Directories<'a> {
    pub(super) task: &'a Path,
    pub(super) runtime: &'a Path,
    pub(super) opt: &'a Path,
}

impl Directories<'_> {
    /// `value` of variable `name` with AWS's directories replaced.
    pub(super) fn rewrite(&self, name: &str, value: &str) -> String {
        if !PATH_VARIABLES.contains(&name) {
            return value.to_owned();
        }
        value.split(':').map(|path| self.rewrite_path(path)).collect::<Vec<_>>().join(":")
    }

    fn rewrite_path(&self, path: &str) -> String {
        for (aws, here) in [("/var/task", self.task), ("/var/runtime", self.runtime), ("/opt", self.opt)] {
            if let Some(rest) = path.strip_prefix(aws)
                && (rest.is_empty() || rest.starts_with('/'))
            {
                return format!("{}{rest}", here.display());
            }
        }
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_directories_of_path_variables_are_replaced() {
        let directories =
            Directories { task: Path::new("/code"), runtime: Path::new("/rt"), opt: Path::new("/layers") };
        let rewrite = |name, value| directories.rewrite(name, value);
        assert_eq!(rewrite("LAMBDA_TASK_ROOT", "/var/task"), "/code");
        assert_eq!(rewrite("PATH", "/usr/bin:/opt/bin:/optional"), "/usr/bin:/layers/bin:/optional");
        assert_eq!(
            rewrite("NODE_PATH", "/opt/nodejs/node_modules:/var/runtime"),
            "/layers/nodejs/node_modules:/rt"
        );
        assert_eq!(rewrite("MY_PREFIX", "/opt/x"), "/opt/x");
    }
}
