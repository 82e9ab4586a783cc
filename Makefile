# staunch: two commands are enough. `make drill` runs the main job with nothing configured; `make test` runs every test.
SHELL := /bin/bash
PREFIX ?= /usr/local
SCENARIO ?= openai-and-postgres
TESTS ?=
RUNS ?= 1000
SEED ?= 1

.PHONY: help drill build test test-heavy bench simulate bench-steps bench-http format lint install uninstall clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

drill: ## Install what is needed, build, and run a whole incident in a sandbox
	@.ci/packages build
	swift build --product staunch
	.build/debug/staunch drill run $(SCENARIO) --auto

build: ## Build the release binaries
	@.ci/packages build
	swift build -c release --product staunch
	swift build -c release --product staunch-receiver

test: ## Install the test services, build, and run every test (or make test TESTS='JournalTests HTTPTests')
	@.ci/packages test
	@.ci/test $(TESTS)

test-heavy: ## As test, and what takes long: a kill at every crash point, 2,000 simulated playbooks, Kubernetes (.ci/kubernetes)
	@STAUNCH_CRASH_STEP=1 STAUNCH_SIMULATION_SEEDS=2000 STAUNCH_HEAVY=1 $(MAKE) test \
	  TESTS='$(or $(TESTS),EndToEndTests ExecutionTests CredentialProvidersTests SecretStoresTests ConsumersTests)'

bench: build ## Measure against the peers (ratios in one run; see docs/BENCHMARKS.md)
	@.ci/packages test
	PATH="$(CURDIR)/.build/test-tools/bin:$$PATH" Benchmarks/run

simulate: ## Break everything at every moment: make simulate RUNS=20000 SEED=1 (docs/SIMULATION.md)
	@.ci/packages build
	swift run --package-path Benchmarks -c release simulation $(RUNS) $(SEED)

bench-steps: ## Measure the step engine against raw SQLite commits (docs/BENCHMARKS.md)
	@.ci/packages build
	swift build --package-path Benchmarks -c release --product step-engine
	directory=$$(mktemp -d) && trap 'rm -rf "$$directory"' EXIT && Benchmarks/.build/release/step-engine "$$directory"

bench-http: ## Ask about 1,000 credentials beside curl --parallel (docs/BENCHMARKS.md)
	@.ci/packages test
	Benchmarks/credential-questions/run

format: ## Format the sources
	swift format -i -r Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources

lint: ## Check format and style; changes nothing
	swift format lint --strict -r Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources

install: ## Build and install: make install PREFIX=/usr/local
	@.ci/packages build
	swift build -c release --static-swift-stdlib --product staunch
	swift build -c release --static-swift-stdlib --product staunch-receiver
	for program in staunch staunch-receiver; do \
	  objcopy --only-keep-debug .build/release/$$program .build/$$program.debug && \
	  install -D -m 0644 .build/$$program.debug "$(DESTDIR)$(PREFIX)/lib/debug/$$program.debug" && \
	  install -D -m 0755 .build/release/$$program "$(DESTDIR)$(PREFIX)/bin/$$program" && \
	  objcopy --strip-all --add-gnu-debuglink=.build/$$program.debug "$(DESTDIR)$(PREFIX)/bin/$$program" || exit 1; \
	done
	for shell in bash zsh fish; do .build/release/staunch --generate-completion-script $$shell > .build/completion.$$shell; done
	install -D -m 0644 .build/completion.bash "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/staunch"
	install -D -m 0644 .build/completion.zsh "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_staunch"
	install -D -m 0644 .build/completion.fish "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/staunch.fish"
	@echo "installed $(DESTDIR)$(PREFIX)/bin/staunch; next: staunch init"

uninstall: ## Remove what install put there
	rm -f "$(DESTDIR)$(PREFIX)/bin/staunch" "$(DESTDIR)$(PREFIX)/bin/staunch-receiver" \
	  "$(DESTDIR)$(PREFIX)/lib/debug/staunch.debug" "$(DESTDIR)$(PREFIX)/lib/debug/staunch-receiver.debug" \
	  "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/staunch" \
	  "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_staunch" "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/staunch.fish"

clean: ## Remove build products
	rm -rf .build
