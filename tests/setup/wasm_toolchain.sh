#!/usr/bin/env bash
# Finds or fetches what compiles Rust and C for wasm32 and writes it down in .louan/wasm.env, which
# mobile-ffi/web/build.sh reads. Called by setup.sh.
#
# Two routes. First rustup's own target. Where rustup cannot fetch it, Debian's rustc-web with the standard
# library's source of the same version, unpacked into .louan/wasm: installed, it would conflict with rustup.
# LOUAN_WASM_ROUTE=rustup or =debian takes that one only.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/setup/look.sh
. "$root/tests/setup/look.sh"

prefix="$root/.louan/wasm"
debs="$root/.louan/debs"
env_file="$root/.louan/wasm.env"
route=${LOUAN_WASM_ROUTE:-any}
mkdir -p "$prefix" "$debs"
rm -f "$env_file"

# Fetches packages with whatever they need that this machine has not got, and unpacks them below .louan/wasm.
unpack() {
  has apt-get || stop "there is no apt-get to fetch $* with; install them yourself and run this again"
  [ -n "${lists_are_fresh:-}" ] || as_root $APT update || echo "the package lists could not be refreshed; going on with what is there"
  lists_are_fresh=yes
  local name names
  names=$(apt-get install -s --no-install-recommends "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
  for name in $names; do
    rm -f "$debs/${name%%:*}"_*.deb
    (cd "$debs" && $APT download "$name")
    case "$name" in
    # 46,000 files of compiler source come with it; only the library is wanted.
    rust-web-src) dpkg --fsys-tarfile "$debs/${name}"_*.deb |
      tar -x -C "$prefix" --wildcards './usr/src/rustc-*/library' './usr/lib/rustlib/src/*' ;;
    *) dpkg -x "$debs/${name%%:*}"_*.deb "$prefix" ;;
    esac
    rm -f "$debs/${name%%:*}"_*.deb
  done
}

# The newest $1 that is there, as a full path: plain, with a version in its name, or unpacked here.
newest() {
  local folder found=""
  for folder in "$prefix/usr/bin" ${PATH//:/ }; do
    found=$(find "$folder" -maxdepth 1 \( -name "$1" -o -regex ".*/$1-[0-9]+" \) 2>/dev/null | sort -V | tail -n 1)
    [ -z "$found" ] || break
  done
  echo "$found"
}

write_down() { printf 'export %s=%q\n' "$@" >>"$env_file.part"; }

with_rustup() {
  has rustup && (cd "$root" && timeout 300 rustup target add wasm32-unknown-unknown) || return 1
  { [ -n "$(newest clang)" ] && [ -n "$(newest llvm-ar)" ]; } || unpack clang llvm
  write_down CC_wasm32_unknown_unknown "$(newest clang)" AR_wasm32_unknown_unknown "$(newest llvm-ar)"
  write_down LOUAN_WASM_STD "$(cd "$root" && rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib"
}

with_debian() {
  local std llvm rustc
  unpack rustc-web libstd-rust-web-dev rust-web-src
  # C is compiled with the LLVM which that rustc itself uses: one version, whatever it is this year.
  std=$(apt-cache depends libstd-rust-web-dev | grep -o 'libstd-rust-web-[0-9][0-9.]*' | head -n 1)
  llvm=$(apt-cache depends "$std" | sed -n 's/.*Depends: libllvm\([0-9]*\).*/\1/p' | head -n 1)
  has "clang-$llvm" && has "wasm-ld-$llvm" && has "llvm-ar-$llvm" || unpack "clang-$llvm" "lld-$llvm" "llvm-$llvm"
  rustc="$prefix/usr/bin/rustc"
  write_down RUSTC "$rustc" RUSTC_BOOTSTRAP 1 LOUAN_BUILD_STD -Zbuild-std=std,panic_abort
  write_down CC_wasm32_unknown_unknown "$(newest "clang-$llvm")" AR_wasm32_unknown_unknown "$(newest "llvm-ar-$llvm")"
  write_down CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER "$(newest "wasm-ld-$llvm")"
  LD_LIBRARY_PATH=$(libraries) "$rustc" --version
  write_down LOUAN_WASM_STD "$(LD_LIBRARY_PATH=$(libraries) "$rustc" --print sysroot)/lib/rustlib/src/rust/library/std"
}

libraries() { echo "$prefix"/usr/lib/*-linux-gnu; }

: >"$env_file.part"
if [ "$route" != debian ] && with_rustup; then
  echo "wasm32 with rustup's target"
elif [ "$route" != rustup ]; then
  echo "rustup has no wasm32 target to give here; taking Debian's packages"
  : >"$env_file.part"
  with_debian
else
  stop "rustup could not add the target wasm32-unknown-unknown"
fi
# Unpacked programs find their unpacked libraries; on the first route with an installed clang there are none.
if [ -d "$(libraries)" ]; then
  write_down LD_LIBRARY_PATH "$(libraries)"
fi
mv "$env_file.part" "$env_file"
