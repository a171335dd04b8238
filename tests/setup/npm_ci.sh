#!/usr/bin/env bash
# Installs exactly what package-lock.json names and leaves a mark, so that the next look is instant.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
npm ci --no-audit --no-fund
sha256sum <package-lock.json >node_modules/.louan-lock
