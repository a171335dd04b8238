#!/usr/bin/env bash
# One story on every shore: builds the server, the native library with its bindings and the browsers' core, then
# tells the story of case.json to each against a running server. What it needs, `tests/setup/setup.sh shores` installs.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="$HOME/.cargo/bin:$PATH"
tests/setup/bindings.sh
mobile-ffi/web/build.sh --quick --out target/wasm-quick
LOUAN_WASM="$PWD/target/wasm-quick" node --test tests/bindings/bindings.test.mjs
