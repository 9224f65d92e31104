# hotreload. `make help` lists what there is. Go and a C compiler are enough for build, run and test.
SHELL := /bin/bash
GO ?= go
BIN := bin
GOLANGCI := $(BIN)/golangci-lint
GOLANGCI_VERSION := v2.15.0
FUZZTIME ?= 10s

.PHONY: help run demo build test race lint bench bench-full bench-epoch soak fuzz model stress web-test clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

bench: ## Call cost, save to swap and pauses, side by side in one run, against the baseline (about 3 minutes)
	CGO_ENABLED=1 $(GO) run ./bench/run

bench-full: ## Every combination, for a quiet machine (half an hour)
	CGO_ENABLED=1 $(GO) run ./bench/run -full

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
