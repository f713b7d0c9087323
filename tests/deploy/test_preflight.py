import hashlib
import io
import json
import platform
import zipfile

import pytest

from scenelet.deploy.aws.price import estimates
from scenelet.deploy.described import Packed
from scenelet.deploy.package import package_zip
from scenelet.deploy.preflight import preflight
from scenelet.deploy.target import Target

pytestmark = pytest.mark.pipeline


def altered(package, out, change, honest=True):
    """A copy of a package whose files `change` altered.

    Its own list of files says so too, if honest.
    """
    with zipfile.ZipFile(package) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(files.pop("package.json"))
    change(files, described)
    if honest:
        described["files"] = {
            name: hashlib.sha256(content).hexdigest() for name, content in files.items()
        }
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in {**files, "package.json": json.dumps(described).encode()}.items():
            archive.writestr(name, content)
    return out


def reasons(package):
    return {check.name: check.detail for check in preflight(Packed.open(package)).refused}


def test_a_good_package_starts_answers_as_recorded_and_is_priced(packed, runtime, proved):
    found = proved(packed["first"])
    assert not found.refused
    assert {check.name: check.ok for check in found.checks} == dict.fromkeys(
        (
            "whole",
            "size",
            "platform",
            "symbols",
            "libraries",
            "numpy",
            "starts",
            "golden",
            "formats",
            "heaviest",
        ),
        True,
    )
    assert 0 < found.measured.warm_ms < found.measured.init_ms
    assert 20 < found.measured.peak_mib < found.measured.heaviest_mib < 512
    costs = estimates("x86_64", found.measured)
    assert [cost.memory_mib for cost in costs] == [128, 256, 512, 1024, 1769]
    assert all(1 < cost.per_million_usd < 20 for cost in costs)
    assert json.loads(found.to_json())["refused"] == []


def test_a_wheel_of_another_platform_is_refused(shipped_bundle, tmp_path):
    arm = package_zip(shipped_bundle, tmp_path / "arm.zip", Target(architecture="arm64")).path
    claimed = altered(
        arm, tmp_path / "claimed.zip", lambda _, described: described.update(architecture="x86_64")
    )
    assert "is for aarch64, not x86_64" in reasons(claimed)["platform"]


def test_a_wheel_of_another_python_is_refused(shipped_bundle, tmp_path):
    older = package_zip(shipped_bundle, tmp_path / "older.zip", Target(python="3.12")).path
    claimed = altered(
        older, tmp_path / "claimed.zip", lambda _, described: described.update(runtime="python3.13")
    )
    assert "is for Python 3.12, not 3.13" in reasons(claimed)["platform"]


def test_a_shared_object_with_too_new_symbols_is_refused(shipped_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr("scenelet.deploy.wheels.relabel", lambda content: content)
    arm = package_zip(shipped_bundle, tmp_path / "arm.zip", Target(architecture="arm64")).path
    assert (
        "libLiteRt.so needs GLIBCXX_3.4.30, Lambda's Amazon Linux 2023 has GLIBCXX_3.4.29"
        in reasons(arm)["symbols"]
    )


def test_for_arm64_the_one_symbol_is_bound_to_what_lambda_has_and_that_is_said(
    shipped_bundle, tmp_path
):
    arm = Packed.open(
        package_zip(shipped_bundle, tmp_path / "arm.zip", Target(architecture="arm64")).path
    )
    found = {check.name: check for check in preflight(arm).checks}
    assert found["symbols"].ok, found["symbols"].detail
    assert "GLIBCXX_3.4.29" in found["symbols"].detail
    if platform.machine() != "aarch64":
        assert found["starts"].ok is None  # only what can be shown is said
    assert b"GLIBCXX_3.4.11" in arm.files["licenses/ai-edge-litert/CHANGES"]
    bill = json.loads(arm.files["sbom.cdx.json"])
    assert [each["name"] for each in bill["components"] if "pedigree" in each] == ["ai-edge-litert"]


def test_a_missing_library_is_refused(packages, tmp_path):
    def change(files, _):
        for name in [name for name in files if "libjpeg" in name]:
            del files[name]

    assert "libjpeg" in reasons(altered(packages["first"], tmp_path / "p.zip", change))["libraries"]


def test_a_package_over_the_limit_is_refused(packages, tmp_path):
    big = altered(
        packages["first"],
        tmp_path / "p.zip",
        lambda files, _: files.update(ballast=bytes(260 * 2**20)),
    )
    assert "at most 262 MB allowed" in reasons(big)["size"]


def test_numpy_in_the_package_is_refused(packages, tmp_path):
    more = altered(
        packages["first"],
        tmp_path / "p.zip",
        lambda files, _: files.update({"numpy/__init__.py": b""}),
    )
    assert "serving does without numpy" in reasons(more)["numpy"]


def test_golden_pictures_that_are_answered_differently_are_refused(packages, tmp_path, runtime):
    def change(files, _):
        manifest = json.loads(files["bundle/bundle.json"])
        manifest["temperature"] *= 1.5
        files["bundle/bundle.json"] = json.dumps(manifest).encode()

    assert (
        "not the recorded model"
        in reasons(altered(packages["first"], tmp_path / "p.zip", change))["golden"]
    )


def test_a_handler_that_imports_a_missing_module_is_refused(packages, tmp_path, runtime):
    def change(files, _):
        files["scenelet/serve/predictor.py"] = b"import nowhere_to_be_found\n"
        for name in [name for name in files if "serve/__pycache__/predictor" in name]:
            del files[name]

    assert (
        "No module named 'nowhere_to_be_found'"
        in reasons(altered(packages["first"], tmp_path / "p.zip", change))["starts"]
    )


def test_a_handler_that_writes_to_the_disk_is_refused(packages, tmp_path, runtime):
    def change(files, _):
        files["scenelet/serve/predictor.py"] += (
            b"\nwith open('/tmp/scenelet-wrote-this', 'w') as file:\n    file.write('x')\n"
        )
        for name in [name for name in files if "serve/__pycache__/predictor" in name]:
            del files[name]

    assert (
        "File too large"
        in reasons(altered(packages["first"], tmp_path / "p.zip", change))["starts"]
    )


def test_too_little_memory_is_refused_in_lambda_s_words(packed, runtime):
    (refused,) = preflight(packed["first"], memory_mib=20).refused
    assert "signal: killed" in refused.detail


@pytest.mark.parametrize(
    ("system", "libc", "machine", "why"),
    [
        ("Darwin", ("", ""), "x86_64", "this machine runs Darwin without glibc"),
        ("Linux", ("", ""), "x86_64", "this machine runs Linux without glibc"),
        ("Linux", ("glibc", "2.36"), "aarch64", "this machine is aarch64, the package for x86_64"),
    ],
)
def test_where_it_can_not_be_started_it_is_not_tried_and_nothing_is_refused(
    packed, target_python, monkeypatch, system, libc, machine, why
):
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "libc_ver", lambda: libc)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    found = preflight(packed["first"])
    assert (found.refused, found.measured) == ([], None)
    assert found.checks[-1].detail == f"not tried: {why}" + (
        ", Lambda runs Linux with it" if "without" in why else ""
    )


def test_a_package_that_was_tampered_with_is_refused(packages, tmp_path):
    torn = altered(
        packages["first"],
        tmp_path / "p.zip",
        lambda files, _: files.pop("bundle/model.tflite"),
        honest=False,
    )
    assert reasons(torn) == {
        "whole": "bundle/model.tflite: not as it was packed. Pack the bundle again."
    }


def test_what_is_no_package_is_one_line(scenelet, tmp_path):
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    for content, message in (
        (b"hello", "not a package of scenelet"),
        (buffer.getvalue(), "not a package of scenelet"),
    ):
        (tmp_path / "p.zip").write_bytes(content)
        done = scenelet("preflight", tmp_path / "p.zip")
        assert (done.code, len(done.err.splitlines())) == (1, 1)
        assert message in done.err
    assert "can't be read" in scenelet("preflight", tmp_path / "none.zip").err


def test_the_command_shows_a_table_and_refuses_with_the_reason(
    scenelet, packages, tmp_path, runtime
):
    done = scenelet("preflight", packages["first"])
    assert done.code == 0
    assert "recommended" in done.out
    torn = altered(
        packages["first"],
        tmp_path / "p.zip",
        lambda files, _: files.pop("bundle/model.tflite"),
        honest=False,
    )
    refused = scenelet("preflight", torn, "--json")
    assert refused.code == 1
    assert json.loads(refused.out)["refused"] == ["whole"]
    assert "refused: whole: bundle/model.tflite" in refused.err
