#!/usr/bin/env bash
# Runs the test, which starts a server of its own. The SDK is taken from NODE_MODULES, or installed by npm.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp package.json dead-letters.test.mjs "$work"
if [ -n "${NODE_MODULES:-}" ]; then
  ln -s "$NODE_MODULES" "$work/node_modules"
else
  npm --prefix "$work" install --no-audit --no-fund --loglevel=error
fi
node --test "$work/dead-letters.test.mjs"
