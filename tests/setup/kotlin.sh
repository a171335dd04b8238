#!/usr/bin/env bash
# Compiles a Kotlin program together with the bindings UniFFI generated and runs it on the JVM.
#
#   tests/setup/kotlin.sh BINDINGS LIBRARY PROGRAM.kt [ARGUMENT…]
#
#   BINDINGS    folder with the generated *.kt (uniffi-bindgen generate --language kotlin --out-dir BINDINGS)
#   LIBRARY     the native library they call, lib<name>.so
#   PROGRAM.kt  has a top-level `fun main(…)`; it may use kotlin.test and coroutines. A failed assertion throws,
#               and this ends with the program's own exit code
#
# The compiler and its jars are npm's kotlin-compiler, JNA is the system's (`tests/setup/setup.sh kotlin`).
# What was compiled is kept in target/kotlin and used again while nothing that went into it has changed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/setup/look.sh
. "$root/tests/setup/look.sh"

[ $# -ge 3 ] || {
  sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}
bindings=$1 library=$2 program=$3
shift 3
for input in "$bindings" "$library" "$program"; do
  [ -e "$input" ] || stop "$input is not there; nothing was compiled"
done

kotlin="$root/node_modules/kotlin-compiler"
jni=$(find_jna_folder)
[ -d "$kotlin" ] && [ -f "$JNA_JAR" ] && [ -n "$jni" ] || stop "no Kotlin yet; run: tests/setup/setup.sh kotlin"
jars="$kotlin/lib/kotlin-test.jar:$kotlin/lib/kotlinx-coroutines-core-jvm.jar:$JNA_JAR"

name=$(basename "$program" .kt)
jar="$root/target/kotlin/$name.jar"
mapfile -t sources < <(find "$bindings" -name '*.kt' | sort)
[ ${#sources[@]} -gt 0 ] || stop "there is no .kt in $bindings"
sources+=("$program")
state=$(cat "${sources[@]}" "$kotlin/build.txt" | sha256sum)
if [ ! -f "$jar" ] || [ "$(cat "$jar.state" 2>/dev/null)" != "$state" ]; then
  mkdir -p "$(dirname "$jar")"
  echo "compiling $name.kt and the bindings …"
  bash "$kotlin/bin/kotlinc" -nowarn -no-reflect -jvm-target 17 -cp "$jars" -d "$jar" "${sources[@]}"
  echo "$state" >"$jar.state"
fi

# A file Name.kt in a package p has its main in p.NameKt.
package=$(sed -n 's/^package \([A-Za-z0-9_.]*\).*/\1./p' "$program" | head -n 1)
exec java -ea -Djna.boot.library.path="$jni" -Djna.library.path="$(cd "$(dirname "$library")" && pwd)" \
  -cp "$jar:$kotlin/lib/kotlin-stdlib.jar:$jars" "$package${name^}Kt" "$@"
