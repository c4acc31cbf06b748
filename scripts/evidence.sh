#!/bin/sh
# results/controls.md and results/leaderboard.md from nothing: on the real data, some six hours on two
# quiet cores, of which cifar10 takes more than half. What is finished isn't made again.
set -eu
gfopt="$(cd "$(dirname "${BIN:?the folder of the gfopt command}")" && pwd)/$(basename "$BIN")/gfopt"

"$gfopt" run cat_poswise_controls --seeds 1-100 --timing on
"$gfopt" run mnist_poswise_controls --timing on
"$gfopt" run cifar10_poswise_controls --timing on
"$gfopt" run cifar10_losses --timing on
"$gfopt" tune cat_poswise_controls --trials 20 --budget 2000 --seeds 1-100 --timing on
"$gfopt" tune mnist_poswise_controls --trials 20 --budget 200 --timing on
"$gfopt" tune cifar10_poswise_controls --trials 20 --budget 100 --timing on
"$gfopt" report results/*_controls results/*_controls_tuned results/cifar10_losses --output results/controls.md

"$gfopt" tune digits_all --trials 20 --timing on
"$gfopt" tune mnist_all --trials 20 --budget 10 --tuning-seeds 1001 --timing on
"$gfopt" report results/digits_all_tuned results/mnist_all_tuned --output results/leaderboard.md
