# Everything a person or a CI does with this tree. `make run` and `make test` need nothing
# beforehand but make, bash and a network.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
# Where rustup puts cargo when scripts/setup has just installed it.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

BINARY := target/release/eunomia-pipeline
# Without make's job server, which is not open to it.
CARGO := MAKEFLAGS= cargo
# Arguments for `make run`, as in: make run ARGS='--set receivers.ebpf.filter.pid_tree=[42]'
ARGS ?=
# How many inputs each fuzz target is run on.
RUNS ?= 500

.PHONY: help build run setup test compiled check fuzz bench peers test-peers

help: ## Lists what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

build: ## Installs what compiling lacks and builds target/release/eunomia-pipeline
	@scripts/setup build
	@$(CARGO) build --release --package eunomia-pipeline --target-dir target

run: build ## Builds and runs the default pipeline, with ARGS
	@exec $(BINARY) --config pipeline.yaml $(ARGS)

setup:
	@scripts/setup test

test: setup ## Installs, builds and passes every test, kernel machines included
	@# Linking the program takes minutes of one core; the checks and the tests have the other one.
	@$(MAKE) --jobs=2 --output-sync=line compiled build
	@$(MAKE) fuzz
	EUNOMIA_BIN=$(CURDIR)/$(BINARY) $(CARGO) test --workspace --no-fail-fast

compiled: check
	@$(CARGO) test --workspace --no-run --quiet

check: ## Formatting, lints and documentation, without running anything
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	scripts/check-files
	$(CARGO) clippy --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' $(CARGO) doc --workspace --no-deps --quiet

fuzz: ## Feeds every encoder RUNS arbitrary batches, and has others read what comes out
	@scripts/fuzz $(RUNS)

bench: ## Measures, as root, and writes docs/benchmarks.md
	@scripts/setup build
	@scripts/bench

peers: ## Builds the servers that test-peers sends to, into a cache outside the tree (half an hour)
	@scripts/setup peers
	@scripts/fetch-peers

test-peers: setup build ## Tests against real servers: Collector, Prometheus, InfluxDB, ...
	EUNOMIA_BIN=$(CURDIR)/$(BINARY) $(CARGO) test --workspace --test 'peer*' --test examples --no-fail-fast -- --ignored
