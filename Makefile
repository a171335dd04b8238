# Every command of the checkout. `make` alone lists them; each installs first what it needs and says so.

# --- what the commands run; the rest of this file does not change with the project ----------------------

# Always of the whole workspace: a package built alone takes other features, and with them another build of half of
# what it needs.
DEMO_BUILD = cargo build --locked --workspace --bin louan --bin demo
DEMO_CMD   = "$${CARGO_TARGET_DIR:-target}/debug/demo" $(ARGS)
REPLAY_CMD = cargo build --locked --workspace --bin replay && "$${CARGO_TARGET_DIR:-target}/debug/replay"
# The same, as built with the tests.
REPLAY_BIN = "$${CARGO_TARGET_DIR:-target}/debug/replay"
SOAK_CMD   = cargo build --locked --release --workspace --bin soak && "$${CARGO_TARGET_DIR:-target}/release/soak" $(ARGS)
BENCH_CMD  = cargo build --locked --release --workspace --bin louan --bin bench && $${CARGO_TARGET_DIR:-target}/release/bench $(ARGS)
FUZZ_CMD   = tests/setup/fuzz.sh 600 ingest && tests/setup/fuzz.sh 60 frame
MUTANTS_CMD = tests/setup/mutants.py
ABUSE_CMD = tests/setup/abuse.py $(ARGS)
SHORES_CMD = tests/bindings/shores.sh
# Needs target/debug/louan, which the tests have built, and the Python bindings, which the shores have.
OUTSIDE_CMD = node --test $(sort $(wildcard tests/outside/*.test.mjs))
DEB_CMD = cargo build --locked --release --workspace --bin louan && server/packaging/deb.sh

# What `make test` needs of tests/setup/setup.sh, and its steps in order: `heading | command`.
TEST_NEEDS = test browser shores outside
define TEST_STEPS
format          | cargo fmt --all --check
clippy          | cargo clippy --locked --workspace --all-targets -- -D warnings
docs            | RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps
tests           | cargo test --locked --workspace --no-fail-fast
the count       | python3 -m unittest discover -s tests/replay
the runner      | python3 -m unittest discover -s tests/setup
the replay      | $(REPLAY_BIN)
the page        | node --test tests/e2e/demo.test.mjs tests/e2e/scripts.test.mjs
the shores      | $(SHORES_CMD)
outsiders       | $(OUTSIDE_CMD)
endef

WASM_PROBE = mobile-ffi/web/build.sh --manifest tests/e2e/probe/Cargo.toml --package louan-wasm-probe --out target/wasm-probe

# --------------------------------------------------------------------------------------------------------

SHELL = bash
.SHELLFLAGS = -euo pipefail -c
.DEFAULT_GOAL = help
MAKEFLAGS += --no-print-directory
export TEST_STEPS
export PATH := $(HOME)/.cargo/bin:$(PATH)
SETUP = tests/setup/setup.sh

.PHONY: help demo page test replay soak bench fuzz mutants abuse lint wasm probe bindings shores outside deb setup

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: ## show the main job on real inspections; ARGS="--help" lists what can be chosen
	@$(SETUP) rust
	@echo "demo: building server and phones; on a new machine this takes some minutes, later seconds"
	$(DEMO_BUILD)
	@$(DEMO_CMD)

page: ## the demonstration's pages in headless Chromium, at a desk and on a phone
	@$(SETUP) rust browser
	$(DEMO_BUILD)
	node --test tests/e2e/demo.test.mjs tests/e2e/scripts.test.mjs

test: ## every check and every test; the last line is the count
	@$(SETUP) $(TEST_NEEDS)
	@python3 tests/setup/tally.py

replay: ## all real inspections through phones and server, compared with an independent count
	@$(SETUP) rust test
	$(REPLAY_CMD)

soak: ## 10,000 simulated worlds with faults, 100,000 power cuts a side, kills; ARGS="story 7" tells one
	@$(SETUP) rust
	$(SOAK_CMD)

bench: ## what named workloads cost in bytes, trips, CPU, memory and disk; ARGS="--fast-link" is quick
	@$(SETUP) rust
	$(BENCH_CMD)

fuzz: ## attack ingest for ten minutes and the wire for one
	@$(SETUP) fuzz
	$(FUZZ_CMD)

mutants: ## take the gate's rules and the edges' guards away one at a time: a test has to notice each
	@$(SETUP) rust
	$(MUTANTS_CMD)

abuse: ## the abuse cases P, X, A and R: what proves each, and what still waits; ARGS="P08 A12" chooses
	@$(SETUP) rust browser outside
	$(ABUSE_CMD)

lint: ## format, clippy and docs, as `make test` checks them
	@$(SETUP) test
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps

wasm: ## the phone's core for browsers, to target/wasm
	@$(SETUP) wasm
	mobile-ffi/web/build.sh

probe: ## the parts of that core on their own, proven in headless Chromium
	@$(SETUP) wasm browser
	$(WASM_PROBE)
	node --test tests/e2e/probe.test.mjs

bindings: ## Python, Kotlin and Swift bindings, to target/bindings
	@$(SETUP) rust
	tests/setup/bindings.sh

shores: ## one story from Python, from Kotlin and in a browser, each against a running server
	@$(SETUP) shores
	$(SHORES_CMD)

outside: ## programs that know nothing of this project: an upload client, Pillow, GDAL, LibreOffice, attackers' tools
	@$(SETUP) outside
	tests/setup/bindings.sh python
	$(OUTSIDE_CMD)

deb: ## the server as a Debian package, to target/deb
	@$(SETUP) rust
	$(DEB_CMD)

setup: ## install everything any of these needs
	@$(SETUP) rust test shores outside fuzz
