"""Which modules of scenelet the handler may import: computed from the sources, nothing is run."""

import ast
from pathlib import Path


def handler_modules(root: Path, start: str = "scenelet.serve.aws_lambda") -> list[str]:
    """Paths, relative to `root`, of the modules that the handler may import, lazily or not.

    Args:
        root: Folder that the package `scenelet` lies in.
        start: Dotted name to begin with.
    """
    found: set[str] = set()
    waiting = [start]
    while waiting:
        path = _module_path(root, waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        waiting += [name for name in _imports(root / path) if name.startswith("scenelet")]
    return sorted(found | {(Path(path).parent / "__init__.py").as_posix() for path in found})


def _module_path(root: Path, name: str) -> str | None:
    """A dotted name as a path below `root`; a name inside a module is that module."""
    parts = name.split(".")
    for path in ("/".join(parts) + ".py", "/".join(parts) + "/__init__.py"):
        if (root / path).is_file():
            return path
    return _module_path(root, name.rpartition(".")[0]) if len(parts) > 1 else None


def _imports(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [name for node in ast.walk(tree) for name in _imported(node)]


def _imported(node: ast.AST) -> list[str]:
    """The names that a statement imports, if it is one that does."""
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
