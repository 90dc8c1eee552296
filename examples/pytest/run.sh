#!/usr/bin/env bash
# Runs the tests, which start a server of their own. Needs pytest and boto3: pip install pytest boto3.
set -euo pipefail
cd "$(dirname "$0")"
PYTHONDONTWRITEBYTECODE=1 python3 -m pytest -q -p no:cacheprovider --rootdir=. .
