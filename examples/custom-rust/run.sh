#!/usr/bin/env bash
# Compiles the bootstrap, deploys it as the function `words`, and calls it.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rustc --edition 2024 -O -C strip=symbols -o "$work/bootstrap" bootstrap.rs
# Keeps the permission to execute it.
(cd "$work" && python3 -m zipfile -c function.zip bootstrap)
if lambent aws lambda get-function --function-name words >/dev/null 2>&1; then
  lambent aws lambda update-function-code --function-name words --zip-file "fileb://$work/function.zip" >/dev/null
  lambent aws lambda wait function-updated-v2 --function-name words
else
  lambent aws lambda create-function --function-name words --runtime provided.al2023 --handler any \
    --architectures "$(uname -m | sed s/aarch64/arm64/)" \
    --role arn:aws:iam::000000000000:role/words --zip-file "fileb://$work/function.zip" >/dev/null
  lambent aws lambda wait function-active-v2 --function-name words
fi

echo '"the quick brown fox"' >"$work/event.json"
lambent aws lambda invoke --function-name words --payload "fileb://$work/event.json" "$work/response.json" >/dev/null
cat "$work/response.json"
echo
grep -q '{"words":4}' "$work/response.json"

# An event that is no text: the function reports an error.
echo '12' >"$work/event.json"
lambent aws lambda invoke --function-name words --payload "fileb://$work/event.json" "$work/response.json" >/dev/null
cat "$work/response.json"
echo
grep -q '"errorType":"NotAText"' "$work/response.json"
