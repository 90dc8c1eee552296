"""The AWS SDK for JavaScript: its tests are in js/."""

import shutil
import subprocess
from pathlib import Path

import pytest

from account import Account
from lambent import ROOT, clean_environment
from packages import NODE

CLIENTS = ROOT / "target/clients/js"


def test_the_aws_sdk_for_javascript(open_server):
    if NODE is None:
        pytest.skip("Node.js is not installed")
    if not (CLIENTS / "node_modules/@aws-sdk/client-lambda").exists():
        pytest.skip("the AWS SDK for JavaScript is not installed")
    account = Account(open_server)
    # ES modules are looked for beside the file that asks for them.
    tests = [shutil.copy(test, CLIENTS) for test in sorted(Path(__file__).parent.glob("js/*.test.mjs"))]
    environment = {
        **clean_environment(),
        "AWS_ENDPOINT_URL": open_server.endpoint,
        "AWS_ACCESS_KEY_ID": account.number,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAMBENT_E2E_NODE": NODE,
    }
    done = subprocess.run(
        ["node", "--test", *tests], cwd=CLIENTS, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    count = sum(Path(test).read_text().count("\ntest(") for test in tests)
    assert f"# pass {count}\n" in done.stdout and "# skipped 0" in done.stdout, done.stdout
