import numpy as np

from scenelet.assess.explain import GradCam, occlusion_map, overlay
from scenelet.bundle.runtime import BundleModel
from scenelet.images import to_input


def model_input(bundle):
    model = BundleModel(bundle)
    return model, to_input(
        (bundle / "golden" / "forest-large.jpg").read_bytes(), model.contract.preprocess
    )


def test_occlusion_asks_the_served_model_and_covers_the_whole_picture(shipped_bundle):
    model, pixels = model_input(shipped_bundle)
    target = int(model.logits(pixels).argmax())
    heat = occlusion_map(model, pixels, target)
    assert heat.shape == (8, 8)
    assert np.isfinite(heat).all()
    assert np.abs(heat).max() <= 1
    assert np.abs(heat).max() > 0
    grey = np.full_like(pixels, 127)
    assert (
        np.abs(occlusion_map(model, grey, target)).max() < 1e-6
    )  # nothing to hide in a picture of one colour


def test_grad_cam_asks_the_bundles_own_network(bundle, shipped_bundle):
    for folder in (bundle, shipped_bundle):
        model, pixels = model_input(folder)
        heat = GradCam(folder).heat(pixels, int(model.logits(pixels).argmax()))
        assert heat.ndim == 2
        assert heat.min() >= 0
        assert heat.max() > 0


def test_the_overlay_shows_heat_where_it_is_and_nothing_where_it_is_not():
    pixels = np.full((1, 64, 64, 3), 128, np.uint8)
    heat = np.zeros((8, 8))
    heat[0, 0] = 1
    drawn = np.asarray(overlay(pixels, heat)).astype(int)
    assert drawn[2, 2, 0] - drawn[2, 2, 2] > 60
    assert abs(drawn[-3, -3] - 128).max() <= 2
    assert np.asarray(overlay(pixels, np.zeros((8, 8)))).std() < 2
