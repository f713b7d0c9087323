"""The same pictures through every door.

The training side, LiteRT, ONNX, handler, server and batch.
"""

import base64
import io
import json

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from scenelet.bundle.numeric import softmax
from scenelet.dataset.scenes import paint_scene
from scenelet.export.golden import nasty_files
from scenelet.export.parity import checkpoint_logits
from scenelet.export.steps import load_network
from scenelet.images import to_input
from scenelet.runs.run import Run
from scenelet.serve import aws_lambda
from scenelet.serve.batch import predict_folder
from scenelet.serve.predictor import Predictor

pytestmark = pytest.mark.pipeline


def saved(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def pictures():
    """Everything that usually goes wrong, by file name."""
    frames = [paint_scene("sea", seed=n).resize((90, 60)) for n in range(3)]
    return nasty_files() | {
        "animated.gif": saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "animated.webp": saved(frames[1], "WEBP", save_all=True, append_images=frames),
        "wide.jpg": saved(paint_scene("street", seed=2).resize((12_000, 40)), "JPEG"),
        "lossless.webp": saved(paint_scene("forest", seed=4), "WEBP", lossless=True),
        "grey-alpha.png": saved(paint_scene("glacier", seed=5).convert("LA"), "PNG"),
        "one-bit.png": saved(paint_scene("street", seed=6).convert("1"), "PNG"),
        "interlaced.png": saved(paint_scene("mountain", seed=7), "PNG", interlace=1),
        "deep.tiff": saved(
            Image.fromarray(np.asarray(paint_scene("sea", seed=8).convert("L"), np.uint16) * 257),
            "TIFF",
        ),
    }


def test_every_door_gives_the_same_probabilities(
    pictures, run_folder, exported, tmp_path, monkeypatch
):
    from fastapi.testclient import TestClient

    from scenelet.serve.http import create_app
    from scenelet.serve.settings import Settings

    predictor = Predictor(exported)
    manifest = predictor.model.contract
    names, temperature = manifest.class_names, manifest.temperature
    checkpoint = checkpoint_logits(load_network(Run(run_folder)))
    session = onnxruntime.InferenceSession(exported / "model.onnx")
    monkeypatch.setenv("SCENELET_BUNDLE", str(exported))
    (tmp_path / "photos").mkdir()
    for name, data in pictures.items():
        (tmp_path / "photos" / name).write_bytes(data)
    predict_folder(predictor, tmp_path / "photos", tmp_path / "t.jsonl")
    table = {
        row["path"]: row for row in map(json.loads, (tmp_path / "t.jsonl").read_text().splitlines())
    }
    with TestClient(create_app(exported, Settings())) as client:
        for name, data in pictures.items():
            pixels = to_input(data, manifest.preprocess)
            event = {"image": base64.b64encode(data).decode()}
            served = client.post(
                "/predict", content=data, headers={"content-type": "application/octet-stream"}
            ).json()
            doors = {
                "training side": softmax(checkpoint(pixels), temperature),
                "ONNX": softmax(session.run(["logits"], {"images": pixels})[0][0], temperature),
                "predictor": ordered(predictor.predict(data).probabilities, names),
                "handler": ordered(aws_lambda.handler(event, None)["probabilities"], names),
                "server": ordered(served["probabilities"], names),
                "batch": ordered(table[name]["probabilities"], names),
            }
            reference = softmax(predictor.model.logits(pixels), manifest.temperature)
            for door, values in doors.items():
                assert np.abs(values - reference).max() < 1e-3, (name, door)


def ordered(probabilities, names):
    return np.array([probabilities[name] for name in names])
