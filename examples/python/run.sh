#!/usr/bin/env bash
# Deploys the function `order` and calls it: once with an order that can be priced, once with one that cannot.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The Python of this host.
runtime=$(python3 -c 'import sys; print("python3.%d" % sys.version_info[1])')
settings=(--function-name order --runtime "$runtime" --handler order.handler --role arn:aws:iam::000000000000:role/order
  --timeout 5 --memory-size 256 --environment 'Variables={CURRENCY=EUR}')

python3 -m zipfile -c "$work/function.zip" order.py prices.json
if lambent aws lambda get-function --function-name order >/dev/null 2>&1; then
  lambent aws lambda update-function-code --function-name order --zip-file "fileb://$work/function.zip" >/dev/null
  lambent aws lambda wait function-updated-v2 --function-name order
  lambent aws lambda update-function-configuration "${settings[@]}" >/dev/null
  lambent aws lambda wait function-updated-v2 --function-name order
else
  lambent aws lambda create-function "${settings[@]}" --zip-file "fileb://$work/function.zip" >/dev/null
  lambent aws lambda wait function-active-v2 --function-name order
fi

invoke() {
  echo "$1" >"$work/event.json"
  lambent aws lambda invoke --function-name order --payload "fileb://$work/event.json" "$work/response.json" >/dev/null
  cat "$work/response.json"
  echo
}

invoke '{"order": 1, "articles": {"apple": 4, "bread": 1}}'
grep -q '"total_cents": 560' "$work/response.json"

invoke '{"order": 2, "articles": {"gold": 1}}'
grep -q '"errorType": "UnknownArticle"' "$work/response.json"
