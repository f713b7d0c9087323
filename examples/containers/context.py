"""A folder to build the image of a service from: the modules that it imports, their packages, a bundle.

    python examples/containers/context.py --bundle bundles/photos --out context
    buildah bud -t scenes context          # or docker build, podman build

Pillow and LiteRT are cut down as for Lambda (`scenelet package`); FastAPI and uvicorn come as they are.
Neither numpy nor a compiler is in it. Needs the extras serve and aws.
"""

import argparse
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from scenelet.bundle.contract import CONTRACT, DISTANCE, LITERT, read_contract, verify_files
from scenelet.deploy.modules import handler_modules
from scenelet.deploy.target import Target
from scenelet.deploy.wheels import cache_folder, fetch_wheels
from scenelet.serve.page import PAGE
from scenelet.shipped import default_bundle

HERE = Path(__file__).parent
DOOR, WEB = "scenelet.serve.http", ("fastapi", "uvicorn", "prometheus-client")


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--bundle", type=Path, default=default_bundle())
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--arch", default="x86_64", choices=["x86_64", "arm64"])
    chosen = parser.parse_args()
    app, target = chosen.out / "app", Target(architecture=chosen.arch)
    install(app, target)
    contract = read_contract(chosen.bundle)
    golden = (each.file for each in contract.golden)
    files = verify_files(chosen.bundle, contract, only=(LITERT, DISTANCE, *golden))
    files[CONTRACT] = (chosen.bundle / CONTRACT).read_bytes()
    write(app / "bundle", files)
    source = Path(sys.modules["scenelet"].__file__ or "").parents[1]
    own = (*handler_modules(source, DOOR), PAGE.relative_to(source).as_posix())
    write(app, {name: (source / name).read_bytes() for name in own})
    for wheel in fetch_wheels(target, cache_folder()):
        write(app, wheel.files)
    shutil.copy(HERE / "Containerfile", chosen.out)
    print(f"next: buildah bud -t {contract.name} {chosen.out}")


def install(app: Path, target: Target) -> None:
    """The packages of the web server, in the versions that are installed here."""
    platforms = [word for tag in target.platforms for word in ("--platform", tag)]
    wanted = [f"{name}=={version(name)}" for name in WEB]
    options = [
        "--quiet",
        "--no-compile",
        "--only-binary=:all:",
        f"--python-version={target.python}",
    ]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        *options,
        *platforms,
        "--target",
        str(app),
        *wanted,
    ]
    subprocess.run(command, check=True)
    for litter in (app / "bin", *app.glob("fastapi/.agents")):
        shutil.rmtree(litter, ignore_errors=True)


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Files of a folder: path -> content."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
