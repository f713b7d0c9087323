"""No picture kills the function: what there is no memory for is refused before it is unpacked."""

import base64

import pytest

from scenelet.deploy.preflight.pictures import heavy_pictures
from scenelet.serve import aws_lambda


@pytest.fixture
def handler(monkeypatch, shipped_bundle):
    monkeypatch.setenv("SCENELET_BUNDLE", str(shipped_bundle))
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    for cached in (aws_lambda._predictor, aws_lambda._service):
        cached.cache_clear()
    yield lambda picture: aws_lambda.handler({"image": base64.b64encode(picture).decode()}, None)
    for cached in (aws_lambda._predictor, aws_lambda._service):
        cached.cache_clear()


@pytest.mark.pipeline
def test_a_small_file_that_unpacks_to_most_of_a_gigabyte_is_refused_on_lambda(handler):
    picture = heavy_pictures()["lossless WebP with alpha, 8000 x 6000"]
    assert len(picture) < 2000
    answer = handler(picture)
    assert answer["status"] == 413
    assert "send a smaller picture" in answer["error"]
