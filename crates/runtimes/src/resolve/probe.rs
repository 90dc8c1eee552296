//! Asks an interpreter what it is, by running it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime};

use super::Language;

/// A shim that takes longer than this is no interpreter.
const PATIENCE: Duration = Duration::from_secs(10);

/// Prints the version, the real program, and the directories it uses, a line each.
const ASK_PYTHON: &str = "
import os, sys
print('%d.%d.%d' % sys.version_info[:3])
print(os.path.realpath(getattr(sys, '_base_executable', None) or sys.executable))
print(sys.base_prefix)
print(sys.base_exec_prefix)
print(os.path.dirname(os.__file__))
try:
    maps = open('/proc/self/maps').read().split()
except OSError:
    maps = []
for path in sorted({os.path.dirname(path) for path in maps if path.startswith('/') and '.so' in path}):
    print(path)
";

const ASK_NODE: &str = "
const fs = require('fs'), path = require('path');
const program = fs.realpathSync(process.execPath);
console.log(process.versions.node);
console.log(program);
console.log(path.dirname(path.dirname(program)));
let maps = '';
try { maps = fs.readFileSync('/proc/self/maps', 'utf8'); } catch {}
const files = maps.split(/\\s+/).filter((file) => file.startsWith('/') && file.includes('.so'));
for (const directory of new Set(files.map(path.dirname))) console.log(directory);
";

/// What changes when a file is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint {
    modified: Option<SystemTime>,
    size: u64,
}

impl Fingerprint {
    /// Nothing when there is no such file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        Some(Self { modified: metadata.modified().ok(), size: metadata.len() })
    }
}

/// What an interpreter said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) path: PathBuf,
    pub(super) version: String,
    pub(super) prefixes: Vec<PathBuf>,
}

impl Answer {
    pub(super) fn version_parts(&self) -> Vec<u32> {
        self.version.split('.').map_while(|part| part.parse().ok()).collect()
    }

    /// Python's minor or Node.js's major version.
    pub(super) fn version_number(&self, language: Language) -> u32 {
        language.number_of(&self.version_parts()).unwrap_or(0)
    }
}

/// Runs `program`. Nothing when it is no interpreter of the language, such as a shim for a version that is not there.
///
/// # Errors
/// When it could not be run at all, which may be different the next time.
pub(super) fn run(
    language: Language,
    program: &Path,
    variables: &[(String, String)],
) -> io::Result<Option<Answer>> {
    let mut command = Command::new(program);
    match language {
        Language::Python => command.args(["-S", "-s", "-c", ASK_PYTHON]),
        Language::Node => command.args(["-e", ASK_NODE]),
    };
    // What would change the interpreter's own behaviour is left out.
    let kept = variables.iter().filter(|(name, _)| !name.starts_with("PYTHON") && !name.starts_with("NODE_"));
    command.env_clear().envs(kept.map(|(name, value)| (name, value)));
    let answer = read_output(command)?.as_deref().and_then(parse);
    if answer.is_none() {
        tracing::debug!(program = %program.display(), "is no interpreter");
    }
    Ok(answer)
}

/// What it writes, if it succeeds.
fn read_output(mut command: Command) -> io::Result<Option<String>> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).current_dir("/");
    let mut child = command.spawn()?;
    let Some(mut output) = child.stdout.take() else { return Ok(None) };
    let (send, received) = mpsc::channel();
    let read = move || {
        let mut text = String::new();
        let whole = output.read_to_string(&mut text).map(|_| text);
        // Whoever asked may have lost patience.
        let _late = send.send(whole);
    };
    std::thread::Builder::new().name("probe".to_owned()).spawn(read)?;
    let text = received.recv_timeout(PATIENCE);
    if text.is_err() {
        // It may have ended just now; then there is nothing to kill.
        let _ended = child.kill();
    }
    let status = child.wait()?;
    Ok(text.ok().and_then(Result::ok).filter(|_| status.success()))
}

fn parse(text: &str) -> Option<Answer> {
    let mut lines = text.lines();
    let version = lines.next().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))?.to_owned();
    let path = PathBuf::from(lines.next()?);
    let mut prefixes: Vec<PathBuf> = Vec::new();
    for directory in lines.map(PathBuf::from).filter(|directory| directory.is_absolute()) {
        if !prefixes.iter().any(|prefix| directory.starts_with(prefix)) {
            prefixes.push(directory);
        }
    }
    path.is_absolute().then_some(Answer { path, version, prefixes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_inside_others_are_left_out() {
        let answer = parse("3.12.1\n/o/bin/python3.12\n/o\n/o\n/o/lib/python3.12\n/usr/lib\n").unwrap();
        assert_eq!(answer.path, Path::new("/o/bin/python3.12"));
        assert_eq!(answer.prefixes, [Path::new("/o"), Path::new("/usr/lib")]);
        assert_eq!(answer.version_number(Language::Python), 12);
    }

    #[test]
    fn other_output_is_no_answer() {
        assert_eq!(parse("pyenv: python3.9: command not found\n"), None);
        assert_eq!(parse(""), None);
        assert_eq!(parse("3.12.1\npython\n"), None);
    }
}
