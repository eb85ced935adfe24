# `make help` is the manual.
SHELL := /bin/bash
NODE_BIN := node_modules/.bin
# Where demo and cluster-up get their cluster: local (built here, no Docker), kind or current (your kubeconfig).
CLUSTER ?= local
export CLUSTER

.DEFAULT_GOAL := help
.PHONY: help install generate format verify unit test test-cluster test-node test-spark spark-images cluster-up cluster-down cluster-status demo demo-down bench drills plugin image sbom docs release

help: ## Show this manual
	@echo "Fairlead: secrets from where they are kept into Spark and Jupyter pods."
	@echo
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  CLUSTER=local|kind|current chooses the cluster of demo and cluster-up (default: local)."

install: node_modules/.installed ## Install the dependencies (npm ci)

node_modules/.installed: package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

generate: install ## Write crds/ and docs/reasons.md from src/api
	npm run --silent generate

format: install ## Format every file
	npm run --silent format

verify: install ## Generated files, format, lint, types, dependency directions
	npm run --silent verify

unit: install ## The quick tests, without a cluster
	npx vitest run --project unit

test: install ## Everything: verify, unit, cluster, node and spark tests on a real cluster
	npm run --silent test

test-cluster: install ## Only the tests against a real control plane and OpenBao
	npx vitest run --project cluster

test-node: install ## Only the tests with a real kubelet (Linux, root)
	npx vitest run --project node

test-spark: install ## Only the tests with real Spark and Jupyter (Linux, root; see CONTRIBUTING.md)
	npx vitest run --project spark

spark-images: install ## Build what their images consist of, so that test-spark starts at once
	npm run --silent spark-images

cluster-up: install ## Start etcd, API server, controllers, OpenBao and, as root on Linux, a node
	npm run --silent cluster -- up

cluster-down: install ## Stop them and delete their state
	npm run --silent cluster -- down

cluster-status: install ## What runs, with pids and ports
	npm run --silent cluster -- status

demo: install ## From nothing to pods with secrets, rotation, failure and repair
	npm run --silent demo

demo-down: install ## Clean up after the demo
	npm run --silent demo -- down

bench: install ## Speed and memory beside a floor measured in the same run
	npm run --silent bench

drills: install ## Break it, and see what becomes of pods (DRILLS="leader rolling": only these; docs/reliability.md)
	npm run --silent drills -- $(DRILLS)

plugin: install ## Bundle `kubectl fairlead` into dist/kubectl-fairlead
	npm run --silent plugin

image: install ## Build the image into dist/fairlead-image.tar (Debian, root; IMAGE=repository:tag names it)
	npm run --silent image

sbom: install ## List the production dependencies in dist/fairlead.cdx.json (CycloneDX)
	npm run --silent sbom

docs: install ## Build the site of docs/ into dist/docs (VitePress, 100 MB in the cache); a broken link fails
	npm run --silent docs

release: install ## Rehearse a release: VERSION=1.2.3; with WRITE=yes make it (version, changelog, chart, image, SBOM, tag)
	npm run --silent release -- "$(VERSION)" $(if $(filter yes,$(WRITE)),--write) $(if $(filter no,$(IMAGE)),--no-image)
