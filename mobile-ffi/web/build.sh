#!/usr/bin/env bash
# Compiles the phone's core for browsers: Rust to wasm32, then the JavaScript around it.
#
#   mobile-ffi/web/build.sh [--quick] [--manifest Cargo.toml] [--package louan-web] [--out target/wasm]
#
# --quick is for tests: the same code, compiled in a fraction of the time to a file several times the size. Paths are from the root of the checkout. The result is <package>.js and <package>_bg.wasm, with - as _, for a
# module worker; beside them the scripts of mobile-ffi/web/js, which import them from there. The toolchain is the
# one `tests/setup/setup.sh wasm` has written down. Build folder: target/wasm-build, apart from the native one.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
manifest=Cargo.toml
package=louan-web
out=target/wasm
# Small before fast: the page waits for the download. Set here and not in a manifest, so that the native release
# profile stays as it is.
lto=fat opt=s units=1
while [ $# -gt 0 ]; do
  case "$1" in
  --quick)
    lto=off opt=1 units=16
    shift
    continue
    ;;
  --manifest) manifest=$2 ;;
  --package) package=$2 ;;
  --out) out=$2 ;;
  *) echo "build.sh: unknown argument $1" >&2 && exit 2 ;;
  esac
  shift 2
done
[ -f .louan/wasm.env ] || {
  echo "build.sh: no toolchain for wasm32 yet; run: tests/setup/setup.sh wasm" >&2
  exit 1
}

build=target/wasm-build
# The tool that writes the JavaScript runs here, so the native compiler builds it.
CARGO_TARGET_DIR="$build/bind" cargo build --locked --quiet --release --manifest-path mobile-ffi/web/bind/Cargo.toml

# shellcheck disable=SC1091
(
  . .louan/wasm.env
  export CARGO_PROFILE_RELEASE_LTO=$lto CARGO_PROFILE_RELEASE_OPT_LEVEL=$opt CARGO_PROFILE_RELEASE_CODEGEN_UNITS=$units
  export CARGO_PROFILE_RELEASE_PANIC=abort CARGO_PROFILE_RELEASE_DEBUG=false
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS='--cfg getrandom_backend="wasm_js"'
  # shellcheck disable=SC2086
  CARGO_TARGET_DIR="$build" cargo build --locked --release ${LOUAN_BUILD_STD:-} --target wasm32-unknown-unknown \
    --manifest-path "$manifest" --package "$package"
)

name=${package//-/_}
mkdir -p "$out"
"$build/bind/release/louan-web-bind" "$build/wasm32-unknown-unknown/release/$name.wasm" "$out"
# The linker lets a missing C function through as an import from "env", and then no browser loads the module.
if missing=$(grep -c 'from "env"' "$out/$name.js"); then
  echo "build.sh: $missing C functions are missing in $name.wasm; is the feature wasm-bindgen of sqlite-wasm-rs on?" >&2
  exit 1
fi
[ "$package" != louan-web ] || cp mobile-ffi/web/js/*.js "$out/"
echo "$out/${name}_bg.wasm: $(wc -c <"$out/${name}_bg.wasm") bytes, $(gzip -9 -c "$out/${name}_bg.wasm" | wc -c) as gzip"
