#!/usr/bin/env bash
# Runs the unit tests in as many processes as SHARDS says, each of them a part of the tests one after another: much
# sooner done than a process for each test, as ctest has it.
#   tests/unit/run_sharded.sh PROGRAM SHARDS
set -euo pipefail
program=${1:?usage: run_sharded.sh PROGRAM SHARDS}
shards=${2:?usage: run_sharded.sh PROGRAM SHARDS}
export GTEST_TOTAL_SHARDS=$shards

running=()
for ((shard = 0; shard < shards; ++shard)); do
  GTEST_SHARD_INDEX=$shard timeout 1800 "$program" --gtest_brief=1 &
  running+=($!)
done
failed=0
for process in "${running[@]}"; do wait "$process" || failed=1; done
exit "$failed"
