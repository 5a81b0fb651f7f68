# Each target sets up what it needs first, and leaves nothing running.
# `make` alone says what there is.

.PHONY: help setup demo test bench faults fuzz corpus lint docs

help:
	@sed -n 's/^\([a-z]*\):.*## /\1  /p' Makefile | column -t -l 2 2>/dev/null || sed -n 's/^\([a-z]*\):.*## /\1  /p' Makefile

setup: ## installs what tests need (Debian, as root), or says what is missing
	@scripts/setup test

demo: ## the order flow, from nothing to the account (KAFKA=none: without Kafka)
	@KAFKA="$(KAFKA)" scripts/setup demo
	@KAFKA="$(KAFKA)" scripts/servers with scripts/demo

test: ## all tests that gate
	@scripts/setup test
	@KAFKA= scripts/servers with scripts/test

bench: ## figures, beside Debezium and others (ROUNDS=5 EVENTS=300000 ONLY=relay_rate,…)
	@scripts/setup bench
	@scripts/bench

corpus: ## real webhook bodies of others, through the hub
	@KAFKA=none scripts/setup corpus
	@KAFKA=none scripts/servers with scripts/corpus/run

lint: ## format, clippy, scripts
	@scripts/setup test
	@scripts/lint

docs: ## API documentation to target/doc; the pages and the schema that are generated
	@scripts/setup test
	@scripts/docs

faults: ## the hub under attack: crash points, environment faults, planted bugs (QUICK=1: a part; SOAK=N: N events under a storm)
	@scripts/setup test
	@KAFKA= QUICK="$(QUICK)" SOAK="$(SOAK)" scripts/servers with scripts/faults

fuzz: ## the decoders and `check`, fed with spoilt examples for ten minutes (SECONDS_EACH=600)
	@KAFKA=none scripts/setup demo
	@SECONDS_EACH="$(or $(SECONDS_EACH),600)" scripts/fuzz
