"""The import rules of docs/architecture.md, held by machine."""

import ast
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from commands import REPOSITORY

SOURCE = REPOSITORY / "src" / "scenelet"
FOUNDATION = {
    "errors",
    "addresses",
    "fetch",
    "inflate",
    "uri",
    "images",
    "image_colour",
    "image_formats",
    "image_likeness",
    "image_memory",
    "image_repair",
    "records",
    "artefacts",
    "shipped",
    "quiet",
    "progress",
    "parallel",
    "engine",
    "shelf",
    "lease",
    "locks",
    "resources",
    "extras",
    "scratch",
    "files",
    "grouped",
    "names",
    "text",
}
MAY_IMPORT = {  # room -> other rooms; the foundation may be imported by all
    "dataset": set(),
    "runs": {"dataset"},
    "bundle": set(),
    "report": set(),
    "answers": {"dataset", "bundle"},
    "assess": {"dataset", "bundle", "answers", "report", "learn"},
    "explore": {"dataset", "bundle", "answers", "report"},
    "learn": {"dataset", "bundle", "runs"},
    "export": {"dataset", "bundle", "answers", "assess", "learn", "report", "runs"},
    "tune": {"dataset", "bundle", "answers", "report", "assess", "learn", "export", "runs"},
    "serve": {"bundle"},
    "deploy": {"bundle", "serve"},
    "cluster": {"dataset", "runs", "learn", "tune"},
    "app": {
        "bundle",
        "dataset",
        "answers",
        "assess",
        "serve",
        "deploy",
        "explore",
        "report",
        "runs",
    },
}
MODULES = sorted(SOURCE.rglob("*.py"))


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path):
    """Dotted scenelet modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name.removeprefix("scenelet.") for name in found if name.startswith("scenelet.")}


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_lies_upstream(room):
    for path in (SOURCE / room).rglob("*.py"):
        for name in imports_of(path):
            target = name.split(".")[0]
            assert target in MAY_IMPORT[room] | FOUNDATION | {room}, f"{path.name} imports {name}"


def test_every_room_has_a_rule():
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms - {"cli", "models", "recipes"} == set(MAY_IMPORT) - {"answers"}


def test_no_import_cycles():
    graph = {}
    for path in MODULES:
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        graph[name] = imports_of(path)
    done, open_ = set(), []

    def visit(name):
        assert name not in open_, f"import cycle: {' -> '.join([*open_, name])}"
        if name in done or name not in graph:
            return
        open_.append(name)
        for other in graph[name]:
            visit(other)
        open_.pop()
        done.add(name)

    for name in graph:
        visit(name)


def modules_after(statement, blocked=()):
    """Top-level modules loaded by a statement in a fresh process, with some made impossible to import."""
    code = (
        f"import sys, json\nfor name in {list(blocked)!r}: sys.modules[name] = None\n{statement}\n"
    )
    code += (
        "print(json.dumps(sorted({n.split('.')[0] for n, m in sys.modules.items() if m is not"
        " None})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


HEAVY = (
    "numpy",
    "torch",
    "pandas",
    "typer",
    "rich",
    "lightning",
    "transformers",
    "yaml",
    "onnxruntime",
    "matplotlib",
    "scipy",
    "sklearn",
    "ray",
)


def test_the_lambda_handler_answers_with_everything_heavy_blocked(bundle):
    picture = (bundle / "golden" / "buildings.jpg").as_posix()
    statement = (
        f"import os, base64; os.environ['SCENELET_BUNDLE'] = {str(bundle)!r}\nfrom"
        " scenelet.serve.aws_lambda import handler\nanswer = handler({'image':"
        f" base64.b64encode(open({picture!r}, 'rb').read()).decode()}}, None)\nassert"
        " answer['label'] in answer['probabilities'], answer"
    )
    assert not modules_after(statement, blocked=HEAVY) & set(HEAVY)


def test_the_lambda_handler_imports_nothing_heavy():
    loaded = modules_after("import scenelet.serve.aws_lambda")
    assert not loaded & {*HEAVY, "http", "ssl", "urllib"} - {"urllib"}


def test_help_imports_nothing_heavy():
    statement = "import scenelet.cli.main, typer; typer.main.get_command(scenelet.cli.main.app)"
    assert not modules_after(statement) & {*HEAVY, "PIL", "ai_edge_litert"} - {"typer", "rich"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(Path(path).relative_to(SOURCE)))
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(tree_of(path)), path


def foreign_imports_of(path):
    """Top-level names of what a file imports from outside, anywhere in it."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
    return found


def rooms_that_import(package):
    return {
        path.relative_to(SOURCE).parts[0] for path in MODULES if package in foreign_imports_of(path)
    }


def test_rich_is_imported_by_the_command_line_and_by_progress_alone():
    assert rooms_that_import("rich") == {"cli", "progress.py"}


def test_streamlit_is_imported_by_the_app_alone():
    assert rooms_that_import("streamlit") == {"app"}


def test_ray_is_imported_by_its_own_room_alone():
    assert rooms_that_import("ray") <= {"cluster"}


def test_commands_on_this_machine_load_nothing_of_ray(painted, bundle, tmp_path):
    predict = ["predict", str(painted / "seg_test" / "sea"), "--bundle", str(bundle)]
    evaluate = ["evaluate", str(bundle), str(painted), "--part", "val", "--json"]
    loaded = modules_after(
        "import sys; from scenelet.cli.main import app\n"
        f"for words in ({[*predict, '--out', str(tmp_path / 'answers')]!r}, {evaluate!r}):\n"
        "    sys.argv = ['scenelet', *words]; app(standalone_mode=False)"
    )
    assert (tmp_path / "answers" / "summary.json").is_file()
    assert "ray" not in loaded


def functions_named(name):
    return [
        path.relative_to(SOURCE).as_posix()
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]


def test_a_manifest_is_the_table_of_images_and_is_read_in_one_place():
    assert functions_named("read_manifest") == ["dataset/manifest.py"]


def opens_images(path):
    """Whether a module gets at the bytes of files by the walker's `read`, or decodes by itself."""
    tree = tree_of(path)
    imported = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    called = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return "scenelet.files.read" in imported or bool(called & {"files.read", "Image.open"})


def test_images_of_a_data_set_are_opened_in_one_module():
    openers = {path.relative_to(SOURCE).as_posix() for path in MODULES if opens_images(path)}
    assert {name for name in openers if name.startswith("dataset/")} == {"dataset/sources.py"}
    # a batch walks a folder without labels; robustness reads back the JPEG that it has just made
    assert openers - {"dataset/sources.py", "images.py"} == {
        "serve/batch.py",
        "assess/robustness.py",
    }


TORCH_FREE = ("dataset", "runs", "bundle", "serve", "report", "cli")


def test_no_module_of_the_torch_free_rooms_needs_what_windows_lacks_to_be_imported():
    names = [
        "scenelet." + ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        for path in MODULES
        if path.relative_to(SOURCE).parts[0] in TORCH_FREE or path.parent == SOURCE
    ]
    statement = "\n".join(
        f"import {name.removesuffix('.__init__')}" for name in names if "__main__" not in name
    )
    loaded = modules_after(statement, blocked=("fcntl", "resource", "pwd", "grp", "termios"))
    assert "torch" not in loaded
