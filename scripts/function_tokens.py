"""Count the tokens of each function of src: how much a reader holds in the head at once.

Comments, docstrings, line ends and indentation don't count; an inner function counts in its outer
one and by itself.
The house's goal: median at most 60, p90 at most 180.

    python scripts/function_tokens.py
    python scripts/function_tokens.py --room serve --worst 20
"""

import argparse
import ast
import io
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

SRC = Path(__file__).resolve().parents[1] / "src" / "scenelet"
MEDIAN_GOAL, P90_GOAL = 60, 180
SILENT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """One function and its size in tokens."""

    room: str
    place: str
    name: str
    tokens: int


def functions_of(path: Path, source: Path) -> Iterator[Function]:
    """Measure every function of one module."""
    text = path.read_text("utf-8")
    loud = [
        token.start
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in SILENT
    ]
    inside = path.relative_to(source)
    room = inside.parts[0] if len(inside.parts) > 1 else "ground floor"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, FunctionNode):
            yield Function(room, f"{inside}:{node.lineno}", node.name, _tokens(node, loud))


def _tokens(node: FunctionNode, loud: list[tuple[int, int]]) -> int:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    within = sum(first <= line <= (node.end_lineno or line) for line, _ in loud)
    docstrings = sum(
        ast.get_docstring(inner) is not None
        for inner in ast.walk(node)
        if isinstance(inner, FunctionNode | ast.ClassDef)
    )
    return within - docstrings


def p90(sizes: list[int]) -> float:
    """The size that nine of ten don't pass."""
    return quantiles(sizes, n=10, method="inclusive")[-1] if len(sizes) > 1 else sizes[0]


def _row(name: str, sizes: list[int]) -> str:
    return f"{name:<14}{len(sizes):>10}{median(sizes):>8.0f}{p90(sizes):>6.0f}{max(sizes):>6}"


def report(functions: list[Function], worst: int) -> list[str]:
    """Say it: the whole, each room, the worst."""
    rooms = defaultdict(list)
    for function in functions:
        rooms[function.room].append(function.tokens)
    lines = [f"{'room':<14}{'functions':>10}{'median':>8}{'p90':>6}{'max':>6}"]
    lines += [_row(room, sizes) for room, sizes in sorted(rooms.items())]
    lines.append(_row("all", [function.tokens for function in functions]))
    lines.append(f"{'goal':<24}{MEDIAN_GOAL:>8}{P90_GOAL:>6}")
    largest = sorted(functions, key=lambda function: -function.tokens)[:worst]
    return [*lines, "", *(f"{one.tokens:>6}  {one.place}  {one.name}" for one in largest)]


def main() -> int:
    """Print the counts; end with 1 above the goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--src", type=Path, default=SRC, help="folder with Python modules")
    parser.add_argument("--room", help="only this room")
    parser.add_argument("--worst", type=int, default=10, help="how many of the largest to name")
    arguments = parser.parse_args()
    functions = [
        function
        for path in sorted(arguments.src.rglob("*.py"))
        for function in functions_of(path, arguments.src)
        if arguments.room in (None, function.room)
    ]
    if not functions:
        parser.error(f"no function in {arguments.src} {arguments.room or ''}")
    print("\n".join(report(functions, arguments.worst)))
    sizes = [function.tokens for function in functions]
    return int(median(sizes) > MEDIAN_GOAL or p90(sizes) > P90_GOAL)


if __name__ == "__main__":
    sys.exit(main())
