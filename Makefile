# What people do with the project. Each target sets up what it needs: a machine with Rust, Python 3, gcc and make is enough.
# The tests of the report's page look at it in Chromium; on Debian they install it if they may.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
CONFIG_ENV ?= dev
# Python tools live in .venv, six times, because they do not agree on the versions of what they need.
TESTING := .venv/testing
DEPLOYING := .venv/deploying
DEPLOYED := .venv/deployed
CHECKING := .venv/checking
BROWSING := .venv/browsing
PLANNING := .venv/terraform
FUNCTIONS := $(notdir $(patsubst %/Cargo.toml,%,$(wildcard functions/*/Cargo.toml)))
RELEASE := cargo build --release --locked $(addprefix --bin ,$(FUNCTIONS))
# `make test` deploys the binaries that it has anyway: the release build takes as long as half of its other steps.
PROFILE ?= release
# Always the whole workspace with its tests: for another set of features the SageMaker SDK would be compiled again (minutes).
BUILD := cargo build --workspace --all-targets --locked
# One binary alone, with the features of that build (--examples, of which there are none, takes those of the tests): what either made is taken by the other.
ONLY := cargo build --workspace --examples --locked --bin
# `make invoke` waits here for the function's calls; empty: on a free port.
PORT ?=

# For which Lambda architecture `make archives` builds: arm64 or x86-64.
ARCHITECTURE ?= arm64
RELEASE_FILES := target/release-files

.PHONY: help demo test fmt clippy doc unit python test-deployed invoke check-policy docs build deploy bench deny advisories archives release-files clean

help: ## what there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | awk -F '\t' '{printf "  make %-13s %s\n", $$1, $$2}'

demo: ## one week of a simulated team, with the guard and without, in about two minutes after the build
	@echo "Building (the first time takes about five minutes on two cores: the AWS SDK is large) …"
	$(ONLY) demo
	@target/debug/demo

test: ## what CI runs (with deny): fmt, clippy, docs, unit, adapter, end-to-end, simulator against boto3 and moto, template lint, the report's page in Chromium, the deployed stack
	@started=$$SECONDS; \
	for step in fmt clippy doc unit python test-deployed; do \
		echo "== $$step ($$((SECONDS - started)) s)"; \
		$(MAKE) --no-print-directory $$step PROFILE=debug; \
	done; \
	echo "== all passed ($$((SECONDS - started)) s)"

fmt:
	cargo fmt --all --check

clippy:
	cargo clippy --workspace --all-targets --locked -- -D warnings

# --examples (there are none) takes the features that clippy took, those of the tests: without it the SDK would be checked once more (minutes).
doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --lib --bins --examples --locked

unit:
	$(BUILD)
	rm -rf target/asked && mkdir -p target/asked
	COST_GUARD_ASKED="$(abspath target/asked)" cargo test --workspace --locked

# The pages that Chromium looks at were written by `unit`.
python: $(TESTING)/installed $(DEPLOYING)/installed $(CHECKING)/installed $(BROWSING)/installed $(PLANNING)/installed
	$(TESTING)/bin/python -m pytest -q tests/conformance tests/notebook-idle-agent tests/template
	$(BROWSING)/bin/python -m pytest -q tests/page

test-deployed: $(DEPLOYED)/installed ## the template and the release binaries (PROFILE=debug: those of the other tests) on ministack: every trigger fires, mails arrive
	$(if $(filter release,$(PROFILE)),$(RELEASE))
	$(BUILD)
	COST_GUARD_BINARIES=$(abspath target/$(PROFILE)) $(DEPLOYED)/bin/python -m pytest -q tests/deployed

invoke: $(DEPLOYING)/installed ## FN=notebook-stopper EVENT=events/schedule.json [POLICY=…]: the real binary under cargo lambda, against the simulated account
	@case "$(FN)" in */*|.*|"") false;; *) test -f "functions/$(FN)/Cargo.toml";; esac || { echo "FN is '$(FN)': write make invoke FN=<one of: $$(ls functions | tr '\n' ' ')> EVENT=events/<file>.json"; exit 1; }
	@test -n "$(EVENT)" -a -f "$(EVENT)" || { echo "EVENT is '$(EVENT)': write make invoke FN=$(FN) EVENT=<one of: $$(ls events/*.json | tr '\n' ' ')>"; exit 1; }
	$(BUILD)
	@PATH="$(abspath $(DEPLOYING))/bin:$$PATH" PORT=$(PORT) tests/invoke.sh "$(FN)" "$(EVENT)" "$(or $(POLICY),tests/end-to-end/estates/ml-team-report.toml)"

check-policy: ## POLICY=<file>: the policy's errors with their lines, or what it does
	@test -n "$(POLICY)" || { echo "POLICY is not set: write make check-policy POLICY=infra/policy.toml"; exit 1; }
	@test -x target/debug/cost-guard || echo "Building the checker (a few minutes, once) …"
	@$(ONLY) cost-guard
	@target/debug/cost-guard check-policy "$(POLICY)"

docs: $(TESTING)/installed ## what is made of the code: docs/rules.md, policy-reference.md, policy.schema.json, cost-report.schema.json, events.schema.json, break-even.md, permissions.md, scan-permissions.json, parameters.md, infra/terraform, and README's table of the rules
	$(ONLY) cost-guard
	target/debug/cost-guard rules-manual > docs/rules.md.new
	mv docs/rules.md.new docs/rules.md
	target/debug/cost-guard policy-reference > docs/policy-reference.md.new
	mv docs/policy-reference.md.new docs/policy-reference.md
	target/debug/cost-guard policy-schema > docs/policy.schema.json.new
	mv docs/policy.schema.json.new docs/policy.schema.json
	target/debug/cost-guard report-schema > docs/cost-report.schema.json.new
	mv docs/cost-report.schema.json.new docs/cost-report.schema.json
	target/debug/cost-guard event-schema > docs/events.schema.json.new
	mv docs/events.schema.json.new docs/events.schema.json
	target/debug/cost-guard break-even > docs/break-even.md.new
	mv docs/break-even.md.new docs/break-even.md
	target/debug/cost-guard break-even --charts docs/images
	$(TESTING)/bin/python tests/template/rules_table.py
	$(TESTING)/bin/python tests/template/permissions.py > docs/permissions.md.new
	mv docs/permissions.md.new docs/permissions.md
	$(TESTING)/bin/python tests/template/permissions.py --scan > docs/scan-permissions.json.new
	mv docs/scan-permissions.json.new docs/scan-permissions.json
	$(TESTING)/bin/python tests/template/parameters.py > docs/parameters.md.new
	mv docs/parameters.md.new docs/parameters.md
	$(TESTING)/bin/python infra/terraform.py

# One call makes all binaries, so that as many are linked at a time as there are cores. SAM calls for one after the other and finds them made.
build: $(DEPLOYING)/installed ## release binaries for Lambda (arm64), by SAM and cargo lambda
	rustup target add aarch64-unknown-linux-gnu
	PATH="$(abspath $(DEPLOYING))/bin:$$PATH" cargo lambda build --release --arm64 $(addprefix --bin ,$(FUNCTIONS))
	PATH="$(abspath $(DEPLOYING))/bin:$$PATH" SAM_CLI_TELEMETRY=0 sam build -t infra/template.yaml

deploy: $(DEPLOYING)/installed ## CONFIG_ENV=prod or dev: into your AWS account, by SAM; asks for what it needs
	@$(DEPLOYING)/bin/python infra/environments.py "$(CONFIG_ENV)"
	@$(MAKE) --no-print-directory build
	PATH="$(abspath $(DEPLOYING))/bin:$$PATH" SAM_CLI_TELEMETRY=0 sam deploy --guided --config-file $(abspath infra/samconfig.toml) --config-env $(CONFIG_ENV)

bench: ## calls, seconds, CPU and memory, as medians and ratios (release builds first: ten minutes on two cores)
	$(RELEASE)
	cargo build --release --locked -p benchmark -p cost-guard
	target/release/benchmark

deny: .tools/bin/cargo-deny ## licences, sources and doubles of the dependencies
	.tools/bin/cargo-deny check bans licenses sources

advisories: .tools/bin/cargo-deny ## known vulnerabilities of the dependencies, by the RustSec database
	.tools/bin/cargo-deny check advisories

# `cargo auditable` writes the list of dependencies into each binary.
archives: $(DEPLOYING)/installed ## ARCHITECTURE=arm64 or x86-64: a zip of each function for Lambda
	PATH="$(abspath $(DEPLOYING))/bin:$$PATH" cargo auditable lambda build --release --locked --$(ARCHITECTURE) --output-format zip $(addprefix --bin ,$(FUNCTIONS))
	mkdir -p $(RELEASE_FILES)
	for function in $(FUNCTIONS); do cp "target/lambda/$$function/bootstrap.zip" "$(RELEASE_FILES)/$$function-$(ARCHITECTURE).zip"; done

# What a release has beside the archives and the command line: the template for them, SBOMs, notes and checksums.
release-files:
	mkdir -p $(RELEASE_FILES)
	$(PYTHON) infra/release.py $(RELEASE_FILES)
	cargo cyclonedx --format json --override-filename sbom
	for function in $(FUNCTIONS); do mv "functions/$$function/sbom.json" "$(RELEASE_FILES)/$$function.cdx.json"; done
	mv shared/cli/sbom.json $(RELEASE_FILES)/cost-guard.cdx.json
	find . -name sbom.json -not -path './target/*' -delete
	cd $(RELEASE_FILES) && sha256sum $$(ls | grep -v SHA256SUMS) > SHA256SUMS

.tools/bin/cargo-deny:
	@echo "Compiling cargo-deny (some minutes, once) …"
	cargo install --root .tools --locked cargo-deny@0.20.2

$(TESTING)/installed: $(wildcard tests/requirements.txt $(addsuffix /requirements.txt,tests/conformance tests/notebook-idle-agent tests/template))
	@echo "Setting up the Python tools for tests …"
	$(call environment,$(TESTING),tests/requirements.txt)

$(BROWSING)/installed: tests/page/requirements.txt
	@echo "Setting up Playwright and axe …"
	$(call environment,$(BROWSING),tests/page/requirements.txt)

$(DEPLOYED)/installed: tests/deployed/requirements.txt
	@echo "Setting up ministack …"
	$(call environment,$(DEPLOYED),tests/deployed/requirements.txt)

$(DEPLOYING)/installed: infra/requirements.txt
	@echo "Setting up cargo-lambda and the SAM CLI …"
	$(call environment,$(DEPLOYING),infra/requirements.txt)

$(CHECKING)/installed: tests/template/checkov-requirements.txt
	@echo "Setting up checkov …"
	$(call environment,$(CHECKING),tests/template/checkov-requirements.txt)

$(PLANNING)/installed: tests/template/terraform-requirements.txt
	@echo "Setting up Terraform …"
	$(call environment,$(PLANNING),tests/template/terraform-requirements.txt)

define environment
@$(PYTHON) -m venv $(1) || { echo "$(PYTHON) -m venv failed: install Python's venv module (Debian: apt install python3-venv)"; exit 1; }
@$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --requirement $(2)
@touch $(1)/installed
endef

clean: ## everything that was built
	rm -rf target .venv .tools .aws-sam
