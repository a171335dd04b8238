#!/usr/bin/env bash
# Builds the native library of mobile-ffi and writes its bindings, each to target/bindings/<language>.
#
#   tests/setup/bindings.sh [LANGUAGE…]      python kotlin swift; all three if none is named
#
# Swift is generated only: where there is no Swift compiler, nothing here claims that it compiles.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ $# -gt 0 ] || set -- python kotlin swift
export PATH="$HOME/.cargo/bin:$PATH"
target=${CARGO_TARGET_DIR:-target}

# One build for the library and for the tool that reads it.
cargo build --locked --package louan-mobile-ffi --features bindgen
library=$(find "$target/debug" -maxdepth 1 -name 'liblouan_mobile_ffi.so' -o -maxdepth 1 -name 'liblouan_mobile_ffi.dylib')
[ -n "$library" ] || {
  echo "bindings.sh: the build left no native library in $target/debug" >&2
  exit 1
}
for language in "$@"; do
  out="target/bindings/$language"
  rm -rf "$out"
  "$target/debug/uniffi-bindgen" generate "$library" --language "$language" --out-dir "$out" --no-format
  # Python loads the library from beside its module.
  [ "$language" != python ] || cp "$library" "$out/"
  echo "$out"
done
