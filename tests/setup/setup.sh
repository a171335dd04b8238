#!/usr/bin/env bash
# Installs what this checkout's commands need and a fresh Debian or Ubuntu machine has not got.
#
#   tests/setup/setup.sh NEED…      NEED is one or more of: rust test wasm browser kotlin shores outside fuzz
#
# First it looks, then it says what it will do, then it does it, one numbered step after the other. Where
# everything is there it does nothing and is done in a second. Packages go to the system (as root, or with
# sudo); everything else stays in the checkout's ignored folders.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export PATH="$HOME/.cargo/bin:$PATH"
log="$root/target/setup.log"

# shellcheck source=tests/setup/look.sh
. "$here/look.sh"

NEEDS="rust test wasm browser kotlin shores outside fuzz"
packages=()
titles=()
actions=()

package() { packages+=("$@"); }

# Two needs may ask for the same step; it is done once.
step() {
  local planned
  for planned in "${actions[@]}"; do [ "$planned" != "$2" ] || return 0; done
  titles+=("$1")
  actions+=("$2")
}

# --- what each need asks for ----------------------------------------------------------------------------

need_rust() {
  has cargo || stop "cargo is not there. Install Rust with rustup (https://rustup.rs), then run this again."
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
  found=$(cd "$root" && rustc --version | cut -d' ' -f2)
  at_least "$found" "$wanted" || stop "Rust $wanted or newer is needed, this is $found. Run: rustup update stable"
  has cc || package build-essential
  has pkg-config || package pkg-config
}

need_test() {
  need_rust
  has python3 || package python3
  has zstd || package zstd
  # Watermarks are lettered in Chinese, and so are pages; a machine without such a font shows boxes.
  [ -f "$CJK_FONT" ] || package fonts-noto-cjk
  has git || package git
  (cd "$root" && cargo fmt --version && cargo clippy --version) >/dev/null 2>&1 ||
    step "rustfmt and clippy, with rustup" "rustup component add rustfmt clippy"
}

need_wasm() {
  need_rust
  wasm_ready || step "compilers for wasm32 (rustup's; else Debian's, about 170 MB, kept in .louan)" "bash '$here/wasm_toolchain.sh'"
}

need_node() {
  if has node && has npm; then
    at_least "$(node --version)" 18 || stop "Node 18 or newer is needed, this is $(node --version). Take it from nodejs.org."
  else
    package nodejs npm
  fi
  node_modules_ready || step "the npm packages of package-lock.json" "bash '$here/npm_ci.sh'"
}

need_browser() {
  need_node
  [ -f "$CJK_FONT" ] || package fonts-noto-cjk
  [ -n "$(find_chromium)" ] || package chromium
}

need_kotlin() {
  need_node
  has python3 || package python3
  at_least "$(java_version)" 17 || package default-jdk-headless
  [ -f "$JNA_JAR" ] || package libjna-java
  [ -n "$(find_jna_folder)" ] || package libjna-jni
}

need_shores() {
  need_wasm
  need_browser
  need_kotlin
  # Plays the key store of the phone that runs in Python.
  has openssl || package openssl
}

need_outside() {
  need_rust
  need_node
  has openssl || package openssl
  # The footprints come compressed.
  has zstd || package zstd
  has python3 || package python3
  # What opens the maps has no older build. One that is still to be installed is looked at when it is there.
  ! has python3 || at_least "$(python3 --version | cut -d' ' -f2)" 3.11 ||
    stop "Python 3.11 or newer is needed (Debian 12, Ubuntu 24.04), this is $(python3 --version)."
  python3 -c 'import ensurepip, venv' 2>/dev/null || package python3-venv
  python_ready || step "GDAL, Pillow, sqlmap and schemathesis for Python (about 300 MB), kept in .louan" "bash '$here/python_packages.sh'"
  calc_ready || package libreoffice-calc-nogui
  has slowhttptest || package slowhttptest
}

need_fuzz() {
  need_rust
  has c++ || package build-essential
  [ -x "$root/.louan/bin/cargo-fuzz" ] || has cargo-fuzz ||
    step "cargo-fuzz, compiled into .louan" "cargo install --quiet --locked --root '$root/.louan' --version 0.13.2 cargo-fuzz"
}

# --- doing it -------------------------------------------------------------------------------------------

# Replaces "packages" by two steps, refresh and install, or stops with the command a person can give.
plan_packages() {
  [ ${#packages[@]} -gt 0 ] || return 0
  local names
  names=$(printf '%s\n' "${packages[@]}" | sort -u | tr '\n' ' ')
  has apt-get || stop "These are missing and there is no apt-get to install them with: $names"
  if [ "$(id -u)" != 0 ] && ! has sudo; then
    stop "These packages are missing: $names. As root, run: apt-get update && apt-get install -y $names"
  fi
  titles=("the system's package lists (apt-get update)" "system packages: $names(apt-get install)" "${titles[@]}")
  actions=("as_root $APT update" "as_root env DEBIAN_FRONTEND=noninteractive $APT install -y --no-install-recommends $names" "${actions[@]}")
  if [ "$(id -u)" != 0 ]; then
    echo "setup: sudo may ask for your password, to install: $names"
    sudo -v
  fi
}

# Runs one step with its output in the log, showing the seconds as they pass.
perform() {
  local number=$1 title=$2 action=$3 began=$SECONDS shown=0 job
  echo "[$number/${#titles[@]}] $title …"
  (eval "$action") >>"$log" 2>&1 </dev/null &
  job=$!
  while kill -0 "$job" 2>/dev/null; do
    sleep 0.2
    if [ -t 1 ]; then
      printf '\r      %d s ' $((SECONDS - began))
    elif [ $((SECONDS - began - shown)) -ge 15 ]; then
      shown=$((SECONDS - began))
      echo "      $shown s, still at it"
    fi
  done
  if ! wait "$job"; then
    [ -t 1 ] && echo
    echo "setup: this step failed; nothing later was tried. Its last words, of $log:" >&2
    tail -n 15 "$log" >&2
    exit 1
  fi
  [ -t 1 ] && printf '\r'
  echo "[$number/${#titles[@]}] done in $((SECONDS - began)) s"
}

[ $# -gt 0 ] || stop "say what for: $NEEDS"
for need in "$@"; do
  case "$need" in
  rust | test | wasm | browser | kotlin | shores | outside | fuzz) "need_$need" ;;
  *) stop "there is no need called '$need'; there are: $NEEDS" ;;
  esac
done
plan_packages

if [ ${#titles[@]} -eq 0 ]; then
  echo "setup ($*): everything is there"
  exit 0
fi
mkdir -p "$root/target"
: >"$log"
echo "setup ($*): ${#titles[@]} things are missing; this installs them, once"
for i in "${!titles[@]}"; do
  perform $((i + 1)) "${titles[$i]}" "${actions[$i]}"
done
echo "setup ($*): ready"
