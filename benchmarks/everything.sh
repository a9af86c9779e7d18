#!/usr/bin/env bash
# Every figure of docs/performance.md and docs/cost.md, for a machine that has nothing else to do;
# about an hour on two cores. Needs data/ferplus and data/faces13k.
#   benchmarks/everything.sh [OUT]      JSON files and tables go to OUT (default: work_dirs/speed)
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-work_dirs/speed}
python=${PYTHON:-python}
threads=${THREADS:-2}
mkdir -p "$out"

speed() { # NAME ARGUMENTS...
  local name=$1
  shift
  echo "== $name"
  "$python" tools/benchmark.py "$@" --threads "$threads" --json "$out/$name.json" |
    tee "$out/$name.txt"
}

bf16='optim_wrapper.type=BFloat16OptimWrapper'
small='train_dataloader.batch_size=8 train_cfg.semi.labeled=8 train_cfg.semi.unlabeled=8'
micro=configs/ssfer/ferplus_5pct_vit-micro.py
base=configs/ssfer/ferplus_25pct.py

speed mae_micro configs/mae/mae_vit-micro-p8_faces-48px.py
speed ssfer_micro $micro
# At the mean acceptance of that run's stage III.
speed ssfer_micro_semi $micro --stage semi --acceptance 0.69
speed ssfer_micro_bf16 $micro --cfg-options $bf16 train_cfg.semi.$bf16
speed ssfer_resnet_micro configs/ssfer/ferplus_5pct_resnet-micro.py
# ViT-B/16 at 224 px: batches of 8, or a step would take half a minute.
# shellcheck disable=SC2086  # the settings are several words
speed ssfer_base $base --rounds 3 --workers 1 --cfg-options $small
# shellcheck disable=SC2086
speed ssfer_base_bf16 $base --rounds 3 --workers 1 \
  --cfg-options $small $bf16 train_cfg.semi.$bf16
speed mae_base configs/mae/mae_vit-base-p16_faces-224px-600e.py --rounds 3 --workers 1 \
  --cfg-options train_dataloader.batch_size=8 'train_dataloader.dataset.data_root=[data/faces13k]'
"$python" benchmarks/startup.py data/ferplus/FER2013Train | tee "$out/startup.txt"
"$python" benchmarks/growth.py data/ferplus/FER2013Train --out "$out/growth"
"$python" tools/cost_model.py configs/mae/mae_vit-base-p16_stored-faces-224px-600e.py \
  --faces data/faces13k/images --json "$out/cost.json" | tee "$out/cost.txt"
"$python" benchmarks/face_sources.py index --json "$out/index.json" | tee "$out/index.txt"
"$python" benchmarks/face_sources.py read data/faces13k/images | tee "$out/read.txt"
