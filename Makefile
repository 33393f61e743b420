# bcopy: every target works from a fresh clone.
SHELL := /bin/bash
# Koffi looks for its library in ../../build/koffi, seen from a bundle
ESBUILD := node_modules/.bin/esbuild --bundle --platform=node --target=node20 --sourcemap \
  --legal-comments=none --alias:koffi=koffi/indirect --log-level=warning --outbase=.
# What Node starts more quickly than modules; `import` of something that is not in the bundle would be one
COMMONJS := --format=cjs --supported:dynamic-import=false --define:import.meta.url=importMetaUrl --define:import.meta.dirname=__dirname \
  --banner:js='const importMetaUrl = require("node:url").pathToFileURL(__filename).href;'
# The string-width that yargs would bring spends 25 ms of each start on Intl and emojis; version 4 does not
LIGHT := --alias:string-width=./node_modules/string-width/index.js
# One file each, with V8's code of it, which a small file starts: one that starts a thousand times must not look for its parts, nor compile them
PACKED := cli/main cli/continue cli/schedulers/local/supervisor workers/main
STARTS := cli/main=cli/start.ts cli/continue=cli/start-continue.ts cli/schedulers/local/supervisor=cli/schedulers/local/start.ts workers/main=workers/start.ts
BENCHES := $(wildcard bench/scan.ts bench/copy.ts bench/latency.ts bench/sync.ts bench/sync-latency.ts bench/verify.ts)
SOURCES := $(shell find bench cli core launch workers templates -type f) package.json Makefile

.PHONY: build check test faults demo bench bench-scan bench-latency bench-sync bench-verify chaos walltime memory format clean help

build: dist/.built

node_modules/.installed: package.json package-lock.json
	npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

dist/.built: node_modules/.installed $(SOURCES)
	@rm -rf dist.new
	$(ESBUILD) $(PACKED:%=%.ts) $(COMMONJS) $(LIGHT) --minify-whitespace --line-limit=120 --out-extension:.js=.cjs --outdir=dist.new/js
	$(ESBUILD) $(STARTS) cli/scan-thread.ts cli/proof-thread.ts $(COMMONJS) --outdir=dist.new/js
	$(ESBUILD) launch/record.ts launch/pack-programs.ts launch/record-programs.ts --format=cjs --out-extension:.js=.cjs --outdir=dist.new
	$(if $(BENCHES),$(ESBUILD) $(BENCHES) --format=esm --outdir=dist.new/js)
	@mkdir -p dist.new/build/koffi && cp -R node_modules/@koromix/koffi-*/*_*/ dist.new/build/koffi/
	@for room in cli workers; do echo '{ "type": "commonjs" }' >dist.new/js/$$room/package.json; done
	@chmod +x dist.new/js/cli/main.js
	@node dist.new/launch/pack-programs.cjs $(PACKED:%=dist.new/js/%)
	@rm -rf dist && mv dist.new dist
	@node dist/launch/record-programs.cjs dist/js/cli/main.js dist/launch/record.cjs && rm -r dist/launch
	@touch $@

test: build check
	node_modules/.bin/vitest run

# Every file operation of a small copy in turn; FAULT='MODE:N' repeats one
faults: build
	FAULTS=full node_modules/.bin/vitest run test/faults --disable-console-intercept

demo: build
	@examples/demo.sh

bench: build
	node dist/js/bench/copy.js

bench-scan: build
	node dist/js/bench/scan.js

bench-latency: build
	node dist/js/bench/latency.js

bench-sync: build
	node dist/js/bench/sync.js
	node dist/js/bench/sync-latency.js

bench-verify: build
	node dist/js/bench/verify.js

# CHAOS_SEED=N CHAOS_ROUNDS=1 plays a round again; three at a time, since each waits most of its time
chaos: build
	KILLS=$${KILLS:-200} node_modules/.bin/vitest run test/e2e/watcher.test.ts --disable-console-intercept
	CHAOS_ROUNDS=$${CHAOS_ROUNDS:-20} node_modules/.bin/vitest run test/chaos/chaos.test.ts \
	  --disable-console-intercept --maxConcurrency=3

walltime: build
	WALLTIME=1 node_modules/.bin/vitest run test/e2e/walltime.test.ts

memory: build
	MEMORY_ENTRIES=$${MEMORY_ENTRIES:-1000000} node_modules/.bin/vitest run test/chaos/memory.test.ts \
	  --disable-console-intercept

help:
	@printf '%s\n' 'make            build' 'make demo       copy a tree on this machine and show what happened' \
	  'make test       install, build, lint, type-check, run every test' 'make check      lint and type-check' \
	  'make faults     fail, fill and kill a small copy at each of its file operations, and cut its power' \
	  'make bench      bcopy beside cp, rsync, tar, fpsync, rclone and a C program that makes the bare system calls' \
	  'make bench-scan entries per second and memory of the scan, beside find and fpart' 'make bench-latency  bcopy beside cp and rsync where each request of the file system takes 5 ms' 'make bench-sync  a second run over a million files that are there, beside rsync -a' 'make bench-verify  bcopy verify beside cat' \
	  'make chaos      twenty rounds of faults on a real cluster, and 200 kills under a watcher, on each of three file systems' 'make walltime   a copy that needs five times its time limit of a minute' 'make memory     the memory of each process of a copy, on a million entries' 'make format     format the code' 'make clean'

check: node_modules/.installed
	node_modules/.bin/biome check --error-on-warnings .
	node_modules/.bin/tsc --noEmit

format: node_modules/.installed
	node_modules/.bin/biome check --write .

clean:
	rm -rf dist dist.new node_modules demo
