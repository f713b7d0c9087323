"""`scenelet predict`: by a bundle here, or by a deployed endpoint.

Needs Pillow and LiteRT alone.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenelet.cli.cluster import Machines, on_machines
from scenelet.cli.options import Bundle, TrustHost
from scenelet.cli.output import Columns, needs_extra, note, stdout, tell_json, wrote
from scenelet.text import elided, listed, one_line

if TYPE_CHECKING:
    from scenelet.files import Entry
    from scenelet.serve.batch import Pictures

Answer = dict[str, Any]
Ask = Callable[[str], Answer]

Asked = Annotated[
    list[str],
    typer.Argument(metavar="PATH|FOLDER|URL...", help="Images, folders of images, http(s) URLs."),
]
Table = Annotated[
    Path | None,
    typer.Option(
        help="For one folder: table to write (.parquet, .csv, .jsonl), or a folder of numbered"
        " parts; goes on where it was killed."
    ),
]
Service = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Ask a deployed service instead; signed if it asks for that."),
]
Original = Annotated[
    bool,
    typer.Option(
        "--original",
        help="For --endpoint: send large pictures as they are, not as a JPEG of 1,024 pixels.",
    ),
]
LineByLine = Annotated[
    bool, typer.Option("--json", help="One JSON object a line, as soon as it is known.")
]
COLUMNS = (("image", 40), ("label", 20), ("", 6), ("next", 24), ("remark", 26), ("ms", 6))
WIDE = sum(width + 2 for _, width in COLUMNS)
NARROW = (("image", 18), ("label", 14), ("", 6), ("next", 16), ("remark", 18))  # of 80 letters


@on_machines
def predict(
    sources: Asked,
    *,
    bundle: Bundle = None,
    trust_host: TrustHost = None,
    out: Table = None,
    endpoint: Service = None,
    original: Original = False,
    as_json: LineByLine = False,
    machines: Machines,
) -> None:
    """Classify images.

    Exit code 1 if any of them could not be used; the others are answered all the same.

    Example: `scenelet predict holiday.jpg photos/ https://example.org/beach.jpg`
    or, a table of a whole folder: `scenelet predict photos --out photos.parquet`
    or, as parts on a cluster: `scenelet predict s3://b/photos --out s3://b/answers/ --engine ray`
    or, by a deployed service: `scenelet predict --endpoint
    https://example.execute-api.eu-central-1.amazonaws.com photo.jpg`
    """
    from scenelet.errors import ConfigError
    from scenelet.shipped import default_bundle

    folder = bundle or default_bundle()
    if out and (machines.is_cluster or not out.suffix):
        _predict_parts(sources, folder, out, machines)
        return
    if machines.is_cluster:
        raise ConfigError("--engine ray: answers a folder into parts; give --out ANSWERS/")
    if out:
        _predict_folder(sources, folder, out)
        return
    ask = (
        _by_service(endpoint, original)
        if endpoint
        else _by_bundle(folder, frozenset(trust_host or ()))
    )
    passed_over: list[Entry] = []
    answers = _Counted(_answer(ask, source) for source in _expand(sources, passed_over))
    (_print_json if as_json else _print_table)(answers)
    if any(Path(source).is_dir() for source in sources):
        _print_account(answers.answered, answers.errors, passed_over)
    if answers.errors:
        raise typer.Exit(1)


def _by_service(endpoint: str, original: bool) -> Ask:
    from scenelet.serve.client import Endpoint

    asked = Endpoint(endpoint)
    return lambda source: asked.predict(
        source if _is_url(source) else _read(source, frozenset()), original
    )


def _by_bundle(folder: Path, trusted: frozenset[str]) -> Ask:
    from scenelet.quiet import quiet
    from scenelet.serve.predictor import Predictor

    with quiet():
        predictor = Predictor(folder)
    return lambda source: predictor.predict(_read(source, trusted)).as_dict()


def _predict_folder(sources: list[str], bundle: Path, out: Path) -> None:
    from scenelet.dataset.sink import placed
    from scenelet.parallel import cores
    from scenelet.progress import ConsoleProgress
    from scenelet.quiet import quiet
    from scenelet.serve.batch import predict_folder
    from scenelet.serve.predictor import Predictor

    place = _the_place(sources, out)
    with quiet():
        predictor = Predictor(bundle, copies=cores())
    passed_over: list[Entry] = []
    total = sum(1 for _ in _pictures(place.entries(), passed_over))
    progress = ConsoleProgress().counting("predicting", total)
    with needs_extra("serve"), progress as advance, placed(out) as local:
        rows, errors = predict_folder(predictor, place, local, advance)
    _print_account(rows - errors, ["could not be used: their rows say why"] * errors, passed_over)
    wrote(f"table of {rows:,} rows", out)


def _predict_parts(sources: list[str], bundle: Path, out: Path, machines: Machines) -> None:
    from scenelet.artefacts import make_folder
    from scenelet.dataset.address import address_of
    from scenelet.dataset.bucket import shelf_at
    from scenelet.engine import InProcess
    from scenelet.errors import ConfigError
    from scenelet.parallel import cores
    from scenelet.progress import ConsoleProgress

    if out.suffix:
        raise ConfigError(
            f"--out: found {out.name}; --engine ray writes a folder of parts, so a name without"
            f" {out.suffix}"
        )
    with needs_extra("serve"):
        from scenelet.serve.parts import predict_parts
    place, copies = _pictures_at(sources), 1 if machines.is_cluster else cores()
    if not address_of(str(out)):
        make_folder(out)
    with machines.engine(InProcess(), sources[0], out) as engine:
        done = predict_parts(bundle, place, shelf_at(out), engine, copies, ConsoleProgress())
    rows, errors = done
    _print_account(rows - errors, ["could not be used: their rows say why"] * errors, [])
    wrote(f"parts of {rows:,} rows", out)


def _the_place(sources: list[str], out: Path) -> "Pictures":
    from scenelet.errors import ConfigError

    place = _pictures_at(sources)
    if out.exists():
        raise ConfigError(
            f"{out}: is there already. Remove it to answer the folder again, or give another --out."
        )
    return place


def _pictures_at(sources: list[str]) -> "Pictures":
    from scenelet.dataset.address import address_of
    from scenelet.dataset.sources import Folder, source_of
    from scenelet.errors import ConfigError

    place = sources[0]
    if len(sources) != 1 or not (Path(place).is_dir() or address_of(place)):
        raise ConfigError(f"--out: found {', '.join(sources[:3])}, expected one folder of pictures")
    found = source_of(place)
    return Folder(Path(place).resolve()) if isinstance(found, Folder) else found


class _Counted:
    """Answers on their way to the screen, counted."""

    def __init__(self, answers: Iterator[Answer]) -> None:
        self.answered, self.errors, self._answers = 0, list[str](), answers

    def __iter__(self) -> Iterator[Answer]:
        for answer in self._answers:
            if "error" in answer:
                self.errors.append(answer["error"])
            else:
                self.answered += 1
            yield answer


def _print_account(answered: int, errors: list[str], passed_over: "list[Entry]") -> None:
    from scenelet.files import account

    note(account(answered, errors, passed_over))


def _pictures(entries: "Iterable[Entry]", passed_over: "list[Entry]") -> Iterator[str]:
    """Paths of the pictures among entries; everything else is noted."""
    for entry in entries:
        if entry.reason:
            passed_over.append(entry)
        else:
            yield entry.path


def _expand(sources: list[str], passed_over: "list[Entry]") -> Iterator[str]:
    from scenelet.files import walk
    from scenelet.names import printable

    for source in sources:
        if not _is_url(source) and Path(source).is_dir():
            pictures = _pictures(walk(Path(source)), passed_over)
            first = next(pictures, None)
            paths = chain([first], pictures) if first else ()
            yield from (f"{printable(source)}/{path}" for path in paths)
            if not first:
                yield printable(source)
        else:
            yield printable(source)


def _answer(ask: Ask, source: str) -> Answer:
    from scenelet.errors import SceneletError

    try:
        return {"source": source, **ask(source)}
    except SceneletError as error:
        return {"source": source, "error": str(error)}


def _read(source: str, trusted: frozenset[str]) -> bytes:
    if _is_url(source):
        from scenelet.fetch import FetchLimits, fetch

        return fetch(source, FetchLimits(trusted=trusted))
    return _read_file(source)


def _read_file(source: str) -> bytes:
    from scenelet.errors import UnreadableImageError
    from scenelet.names import raw

    try:
        return _bytes_of(Path(raw(source)))
    except IsADirectoryError as error:
        raise UnreadableImageError(
            "folder without an image; give images, a folder of images, or a URL"
        ) from error
    except (OSError, ValueError) as error:
        raise UnreadableImageError(
            f"can't be read: {getattr(error, 'strerror', None) or error}"
        ) from error


def _bytes_of(path: Path) -> bytes:
    """Of a file, or of what another program sends; a device may never end."""
    if path.is_char_device() or path.is_block_device():
        raise ValueError("a device, no file")
    return path.read_bytes()


def _is_url(source: str) -> bool:
    return "://" in source


def _print_json(answers: Iterable[Answer]) -> None:
    for answer in answers:
        tell_json(answer)


def _print_table(answers: Iterable[Answer]) -> None:
    """A row as soon as it is known; errors on stderr."""
    shown = COLUMNS if not sys.stdout.isatty() or stdout().width >= WIDE else NARROW
    columns = Columns(shown)
    for answer in answers:
        if "error" in answer:
            note(f"{answer['source']}: {answer['error']}", "red")
        else:
            columns.tell(_cells(answer)[: len(shown)])


def _cells(answer: Answer) -> tuple[str, ...]:
    ranked = list(answer["probabilities"].items())
    total_ms = answer["decode_ms"] + answer["inference_ms"]
    return (
        answer["source"],
        answer["label"],
        f"{answer['probability']:.1%}",
        f"{elided(one_line(ranked[1][0]), 18)} {ranked[1][1]:.1%}",
        _remark(answer),
        f"{total_ms:.1f}",
    )


def _remark(answer: Answer) -> str:
    """What to mind, or the other classes that are still possible, if not all are."""
    if answer["is_stranger"]:
        return "none of my classes"
    others = [name for name in answer.get("prediction_set") or () if name != answer["label"]]
    if answer["abstains"] or len(others) + 1 >= len(answer["probabilities"]):
        return "not sure" if answer["abstains"] else ""
    return f"or {listed(others, 3)}" if others else ""
