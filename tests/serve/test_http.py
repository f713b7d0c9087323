import json
import shutil
import signal
import subprocess
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest
from servers import wait_until

from scenelet.serve.predictor import Predictor

pytestmark = pytest.mark.pipeline


def picture(bundle, name="buildings.jpg"):
    return (bundle / "golden" / name).read_bytes()


def test_the_server_answers_as_the_predictor_does_and_shows_itself(bundle, serve, tmp_path):
    server = serve(bundle, "--log", tmp_path / "answers.log")
    status, headers, body = server.ask("/predict", picture(bundle))
    assert (status, headers["content-type"]) == (200, "application/json")
    assert (
        json.loads(body)["probabilities"]
        == Predictor(bundle).predict(picture(bundle)).probabilities
    )
    assert server.ask("/predict", b"no picture")[0] == 422
    assert server.ask("/nothing")[0] == 404
    schema = json.loads(server.ask("/openapi.json")[2])
    assert set(schema["paths"]) == {"/", "/health", "/predict", "/metrics"}
    assert "examples" in json.dumps(schema["paths"]["/predict"])
    assert server.ask("/docs")[0] == 200
    metrics = server.ask("/metrics")[2].decode()
    assert 'scenelet_answers_total{label="' in metrics
    assert 'scenelet_requests_total{status="422"} 1.0' in metrics
    (line,) = (tmp_path / "answers.log").read_text().splitlines()
    assert json.loads(line)["Bundle"] == Predictor(bundle).predict(picture(bundle)).bundle
    assert server.stop() in (0, -signal.SIGTERM)


def test_a_full_queue_says_when_to_come_again_and_mixes_up_no_answer(bundle, serve):
    server = serve(bundle, "--queue", "2")
    names = ["buildings.jpg", "forest-large.jpg", "sea-alpha.png", "street-grey.jpg"]
    expected = {
        name: Predictor(bundle).predict(picture(bundle, name)).probabilities for name in names
    }

    def ask(number):
        name = names[number % len(names)]
        status, headers, body = server.ask("/predict", picture(bundle, name))
        return name, status, headers, json.loads(body)

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, range(300)))
    refused = [headers for _, status, headers, _ in answers if status == 429]
    given = [(name, body) for name, status, _, body in answers if status == 200]
    assert len(refused) + len(given) == 300
    assert refused
    assert given
    assert all(headers["retry-after"] == "1" for headers in refused)
    assert all(body["probabilities"] == expected[name] for name, body in given)


def test_a_replaced_bundle_answers_without_a_request_being_dropped(bundle, tmp_path, serve):
    live = shutil.copytree(bundle, tmp_path / "live")
    server, statuses, names, done = serve(live), [], set(), threading.Event()

    def keep_asking():
        while not done.is_set():
            status, _, body = server.ask("/predict", picture(bundle))
            statuses.append(status)
            names.add(json.loads(body).get("bundle"))

    asking = threading.Thread(target=keep_asking)
    asking.start()
    wait_until(lambda: len(statuses) > 5, "six answers")
    other = shutil.copytree(bundle, tmp_path / "other")
    described = json.loads((other / "bundle.json").read_text())
    (other / "bundle.json").write_text(json.dumps({**described, "name": "newer"}))
    live.rename(tmp_path / "old")
    other.rename(live)
    wait_until(lambda: "newer" in names, "an answer of the newer bundle")
    broken = tmp_path / "broken"
    shutil.copytree(live, broken)
    (broken / "bundle.json").write_text("{}")
    live.rename(tmp_path / "older")
    broken.rename(live)
    refusal = "can't be used, the old one goes on"
    wait_until(lambda: refusal in server.said(), refusal)
    answered = len(statuses)
    wait_until(lambda: len(statuses) > answered + 5, "six more answers")
    done.set()
    asking.join()
    assert set(statuses) == {200}
    assert names == {"tiny", "newer"}


def test_a_stopped_server_finishes_what_it_accepted(bundle, serve):
    server = serve(bundle)
    body = json.dumps(
        {"requests": [{"image": encoded(picture(bundle, "forest-large.jpg"))}] * 16}
    ).encode()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(server.ask, "/predict", body, "application/json") for _ in range(4)]
        wait(asked, return_when=FIRST_COMPLETED)  # the others were sent at the same time
        server.process.send_signal(signal.SIGTERM)
        answers = [each.result() for each in asked]
    assert [status for status, *_ in answers] == [200] * 4
    assert all(len(json.loads(text)["answers"]) == 16 for *_, text in answers)
    server.process.wait(timeout=30)


def encoded(data):
    import base64

    return base64.b64encode(data).decode()


def test_a_killed_worker_is_replaced_and_the_others_go_on(bundle, serve):
    server = serve(bundle, "--workers", "2")
    children = subprocess.run(
        ["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    workers = [pid for pid in children if "spawn_main" in command_of(pid)]
    assert len(workers) == 2
    subprocess.run(["kill", "-9", workers[0]], check=True)
    lost = 0
    for _ in range(40):
        try:
            lost += server.ask("/predict", picture(bundle))[0] != 200
        except OSError:
            lost += 1
    assert lost <= 2  # what the killed one held
    assert "scenelet_answers_total" in server.ask("/metrics")[2].decode()


def command_of(pid):
    with open(f"/proc/{pid}/cmdline") as file:
        return file.read()


def test_a_bundle_that_is_none_is_one_line(tmp_path, scenelet):
    done = scenelet("serve", "--bundle", tmp_path)
    assert done.code == 1
    assert "no bundle here" in done.err
    assert len(done.err.splitlines()) == 1
