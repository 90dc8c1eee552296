"""The documentation, run.

In README.md and below docs, blocks of `sh`, `python` and `js` are run as they stand; other languages (`console` for
transcripts, `text`, `ini`, `json`, `rust`, `toml`) are for reading only. All blocks of one language on a page are one script,
in a directory of its own, against a server of its own. Lines that belong to no block are left empty, so that whatever
fails is named with its page and line.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lambent import BINARY, REGION, ROOT, Server, clean_environment
from packages import NODE

RUN = {"sh", "python", "js"}
READ = {"console", "text", "ini", "json", "rust", "toml"}
CLIENTS = ROOT / "target/clients"
TIMEOUT_S = 240

# Blocks that are not run here, by their first line: why.
EXCLUDED = {
    "cargo run --release -- demo": "builds and runs everything; .ci/run runs it after the tests",
    "cargo xtask test": "runs this very test",
    "cargo xtask check": "runs this very test",
    "cargo install --path crates/lambent   # or use target/release/lambent": "starts a server in the foreground",
}

FOR_BEGINNERS = {"README.md", "docs/tutorial/first-function.md"}

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "examples/*/*.md")
    for path in ROOT.glob(pattern)
)


EXAMPLES = {
    "python": "python3", "node": "node", "custom-rust": "rustc", "pytest": "python3", "node-test": "node",
    "queue-worker": "python3", "windowed-counter": "python3",
}  # fmt: skip


class Block:
    """A fenced block: its language, the number of its first line of code (from 1), and its lines."""

    def __init__(self, language, line):
        self.language = language
        self.line = line
        self.lines = []

    @property
    def excluded(self):
        return bool(self.lines) and self.lines[0] in EXCLUDED


def blocks(page):
    """The fenced blocks of a page, in order."""
    found, current = [], None
    for number, line in enumerate((ROOT / page).read_text().splitlines(), start=1):
        if current is None:
            if line.startswith("```"):
                current = Block(line[3:].strip(), number + 1)
        elif line.rstrip() == "```":
            found.append(current)
            current = None
        else:
            current.lines.append(line)
    assert current is None, f"{page}:{current.line}: the block has no end"
    return found


def script(page, language):
    """All blocks of one language at their places in the page, or None."""
    chosen = [block for block in blocks(page) if block.language == language and not block.excluded]
    if not chosen:
        return None
    lines = [""] * (chosen[-1].line + len(chosen[-1].lines))
    for block in chosen:
        lines[block.line - 1 : block.line - 1 + len(block.lines)] = block.lines
    return "\n".join(lines) + "\n"


def pages_with(language):
    return [page for page in PAGES if script(page, language)]


def command_line_clients():
    """The versions of the AWS CLI on this host: {"v2": path}."""
    found = {}
    for program in (shutil.which("aws"), "/usr/bin/aws", "/usr/local/bin/aws"):
        if program and Path(program).exists():
            told = subprocess.run([program, "--version"], capture_output=True, text=True)
            version = re.match(r"aws-cli/(\d+)", told.stdout + told.stderr)
            if version:
                found.setdefault(f"v{version[1]}", program)
    return found


AWS_CLIENTS = command_line_clients()


def shell_cases():
    """Pages for beginners are run with every version of the AWS CLI that is installed, the others with the newest."""
    cases = []
    for page in pages_with("sh"):
        if "lambent aws" not in script(page, "sh"):
            cases.append(pytest.param(page, None, id=page))
        elif not AWS_CLIENTS:
            skip = pytest.mark.skip(reason="no AWS CLI is installed")
            cases.append(pytest.param(page, None, id=page, marks=skip))
        else:
            versions = sorted(AWS_CLIENTS, reverse=True)[: None if page in FOR_BEGINNERS else 1]
            cases += [pytest.param(page, version, id=f"{page}-{version}") for version in versions]
    return cases


@pytest.fixture
def place(tmp_path):
    """A server and a directory of a page's own, and the environment that `lambent env` makes."""
    with Server() as server:
        folder, programs, home = tmp_path / "work", tmp_path / "bin", tmp_path / "home"
        for directory in (folder, programs, home):
            directory.mkdir()
        yield Place(server, folder, programs, home)


class Place:
    def __init__(self, server, folder, programs, home):
        self.folder = folder
        self.programs = programs
        (programs / "lambent").symlink_to(BINARY)
        path = [programs, CLIENTS / "venv/bin", os.environ["PATH"]]
        self.environment = {
            **clean_environment(),
            "PATH": ":".join(map(str, path)),
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": str(home / "aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "REPOSITORY": str(ROOT),
            "NODE_MODULES": str(CLIENTS / "js/node_modules"),
        }

    def run(self, page, command):
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
        )
        if done.returncode != 0:
            pytest.fail(f"{page} does not do what it says:\n{done.stdout[-6000:]}", pytrace=False)


@pytest.mark.parametrize("page, version", shell_cases())
def test_shell(place, tmp_path, page, version):
    text = script(page, "sh")
    for program in ("zip", "curl", "rustc", "node"):
        if re.search(rf"^\s*{program} |\$\({program} ", text, re.MULTILINE) and not shutil.which(program):
            pytest.skip(f"{page} needs {program}")
    if version:
        (place.programs / "aws").symlink_to(AWS_CLIENTS[version])
    # A page begins with its title, so its first line is free.
    assert not text.splitlines()[0]
    trap = f"trap 'echo \"{page}:$LINENO: failed: $BASH_COMMAND\" >&2' ERR"
    path = tmp_path / page
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"set -Eeuo pipefail; {trap}{text}")
    place.run(page, ["bash", str(path)])


@pytest.mark.parametrize("page", pages_with("python"))
def test_python(place, tmp_path, page):
    """A page with tests in it is run as tests."""
    text = script(page, "python")
    path = tmp_path / (Path(page).stem.replace("-", "_") + ".py")
    path.write_text(text)
    python = str(CLIENTS / "venv/bin/python")
    as_tests = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}"] if "def test_" in text else []
    place.run(page, [python, *as_tests, str(path)])


@pytest.mark.parametrize("page", pages_with("js"))
def test_javascript(place, page):
    modules = CLIENTS / "js/node_modules"
    if NODE is None or not modules.exists():
        pytest.skip("Node.js or the AWS SDK for JavaScript is not installed")
    (place.folder / "node_modules").symlink_to(modules)
    path = place.folder / (Path(page).stem + ".mjs")
    path.write_text(script(page, "js"))
    as_tests = ["--test"] if 'from "node:test"' in path.read_text() else []
    place.run(page, ["node", *as_tests, str(path)])


@pytest.mark.skipif(not AWS_CLIENTS, reason="no AWS CLI is installed")
@pytest.mark.parametrize("example", sorted(EXAMPLES))
def test_example(place, example):
    """Twice: a script has to find its function there, too."""
    if not shutil.which(EXAMPLES[example]):
        pytest.skip(f"{EXAMPLES[example]} is not installed")
    if example == "node-test" and not (CLIENTS / "js/node_modules/@aws-sdk/client-sqs").exists():
        pytest.skip("the AWS SDK for JavaScript is not installed")
    (place.programs / "aws").symlink_to(AWS_CLIENTS[max(AWS_CLIENTS)])
    for _ in range(2):
        place.run(f"examples/{example}/run.sh", [str(ROOT / "examples" / example / "run.sh")])


def test_every_example_is_run():
    assert {path.parent.name for path in ROOT.glob("examples/*/run.sh")} == set(EXAMPLES)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_either_run_or_for_reading(page):
    for block in blocks(page):
        assert block.language in RUN | READ, f"{page}:{block.line}: {block.language or 'no language'}"


def excerpts(page):
    """What rust and toml blocks say is in a file: after a line such as `// crates/logs/src/lib.rs`."""
    for block in blocks(page):
        path, lines = None, []
        for line in [*block.lines, None]:
            named = line and re.fullmatch(r"(?://|#) ([\w./-]+/[\w.-]+\.\w+)", line)
            if (named or line is None) and path:
                yield block.line, path, "\n".join(lines).strip("\n")
            if named:
                path, lines = named[1], []
            else:
                lines.append(line)


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/dev/")])
def test_excerpts_are_what_the_files_say(page):
    for line, path, text in excerpts(page):
        assert text in (ROOT / path).read_text(), f"{page}:{line}: {path} does not have this:\n{text}"


def test_no_exclusion_is_left_over():
    first_lines = {block.lines[0] for page in PAGES for block in blocks(page) if block.lines}
    assert set(EXCLUDED) <= first_lines
