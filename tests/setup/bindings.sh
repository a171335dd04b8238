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

# With the whole workspace and one small test in the choice, dependencies get the features they have for
# `cargo test`, and nothing is compiled a second time.
cargo build --locked --workspace --lib --bin louan --test native
library=$(find "$target/debug" -maxdepth 1 -name 'liblouan_mobile_ffi.so' -o -maxdepth 1 -name 'liblouan_mobile_ffi.dylib')
[ -n "$library" ] || {
  echo "bindings.sh: the build left no native library in $target/debug" >&2
  exit 1
}
CARGO_TARGET_DIR="$target/bind" cargo build --locked --manifest-path mobile-ffi/bind/Cargo.toml
for language in "$@"; do
  out="target/bindings/$language"
  rm -rf "$out"
  # The Python modules name each other as neighbours in a package, and load the library from beside them.
  [ "$language" != python ] || out="$out/louan"
  "$target/bind/debug/louan-mobile-bind" "$language" "$library" "$out"
  [ "$language" != python ] || cp "$library" "$out/"
  echo "$out"
done
