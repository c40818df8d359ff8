# Calls: `make` alone says what there is.

# A person's own HOME, GOFLAGS and so on apply; these three choose where a host runs. Two hosts can run side by side with different ones.
# PORT=8065 (pages), UDP_PORT=8443 (media), DATA=.run/dev (database, uploads, logs)
export DATA PORT UDP_PORT

# Which server: HOST=10.3.0 or 6.6.1, built from its module, or MATTERMOST=DIR, an unpacked release. From the command line only: shells set a HOST of their own.
SERVER :=
ifeq ($(origin HOST),command line)
SERVER += -host '$(HOST)'
TESTED := $(HOST)
endif
ifeq ($(origin MATTERMOST),command line)
SERVER += -mattermost '$(MATTERMOST)'
TESTED := release
endif

LINT_VERSION := 2.15.0
LINT := .tools/golangci-lint-$(LINT_VERSION)/golangci-lint
RUN := .tools/host-run
VIEW := .tools/testview
TIMES := $(CURDIR)/.tools/times
FUZZ_TIME ?= 10s

.DEFAULT_GOAL := help
.PHONY: help run watch test check unit e2e pictures bench bench-quick dist vulns reproduce cleanroom fuzz glare clean FORCE

help: ## show this list
	@echo "make run [HOST=10.3.0 or 6.6.1] [MATTERMOST=DIR] [PORT=8065] [UDP_PORT=8443] [DATA=.run/dev]"
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | while IFS='	' read -r name what; do printf '  make %-11s %s\n' "$$name" "$$what"; done

run: $(RUN) ## a real Mattermost server with the plugin, people and channels, until Ctrl-C
	@exec $(RUN) -root . $(SERVER)

watch: $(RUN) ## put each change of plugin and page into the host that `make run` started, within seconds
	@exec $(RUN) -root . $(SERVER) -watch

# While the linters work, what the end-to-end tests need is got and built in the background; the tests themselves have the machine to themselves.
test: $(RUN) $(VIEW) ## everything that proves it: check, unit tests, fuzz targets and end-to-end tests, these against both servers
	@rm -f $(TIMES)
	@WITH=$$PPID scripts/prepare start $(if $(TESTED),,10.3.0 6.6.1)
	@$(MAKE) --no-print-directory check || { scripts/prepare stop; exit 1; }
	@scripts/prepare wait
	@CALLS_TIMES=$(TIMES) $(MAKE) --no-print-directory unit
	@echo "== media: no packet lost, no allocation for one"
	@$(MAKE) --no-print-directory bench-quick QUICK='-target calls'
	@$(MAKE) --no-print-directory fuzz
	@echo "== bundle: the same bytes when it is built from nothing in another place"
	@scripts/reproduce once
ifeq ($(TESTED),)
	@echo "== end-to-end tests: Mattermost 10.3.0 and 6.6.1"
	@CALLS_TIMES=$(TIMES) scripts/both
else
	@CALLS_TIMES=$(TIMES) $(MAKE) --no-print-directory e2e
endif
	@$(VIEW) -slowest $(TIMES)

check: $(LINT) ## format, vet and lint, Go and TypeScript
	@echo "== check: gofmt"
	@wrong=$$(scripts/files | grep -z '\.go$$' | xargs -0 gofmt -l); [ -z "$$wrong" ] || { echo "gofmt -w is needed for:"; echo "$$wrong"; exit 1; }
	@echo "== check: go vet"
	@go vet ./... && go vet -tags plainudp ./media && cd host && go vet ./...
	@echo "== check: golangci-lint"
	@$(LINT) run ./... && $(LINT) run --build-tags plainudp ./media/... && cd host && ../$(LINT) run --config ../.golangci.yml ./...
	@scripts/npm-ci webapp
	@echo "== check: bundles for every platform"
	@QUICK=true scripts/dist >/dev/null
	@node scripts/bundles.mjs
	@echo "== check: TypeScript"
	@npm --prefix webapp run --silent check
	@scripts/npm-ci host/shell
	@npm --prefix host/shell run --silent check

unit: $(VIEW) ## unit tests, Go with the race detector, and TypeScript
	@echo "== unit tests: Go"
	@race=-race; scripts/need cc || { [ "$${CI:-}" != true ] || exit 1; race=; echo "without a C compiler: not looking for data races"; }; \
		go test $$race -json $$(go list ./... | grep -v '/e2e') 2>&1 | $(VIEW)
	@echo "== unit tests: media on the sockets of other systems"
	@go test -tags plainudp -json ./media 2>&1 | $(VIEW)
	@cd host && go test -json ./... 2>&1 | ../$(VIEW)
	@scripts/npm-ci webapp
	@echo "== unit tests: TypeScript"
	@npm --prefix webapp test --silent -- --reporter=default --reporter=../scripts/times-vitest.mjs
	@echo "== web bundle: size"
	@npm --prefix webapp run --silent build

e2e: $(RUN) $(VIEW) ## a host of its own, with a Go client and with real browsers
	@scripts/e2e prepare
	@echo "== end-to-end tests: Mattermost $(or $(TESTED),10.3.0)"
	@TIMES_PART=$(TESTED) PORT=0 UDP_PORT=0 DATA=$${E2E_DATA:-.run/e2e$(addprefix -,$(TESTED))} $(RUN) -root . $(SERVER) -fresh -exec 'scripts/e2e $(BROWSERS)'

pictures: $(RUN) ## the pictures in docs/, taken on a host of their own
	@scripts/need chromium emoji
	@scripts/npm-ci e2e/browser
	@PORT=0 UDP_PORT=0 DATA=.run/pictures $(RUN) -root . -fresh -exec 'scripts/pictures'

bench: ## how much it carries, beside other forwarders: half an hour, and this machine for itself alone
	@go run ./bench all

bench-quick: ## forwarding in three minutes without the others; fails when the engine loses a packet or allocates for one
	@go run ./bench quick $(QUICK)

dist: ## the plugin bundles for Linux, macOS and FreeBSD, with checksums and a list of what is in them
	@scripts/dist

reproduce: ## build the bundle twice, in different places and from nothing, and compare
	@scripts/reproduce twice

vulns: ## look for known vulnerabilities in what the plugin is made of
	@scripts/vulns

cleanroom: ## what a newcomer does, from an empty directory and home, as root and as an ordinary user (needs root; half an hour and more)
	@scripts/cleanroom

fuzz: ## each decoder's fuzz target for FUZZ_TIME (10s)
	@echo "== fuzz targets, $(FUZZ_TIME) each"
	@scripts/fuzz $(FUZZ_TIME)

glare: ## offers that meet, over real connections, 1000 times for each generation of clients; five minutes
	@go test ./actors -run OffersThatMeet -glare 1000 -parallel 16 -timeout 40m -v

clean: ## remove all that was built and all hosts' data
	@scripts/clean

# Go's own cache knows best whether these are up to date.
$(RUN): FORCE
	@command -v go >/dev/null || { echo "go was not found: install Go 1.26 or newer (go.dev/dl)"; exit 1; }
	@cd host && go build -o ../$(RUN) ./run

$(VIEW): FORCE
	@cd host && go build -o ../$(VIEW) ./testview

$(LINT):
	@echo "building golangci-lint $(LINT_VERSION), once; one to three minutes"
	@GOFLAGS= GOBIN=$(CURDIR)/$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(LINT_VERSION)
