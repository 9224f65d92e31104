# hotreload. `make help` lists what there is. Go and a C compiler are enough for build, run and test.
SHELL := /bin/bash
GO ?= go
BIN := bin
GOLANGCI := $(BIN)/golangci-lint
GOLANGCI_VERSION := v2.15.0
FUZZTIME ?= 10s

.PHONY: help run demo build test race lint bench bench-full bench-report bench-baseline bench-epoch soak fuzz model stress web-test clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Build everything and watch a simulation be edited while it runs
	@$(BIN)/hotreload demo logic

demo: run ## The same

build: ## Build bin/hotreload, without cgo
	@mkdir -p $(BIN)
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/hotreload ./cmd/hotreload

test: ## The whole suite: without cgo, then with cgo under the race detector
	CGO_ENABLED=0 $(GO) test ./...
	CGO_ENABLED=1 $(GO) test -race ./...

race: ## The suite under the race detector alone
	CGO_ENABLED=1 $(GO) test -race ./...

lint: $(GOLANGCI) ## go vet and golangci-lint, which is installed into bin/ when absent
	CGO_ENABLED=0 $(GO) vet ./...
	CGO_ENABLED=0 $(GOLANGCI) run ./...
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }

$(GOLANGCI):
	GOBIN=$(abspath $(BIN)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

bench: ## Call cost, save to swap, edits, wear and pauses, side by side in one run, against the baseline (3 minutes)
	CGO_ENABLED=1 $(GO) run ./bench/run $(BENCHFLAGS)

bench-full: ## The same with more loads, rounds and competitors, for a quiet machine (half an hour); makes bench/RESULTS.md
	cd bench/peers && CGO_ENABLED=1 $(GO) build -o ../out/peers .
	bench/out/peers -full -baseline "" -keep bench/results.json $(BENCHFLAGS)
	$(MAKE) bench-report

bench-report: ## Draw the last full run again: bench/pause.svg, the tables of bench/RESULTS.md, bench/out/report.html
	@mkdir -p bench/out
	$(GO) run ./bench/run -from bench/results.json -baseline "" -svg bench/pause.svg -results bench/RESULTS.md > bench/out/table.txt

bench-baseline: ## Make the ratios of the last full run the ones that make bench checks against
	@mkdir -p bench/out
	$(GO) run ./bench/run -from bench/results.json -svg bench/pause.svg -update-baseline > bench/out/table.txt

bench-epoch: ## The read side of epochs beside locks, counts and liburcu (Debian: liburcu-dev)
	cd bench/epoch && $(GO) run .

web-test: ## The web page in Chromium (Debian: chromium), with a screenshot in bench/out
	@mkdir -p bench/out
	HOTRELOAD_SCREENSHOTS=$(abspath bench/out) CGO_ENABLED=0 $(GO) test -count=1 -run TestPage -v ./engine/control

soak: ## 10,000 reloads, good and bad, under four workers
	HOTRELOAD_SOAK=10000 CGO_ENABLED=0 $(GO) test -timeout 60m -run TestSoak -v ./cmd/hotreload

model: ## Check the model of the publication protocol, and that its broken variants are caught (needs spin)
	sh epoch/model/run.sh

stress: ## Ten minutes of stress for epochs and workers
	HOTRELOAD_STRESS=10m CGO_ENABLED=1 $(GO) test -race -timeout 60m ./epoch/... ./workers/... ./engine

fuzz: ## Every fuzz target for FUZZTIME (default 10s)
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; done

clean: ## Remove what was built
	rm -rf $(BIN) bench/out
