"""`scenelet predict`: by a bundle here, or by a deployed endpoint.

Needs Pillow and LiteRT alone.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenelet.cli.cluster import Machines, on_machines
from scenelet.cli.options import Bundle, Column, Images, TrustHost, to_write
from scenelet.cli.output import Columns, needs_extra, note, stdout, tell_json, wrote
from scenelet.cli.place import holds_pictures, pictures_of
from scenelet.dataset.address import is_web
from scenelet.files import NO_PICTURES, paths_of
from scenelet.names import printable
from scenelet.text import elided, listed, one_line

if TYPE_CHECKING:
    from scenelet.dataset.source import Source
    from scenelet.files import Entry

Answer = dict[str, Any]
Read = Callable[[], bytes]
Ask = Callable[[str, Read], Answer]
Look = Callable[[str], "Source"]

Asked = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH|FOLDER|URL...",
        help="Images, folders of images, zips, tables of paths, buckets, http(s) URLs.",
    ),
]
Table = Annotated[
    Path | None,
    typer.Option(
        callback=to_write,
        help="For one folder: table to write (.parquet, .csv, .jsonl), or a folder of numbered"
        " parts; goes on where it was killed.",
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
    images: Images = None,
    column: Column = None,
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

    folder, look = bundle or default_bundle(), partial(pictures_of, images=images, column=column)
    if out and (machines.is_cluster or not out.suffix):
        _predict_parts(sources, look, images, folder, out, machines)
        return
    if machines.is_cluster:
        raise ConfigError("--engine ray: answers a folder into parts; give --out ANSWERS/")
    if out:
        _predict_folder(_the_place(sources, look, out), folder, out)
        return
    ask = _by_service(endpoint, original) if endpoint else _by_bundle(folder)
    passed_over: list[Entry] = []
    trusted = frozenset(trust_host or ())
    asked = _expand(sources, look, trusted, passed_over)
    answers = _Answers(ask, asked)
    (_print_json if as_json else _print_table)(answers)
    if any(map(holds_pictures, sources)):
        _print_account(answers.answered, answers.errors, passed_over)
    if answers.has_failed:
        raise typer.Exit(1)


def _by_service(endpoint: str, original: bool) -> Ask:
    from scenelet.serve.client import Endpoint

    asked = Endpoint(endpoint)
    return lambda source, read: asked.predict(source if is_web(source) else read(), original)


def _by_bundle(folder: Path) -> Ask:
    from scenelet.quiet import quiet
    from scenelet.serve.predictor import Predictor

    with quiet():
        predictor = Predictor(folder)
    return lambda _, read: predictor.predict(read()).as_dict()


def _predict_folder(place: "Source", bundle: Path, out: Path) -> None:
    from scenelet.dataset.sink import placed
    from scenelet.errors import DataError
    from scenelet.parallel import cores
    from scenelet.progress import ConsoleProgress, waited
    from scenelet.quiet import quiet
    from scenelet.serve.batch import predict_folder
    from scenelet.serve.predictor import Predictor

    with quiet():
        predictor = Predictor(bundle, copies=cores())
    passed_over: list[Entry] = []
    told = ConsoleProgress()
    with waited(told, f"looking for pictures in {place.name}"):
        total = sum(1 for _ in paths_of(place.entries(), passed_over))
    if not total:
        _print_account(0, [], passed_over)
        raise DataError(f"{place.name}: {NO_PICTURES}")
    progress = told.counting("predicting", total)
    with needs_extra("serve"), progress as advance, placed(out) as local:
        rows, errors = predict_folder(predictor, place, local, advance)
    _print_account(rows - len(errors), errors, passed_over)
    wrote(f"table of {rows:,} rows", out)


def _predict_parts(
    sources: list[str], look: Look, images: Path | None, bundle: Path, out: Path, machines: Machines
) -> None:
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
    place, copies = _pictures_at(sources, look), 1 if machines.is_cluster else cores()
    with machines.engine(InProcess(), images or sources[0], out=out) as engine:
        done = predict_parts(bundle, place, shelf_at(out), engine, copies, ConsoleProgress())
    note(done.account())
    wrote(f"parts of {done.rows:,} rows", out)


def _the_place(sources: list[str], look: Look, out: Path) -> "Source":
    from scenelet.errors import ConfigError

    place = _pictures_at(sources, look)
    if out.exists():
        raise ConfigError(
            f"{out}: is there already. Remove it to answer the folder again, or give another --out."
        )
    return place


def _pictures_at(sources: list[str], look: Look) -> "Source":
    from scenelet.errors import ConfigError

    if len(sources) != 1 or not holds_pictures(sources[0]):
        raise ConfigError(f"--out: found {', '.join(sources[:3])}, expected one folder of pictures")
    return look(sources[0])


class _Answers:
    """Answers on their way to the screen, counted."""

    def __init__(self, ask: Ask, asked: Iterable[tuple[str, Read]]) -> None:
        self.answered, self.errors, self.has_failed = 0, list[str](), False
        self._ask, self._asked = ask, asked

    def __iter__(self) -> Iterator[Answer]:
        for source, read in self._asked:
            yield self._answer(source, read)

    def _answer(self, source: str, read: Read) -> Answer:
        from scenelet.errors import DataError, SceneletError

        try:
            answer = {"source": source, **self._ask(source, read)}
        except SceneletError as error:
            told, self.has_failed = str(error).removeprefix(f"{source}: "), True
            if not isinstance(error, DataError):  # a place's, which is no file
                self.errors.append(told)
            return {"source": source, "error": told}
        self.answered += 1
        return answer


def _print_account(answered: int, errors: list[str], passed_over: "list[Entry]") -> None:
    from scenelet.files import account

    note(account(answered, errors, passed_over))


def _expand(
    sources: list[str], look: Look, trusted: frozenset[str], passed_over: "list[Entry]"
) -> Iterator[tuple[str, Read]]:
    """Each picture as it is shown, and how its bytes are had."""
    for source in sources:
        shown = printable(source)
        if is_web(source):
            yield shown, partial(_fetch, source, trusted)
        elif holds_pictures(source):
            yield from _pictures_of(source, look, passed_over)
        elif "://" in source:
            yield shown, partial(_read_address, source)
        else:
            yield shown, partial(_read_file, source)


def _pictures_of(source: str, look: Look, passed_over: "list[Entry]") -> Iterator[tuple[str, Read]]:
    from scenelet.dataset.address import has_own_address
    from scenelet.dataset.unlabelled import Named
    from scenelet.errors import SceneletError
    from scenelet.progress import ConsoleProgress, waited

    shown = printable(source)
    try:
        place = look(source)
        above = "" if isinstance(place, Named) else f"{shown}/"
        found = paths_of(place.entries(), passed_over)
        with waited(ConsoleProgress(), f"looking for pictures in {shown}"):
            first = next(found, None)
    except SceneletError as error:
        yield shown, partial(_fail, str(error))
        return
    if first is None:
        yield shown, partial(_fail, NO_PICTURES)
    for path in chain([first] if first else [], found):
        yield path if has_own_address(path) else f"{above}{path}", partial(place.read, path)


def _fail(reason: str) -> bytes:
    from scenelet.errors import DataError

    raise DataError(reason)


def _fetch(url: str, trusted: frozenset[str]) -> bytes:
    from scenelet.fetch import FetchLimits, fetch

    return fetch(url, FetchLimits(trusted=trusted))


def _read_address(address: str) -> bytes:
    from scenelet.dataset.remote import fetched

    return fetched(address)


def _read_file(source: str) -> bytes:
    from scenelet.errors import UnreadableImageError
    from scenelet.names import raw

    try:
        return _bytes_of(Path(raw(source)))
    except (OSError, ValueError) as error:
        raise UnreadableImageError(
            f"can't be read: {getattr(error, 'strerror', None) or error}"
        ) from error


def _bytes_of(path: Path) -> bytes:
    """Of a file, or of what another program sends; a device may never end."""
    if path.is_char_device() or path.is_block_device():
        raise ValueError("a device, no file")
    return path.read_bytes()


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
