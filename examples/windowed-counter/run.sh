#!/usr/bin/env bash
# Deploys the counter and sends it visits. Needs boto3: pip install boto3.
set -euo pipefail
cd "$(dirname "$0")"
PYTHONDONTWRITEBYTECODE=1 python3 run.py
