"""Deployment packages."""

import io
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import boto3

# The host's own interpreters, so that no test depends on which versions are installed.
PYTHON = f"python3.{sys.version_info.minor}"


def find_node():
    """The runtime of the host's Node.js, or None."""
    if not shutil.which("node"):
        return None
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    major = int(version.strip().lstrip("v").split(".")[0])
    return f"nodejs{major - major % 2}.x"


NODE = find_node()


def package(files, executable=()):
    """A zip of {path: text or bytes}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            # A fixed date, so that the same files are the same package.
            entry = zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            is_program = path in executable or path == "bootstrap" or path.startswith("extensions/")
            entry.external_attr = (0o100755 if is_program else 0o100644) << 16
            archive.writestr(entry, textwrap.dedent(content) if isinstance(content, str) else content)
    return buffer.getvalue()


def files_below(folder, prefix="", keep=lambda path: True):
    """{path: bytes} of the files of a directory."""
    folder = Path(folder)
    return {
        f"{prefix}{path.relative_to(folder)}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and keep(path)
    }


def boto3_files(*services):
    """The boto3 that the tests use, as a layer's files, with the models of these services."""
    site = Path(boto3.__file__).parents[1]

    def keep(path):
        parts = path.relative_to(site).parts
        return "data" not in parts or len(parts) < 4 or parts[2] in services

    files = {}
    for module in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3"):
        files |= files_below(site / module, f"python/{module}/", keep)
    files["python/six.py"] = (site / "six.py").read_bytes()
    return files


ECHO = """
    def handler(event, context):
        return event
"""

# What a function does to tell the test where it is, and to wait until the test lets it go on.
GATE = """
    import socket

    def pass_gate(address, text="here"):
        with socket.create_connection(tuple(address)) as connection:
            connection.sendall(text.encode() + b"\\n")
            return connection.makefile().readline().strip()
"""
