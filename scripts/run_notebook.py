"""Run a notebook top to bottom in this process and write its outputs back, without needing Jupyter.

    python scripts/run_notebook.py notebooks/intel-scenes.ipynb [--out EXECUTED.ipynb]

Printed text, the value of a cell's last expression and matplotlib figures become outputs, as
Jupyter would show them.
"""

import argparse
import ast
import base64
import contextlib
import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image

WIDEST_PX, COLOURS = 1000, 64
EXECUTED = "executed"  # in a cell's metadata


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """Execute the code cells in order; the first error ends it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            count += 1
            source = "".join(cell["source"])
            cell["execution_count"] = count
            cell["outputs"] = execute(source, names, f"cell {count}")
            cell["metadata"][EXECUTED] = fingerprint(source)
    return notebook


def fingerprint(source: str) -> str:
    """Of a cell's code, kept beside its outputs: whether they are of the code that stands there."""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def execute(source: str, names: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """Run one cell and collect what it shows."""
    tree = ast.parse(source, where)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, where, "exec"), names)  # noqa: S102  (this is what a notebook is)
        value = None
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), where, "eval"), names)  # noqa: S307
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        outputs.append(
            {
                "output_type": "stream",
                "name": "stdout",
                "text": printed.getvalue().splitlines(keepends=True),
            }
        )
    if value is not None:
        outputs.append({"output_type": "display_data", "metadata": {}, "data": shown(value)})
    return outputs


def shown(value: Any) -> dict[str, Any]:
    """A value as Jupyter's MIME bundle."""
    if hasattr(value, "savefig"):
        buffer = io.BytesIO()
        value.savefig(buffer, format="png", bbox_inches="tight", facecolor="white")
        picture = Image.open(buffer).convert("RGB")
    elif isinstance(value, Image.Image):
        picture = value
    else:
        return {"text/plain": repr(value).splitlines(keepends=True)}
    return {"image/png": png(picture), "text/plain": [f"<{type(value).__name__}>"]}


def png(picture: Image.Image) -> str:
    """As base64, small enough for a repository."""
    picture.thumbnail((WIDEST_PX, WIDEST_PX))
    buffer = io.BytesIO()
    picture.quantize(COLOURS).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--out", type=Path, help="default: the notebook itself")
    arguments = parser.parse_args()
    notebook = run(json.loads(arguments.notebook.read_text(encoding="utf-8")))
    target: Path = arguments.out or arguments.notebook
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote {target}: {target.stat().st_size / 1000:.0f} kB", file=sys.stderr)


if __name__ == "__main__":
    main()
