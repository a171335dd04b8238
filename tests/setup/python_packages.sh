#!/usr/bin/env bash
# Installs exactly what tests/outside/requirements.txt names, apart from the system's Python, and leaves a mark.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
rm -rf .louan/python
python3 -m venv .louan/python
.louan/python/bin/pip install --quiet --disable-pip-version-check --only-binary :all: -r tests/outside/requirements.txt
sha256sum <tests/outside/requirements.txt >.louan/python/louan-lock
