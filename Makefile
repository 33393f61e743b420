# bcopy: every target works from a fresh clone.
SHELL := /bin/bash
ESBUILD := node_modules/.bin/esbuild
ENTRIES := cli/main.ts cli/schedulers/local/supervisor.ts workers/main.ts
SOURCES := $(shell find cli core workers -name '*.ts') package.json
# yargs and handlebars need a `require`, under a name that does not collide with yargs's own import
BANNER := import {createRequire as bundleRequire} from "node:module"; const require = bundleRequire(import.meta.url);

.PHONY: build check test demo bench-scan format clean help

build: dist/.built

node_modules/.installed: package.json package-lock.json
	npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

# Koffi looks for its library in ../../build/koffi, seen from the bundle
dist/.built: node_modules/.installed $(SOURCES)
	@rm -rf dist
	$(ESBUILD) $(ENTRIES) --bundle --splitting --platform=node --format=esm --target=node20 \
	  --sourcemap --legal-comments=none --alias:koffi=koffi/indirect --log-level=warning \
	  --banner:js='$(BANNER)' --outdir=dist/js --outbase=. --chunk-names=chunks/[name]-[hash]
	@mkdir -p dist/build/koffi && cp -R node_modules/@koromix/koffi-*/*_*/ dist/build/koffi/
	@chmod +x dist/js/cli/main.js
	@touch $@

help:
	@printf '%s\n' 'make            build' 'make demo       copy a tree on this machine and show what happened' \
	  'make test       install, build, lint, type-check, run every test' 'make check      lint and type-check' \
	  'make bench-scan entries per second and memory of the scan, beside find and fpart' 'make format     format the code' 'make clean'

check: node_modules/.installed
	node_modules/.bin/biome check --error-on-warnings .
	node_modules/.bin/tsc --noEmit

format: node_modules/.installed
	node_modules/.bin/biome check --write .

clean:
	rm -rf dist node_modules demo
