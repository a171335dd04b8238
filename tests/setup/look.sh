# Sourced, not run: how this machine is looked at. Needs $root; changes nothing.
# shellcheck shell=bash

JNA_JAR=${JNA_JAR:-/usr/share/java/jna.jar}
CJK_FONT=/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

APT="apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

has() { command -v "$1" >/dev/null 2>&1; }

stop() {
  echo "setup: $*" >&2
  exit 1
}

# Whether version $1 is at least $2, part by part; a leading v and anything after the numbers do not count.
at_least() {
  local found=${1#v}
  [ "$(printf '%s\n%s\n' "$2" "${found%%[!0-9.]*}" | sort -V | head -n 1)" = "$2" ]
}

# The version of the java that would run, 0 where there is none that runs.
java_version() {
  local line
  line=$(java -version 2>&1 | grep -m 1 version) || line='version "0"'
  line=${line#*\"}
  echo "${line%%\"*}"
}

# A Chromium that can be driven, or nothing. CHROMIUM names one explicitly.
find_chromium() {
  local name
  for name in ${CHROMIUM:+"$CHROMIUM"} chromium google-chrome-stable google-chrome chromium-browser; do
    # Ubuntu's chromium-browser may be a script that only says which snap to install.
    if has "$name" && "$name" --version >/dev/null 2>&1; then
      command -v "$name"
      return
    fi
  done
}

# The folder with JNA's native half, or nothing.
find_jna_folder() {
  local file
  for file in /usr/lib/*/jni/libjnidispatch.system.so /usr/lib/*/jni/libjnidispatch.so; do
    if [ -f "$file" ]; then
      dirname "$file"
      return
    fi
  done
}

# Whether node_modules is what package-lock.json says; npm_ci.sh leaves the mark.
node_modules_ready() {
  local mark="$root/node_modules/.louan-lock"
  [ -f "$mark" ] && [ "$(cat "$mark")" = "$(sha256sum <"$root/package-lock.json")" ]
}

# Whether the wasm toolchain that .louan/wasm.env names is still where it was.
wasm_ready() {
  [ -f "$root/.louan/wasm.env" ] && (
    # shellcheck disable=SC1091
    . "$root/.louan/wasm.env"
    has "$CC_wasm32_unknown_unknown" && has "$AR_wasm32_unknown_unknown" && [ -e "$LOUAN_WASM_STD" ]
  )
}

# Whether the Python packages of tests/outside are those of its list; python_packages.sh leaves the mark.
python_ready() {
  [ -x "$root/.louan/python/bin/python" ] &&
    [ "$(sha256sum <"$root/tests/outside/requirements.txt")" = "$(cat "$root/.louan/python/louan-lock" 2>/dev/null)" ]
}

# Whether there is a LibreOffice that opens spreadsheets: its parts are packages of their own.
calc_ready() {
  has soffice && [ -f "$(dirname "$(readlink -f "$(command -v soffice)")")/libsclo.so" ]
}
