import json
import subprocess
import sys
import venv
import zipfile

import pytest
from commands import REPOSITORY

from scenelet.deploy import wheels
from scenelet.deploy.modules import handler_modules
from scenelet.deploy.package import package_image, package_zip
from scenelet.deploy.target import Target, find_interpreter
from scenelet.errors import BundleTamperedError, ConfigError, PackageError
from scenelet.shipped import default_bundle

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def names(packages):
    return zipfile.ZipFile(packages["first"]).namelist()


def test_packing_again_elsewhere_gives_the_same_bytes(shipped_bundle, packages, tmp_path):
    again = package_zip(shipped_bundle, tmp_path / "deep" / "er" / "again.zip", Target())
    assert again.path.read_bytes() == packages["first"].read_bytes()


def test_a_package_is_the_same_where_ray_is_not_installed(shipped_bundle, packages, tmp_path):
    code = (
        "import sys; sys.modules['ray'] = None\n"
        "from pathlib import Path\n"
        "from scenelet.deploy.package import package_zip\n"
        "from scenelet.deploy.target import Target\n"
        f"package_zip(Path({str(shipped_bundle)!r}), Path({str(tmp_path / 'p.zip')!r}), Target())"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "p.zip").read_bytes() == packages["first"].read_bytes()


def test_an_environment_without_pip_is_told_what_to_do(tmp_path, monkeypatch):
    """As uv and pipx make them."""
    venv.create(tmp_path / "bare", with_pip=False)
    monkeypatch.setattr(wheels.sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(PackageError, match=r"pip is not in this environment.*uv pip install pip"):
        wheels.fetch_wheels(Target(), tmp_path / "cache")


def test_the_shipped_bundle_packs_into_fourteen_megabytes(tmp_path):
    assert package_zip(default_bundle(), tmp_path / "p.zip", Target()).zip_bytes < 14e6


def test_it_holds_what_serving_needs_and_no_more(names):
    tops = {name.split("/")[0] for name in names}
    assert tops == {
        "scenelet",
        "PIL",
        "pillow.libs",
        "ai_edge_litert",
        "bundle",
        "licenses",
        "sbom.cdx.json",
        "package.json",
    }
    assert "bundle/model.onnx" not in names
    assert [name for name in names if name.startswith("ai_edge_litert/")] == [
        "ai_edge_litert/libLiteRt.so"
    ]
    assert not [
        name for name in names if "test" in name.lower() or ".dist-info" in name or "numpy" in name
    ]
    assert {name.split("/")[1] for name in names if name.startswith("scenelet/")} == {
        "__init__.py", "__pycache__", "addresses.py", "bundle", "errors.py", "fetch.py",
        "image_colour.py", "image_formats.py", "inflate.py", "uri.py",
        "image_memory.py", "image_repair.py", "images.py", "records.py", "serve", "shipped.py",
    }  # fmt: skip
    assert not [name for name in names if "serve/http" in name or "serve/batch" in name]


def test_modules_that_are_imported_late_are_found():
    modules = handler_modules(REPOSITORY / "src")
    assert {
        "scenelet/serve/s3.py",
        "scenelet/serve/presigned.py",
        "scenelet/fetch.py",
        "scenelet/serve/__init__.py",
    } <= set(modules)
    rooms = {path.split("/")[1] for path in modules if path.count("/") > 1}
    assert rooms == {"bundle", "serve"}


def test_bytecode_survives_the_zip(packages, names):
    if find_interpreter(Target().python) is None:
        pytest.skip(f"there is no Python {Target().python} on this machine to compile with")
    compiled = [name for name in names if name.endswith(".pyc")]
    assert len(compiled) == len([name for name in names if name.endswith(".py")])
    with zipfile.ZipFile(packages["first"]) as archive:
        assert {archive.read(name)[4] for name in compiled} == {
            0b01
        }  # hash-based, unchecked: no date, no look at the source


def test_the_bill_of_materials_names_every_wheel_and_the_model(packages):
    with zipfile.ZipFile(packages["first"]) as archive:
        bill = json.loads(archive.read("sbom.cdx.json"))
    assert bill["bomFormat"] == "CycloneDX"
    assert [each["name"] for each in bill["components"]] == [
        "pillow",
        "ai-edge-litert",
        "intel-scenes",
    ]
    assert all(len(each["hashes"][0]["content"]) == 64 for each in bill["components"])


def test_every_licence_is_in_it(names):
    assert {"licenses/pillow/LICENSE", "licenses/ai-edge-litert/LICENSE"} <= set(names)


def test_an_image_s_folder_holds_the_same_files_and_a_dockerfile(shipped_bundle, names, tmp_path):
    made = package_image(shipped_bundle, tmp_path / "image", Target())
    files = {
        path.relative_to(made.path / "task").as_posix()
        for path in (made.path / "task").rglob("*")
        if path.is_file()
    }
    assert files == set(names)
    assert "ARG BASE=" in (made.path / "Dockerfile").read_text()


def test_a_tampered_bundle_is_not_packed(shipped_bundle, tmp_path):
    import shutil

    copy = shutil.copytree(shipped_bundle, tmp_path / "copy")
    (copy / "golden" / "buildings.jpg").write_bytes(b"x")
    with pytest.raises(BundleTamperedError):
        package_zip(copy, tmp_path / "p.zip", Target())
    assert not (tmp_path / "p.zip").exists()


def test_a_target_that_lambda_has_not_is_refused():
    for values, message in (
        ({"python": "3.11"}, "--python: found '3.11'"),
        ({"architecture": "mips"}, "--arch: found 'mips'"),
    ):
        with pytest.raises(ConfigError, match=message):
            Target(**values)


def test_package_tells_what_it_wrote_and_what_comes_next(scenelet, shipped_bundle, tmp_path):
    done = scenelet("package", shipped_bundle, "--out", tmp_path / "p.zip")
    assert done.code == 0
    assert "wrote package of" in done.out
    assert done.out.splitlines()[-1] == f"next: scenelet preflight {tmp_path / 'p.zip'}"


def test_deploying_needs_its_extra_and_says_so(shipped_bundle):
    code = "import sys; sys.modules['elftools'] = None; from scenelet.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "package", shipped_bundle],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'scenelet[aws]'" in done.stderr
