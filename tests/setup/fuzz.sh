#!/usr/bin/env bash
# Fuzzes every target of tests/fuzz, each for some seconds, and says how many found nothing.
#
#   tests/setup/fuzz.sh [SECONDS [TARGET…]]      60 seconds and all targets if nothing is said
#
# What made a target fall is kept in tests/fuzz/artifacts/<target>, what reached something new in
# tests/fuzz/corpus/<target>; a target that can make inputs to begin with writes them there first.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH="$PWD/.louan/bin:$HOME/.cargo/bin:$PATH"
seconds=${1:-60}
[ $# -eq 0 ] || shift

# The sanitizer wants a nightly compiler; where there is none, the stable one is told to behave like it.
if rustup run nightly rustc --version >/dev/null 2>&1; then
  export RUSTUP_TOOLCHAIN=nightly
else
  export RUSTC_BOOTSTRAP=1
fi
[ $# -gt 0 ] || mapfile -t targets < <(cargo fuzz list --fuzz-dir tests/fuzz)
[ $# -eq 0 ] || targets=("$@")

# What is fuzzed are the versions that the workspace is built with.
cp Cargo.lock tests/fuzz/Cargo.lock

passed=0 failed=0
for target in "${targets[@]}"; do
  echo "fuzzing $target for $seconds s …"
  # A change has at most 64 KiB; the longest inputs are longer. Without being told, the fuzzer never makes one
  # longer than what it began with.
  if LOUAN_SEEDS="$PWD/tests/fuzz/corpus/$target" \
    cargo fuzz run --fuzz-dir tests/fuzz "$target" -- -max_total_time="$seconds" -rss_limit_mb=1024 -max_len=70000 -print_final_stats=1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
