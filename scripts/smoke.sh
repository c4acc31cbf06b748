#!/bin/sh
# Every command once, offline, in a temporary folder: does an installed gfopt work at all?
set -eu
gfopt="$(cd "$(dirname "${BIN:?the folder of the gfopt command}")" && pwd)/$(basename "$BIN")/gfopt"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"$gfopt" --version
"$gfopt" list
"$gfopt" plan digits --offline
"$gfopt" run digits --offline --quiet --require-target
"$gfopt" run digits --offline 2>&1 | grep 'nothing to run'
"$gfopt" new demo
"$gfopt" run demo.yaml --offline --quiet
"$gfopt" reproduce --quick --offline --quiet || [ $? = 5 ]  # 5: no real data here
"$gfopt" bench --only digits --repeats 1 --quiet
"$gfopt" report results --format latex
"$gfopt" report results/digits --format svg --output curves.svg
"$gfopt" check demo_rule.py
"$gfopt" tune demo.yaml --trials 2 --offline --quiet
"$gfopt" compare results/digits results/digits
"$gfopt" compare --workflow
"$gfopt" export "$(basename "$(ls -d results/digits/runs/* | head -n 1)")" --output weights.npz
ls -l
