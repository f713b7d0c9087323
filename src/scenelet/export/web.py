"""A bundle as a folder that any static host serves: one page that answers in the browser itself.

The model is the bundle's own, its outputs as floats, run by LiteRT's WebAssembly; resizing is our
own code and equals Pillow's bit for bit. The page's policy lets it ask nothing but its own host.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenelet.artefacts import whole_folder, write_files, write_text
from scenelet.bundle.contract import DISTANCE, LITERT, Contract, read_contract, verify_files
from scenelet.bundle.plain import as_plain
from scenelet.export.graph import with_float_outputs
from scenelet.export.npm import Package, cache_folder, fetch_package, taken
from scenelet.export.web_speed import measured
from scenelet.text import markdown

SITE = Path(__file__).with_name("site")
RUNTIME = Package(
    "@litertjs/core",
    "2.5.3",
    "PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
)
LOADER = Package(
    "@litertjs/wasm-utils",
    "2.5.3",
    "4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
)
_LOADED = {"dist/index.js": "wasm-utils.js"}
_RUN = {
    "dist/index.js": "litert.js",
    **{
        f"wasm/litert_wasm{kind}_internal.{end}": f"litert_wasm{kind}_internal.{end}"
        for kind in ("", "_compat")  # for browsers with relaxed SIMD, and for those without
        for end in ("js", "wasm")
    },
}


@dataclass(frozen=True)
class Web:
    """What was written.

    Attributes:
        folder: To be served.
        size_bytes: Of all files.
        loaded_bytes: Of those that one browser loads.
        speed: Frames a second in a browser here, in words; "" where nobody measured.
    """

    folder: Path
    size_bytes: int
    loaded_bytes: int
    speed: str = ""


def export_web(bundle: Path, out: Path, cache: Path | None = None, browser: str = "") -> Web:
    """Write the folder.

    Args:
        bundle: Folder; checked first.
        out: Folder; an older one of this kind is replaced.
        cache: Where LiteRT for the browser is kept.
        browser: Of this machine, to measure how quick the page is in it; "" for none.

    Raises:
        BundleError: The bundle can't be trusted or read.
        MissingExtraError: npm is not installed.
        ConfigError: LiteRT for the browser can't be fetched.
        ArtefactError: `out` can't be written.
    """
    contract = read_contract(bundle)
    models = verify_files(bundle, contract, only=(LITERT, DISTANCE))
    files = {
        **{path.name: path.read_bytes() for path in sorted(SITE.iterdir()) if path.is_file()},
        **{f"litert/{name}": content for name, content in _runtime(cache).items()},
        **{name: with_float_outputs(content) for name, content in models.items()},
        "model.json": _described(contract),
    }
    spared = sum(len(content) for name, content in files.items() if "_compat_" in name)
    total = sum(map(len, files.values()))
    with whole_folder(out) as folder:
        (folder / "litert").mkdir()
        write_files(folder, files)
        speed = measured(folder, browser) if browser else ""
        write_text(folder / "README.md", _readme(contract, total - spared, speed))
    return Web(out, total, total - spared, speed)


def _runtime(cache: Path | None) -> dict[str, bytes]:
    """LiteRT's files; its one bare import names the file beside it, as there is no bundler."""
    cache = cache or cache_folder()
    files = taken(fetch_package(RUNTIME, cache), _RUN) | taken(
        fetch_package(LOADER, cache), _LOADED
    )
    script = files["litert.js"].replace(b'"@litertjs/wasm-utils"', b'"./wasm-utils.js"')
    return {**files, "litert.js": script}


def _described(contract: Contract) -> bytes:
    """What the page needs of the contract, as JSON."""
    described: dict[str, Any] = {
        "name": contract.name,
        "names": contract.class_names,
        "spec": as_plain(contract.preprocess),
        "temperature": contract.temperature,
        "rules": {
            "abstain_below": contract.abstain_below,
            "set_thresholds": contract.prediction_sets.thresholds,
            "stranger_above": contract.stranger_above,
        },
        "stranger_score": contract.stranger_score,
        "stranger_scales": as_plain(contract.stranger_scales),
        "seen": as_plain(contract.seen),
    }
    return (json.dumps(described, indent=1) + "\n").encode()


def _readme(contract: Contract, loaded_bytes: int, speed: str) -> str:
    quick = speed or "not measured here; the page shows the frames a second of your device"
    return f"""# {markdown(contract.name)}, in the browser

Serve this folder from any static host, over HTTPS if the camera shall be used; to try it here:
`python -m http.server`. A browser loads {loaded_bytes / 1e6:.1f} MB once. Pictures never leave the
device: the policy of the page lets it ask nothing but its own host, for its own files.

Speed: {quick}.

Weights: {markdown(contract.licence)}. In `litert/`: {RUNTIME.name} {RUNTIME.version} and
{LOADER.name} {LOADER.version} of the npm registry (Apache-2.0), unchanged but for one import. The
rest is scenelet's (Apache-2.0).
"""
