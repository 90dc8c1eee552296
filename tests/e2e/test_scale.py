"""Many functions: they cost disk, not start-up time."""

import base64
import http.client
import json
import time

from account import Account, at_once
from lambent import Server
from packages import ECHO, PYTHON, package

# As many as can be made in this time, since a debug build makes a few hundred a second. The benchmark has the figures.
BUDGET_S = 20
FUNCTIONS_MIN = 1_000
FUNCTIONS_MAX = 10_000
WORKERS = 8
# Generous, for a debug build on a shared machine.
START_S_MAX = 3


def create_functions(server, account):
    """Over connections of their own, without an SDK: it would take most of the time. Returns their names."""
    document = {
        "Runtime": PYTHON,
        "Handler": "index.handler",
        "Role": account.role,
        "Code": {"ZipFile": base64.b64encode(package({"index.py": ECHO})).decode()},
    }
    scope = f"Credential={account.number}/20261123/us-east-1/lambda/aws4_request"
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00",
    }
    until = time.monotonic() + BUDGET_S

    def work(worker):
        connection = http.client.HTTPConnection(*server.address, timeout=30)
        names = []
        for number in range(worker, FUNCTIONS_MAX, WORKERS):
            if time.monotonic() > until:
                break
            name = f"function-{number:05}"
            connection.request("POST", "/2015-03-31/functions", json.dumps({"FunctionName": name, **document}), headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 201, text
            names.append(name)
        connection.close()
        return names

    return sorted(name for future in at_once(WORKERS, work) for name in future.result())


def test_a_server_with_many_functions_starts_at_once(tmp_path):
    with Server("--pool-size", "0", data_dir=tmp_path) as server:
        account = Account(server)
        names = create_functions(server, account)
        assert len(names) >= FUNCTIONS_MIN
        server.kill()
    started = time.monotonic()
    with Server("--pool-size", "0", data_dir=tmp_path) as server:
        took = time.monotonic() - started
        account = Account(server, account.number)
        # The kill may have come while the last ones were being prepared; the new server goes on with that.
        account.lambda_.get_waiter("function_active_v2").wait(FunctionName=names[-1])
        assert account.result(names[-1], 1) == 1
        pages = account.lambda_.get_paginator("list_functions").paginate()
        assert [item["FunctionName"] for page in pages for item in page["Functions"]] == names
    assert took < START_S_MAX, f"{took:.2f} s with {len(names)} functions"
