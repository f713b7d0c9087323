"""`scenelet drift`."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.options import AsJson, Bundle, Column, Images, Report
from scenelet.cli.output import needs_extra, note, table, tell, tell_json, wrote
from scenelet.cli.place import holds_pictures, pictures_of

if TYPE_CHECKING:
    from scenelet.assess.drift import Logged, Shift
    from scenelet.dataset.source import Source
    from scenelet.report.html import Card
    from scenelet.serve.lines import Told

LOGS = (".jsonl", ".ndjson", ".json", ".txt")
STRANGEST = 24


def drift(
    logs: Annotated[
        list[Path],
        typer.Argument(
            metavar="LOG|FOLDER...",
            help="Log files of the service, as downloaded from CloudWatch or printed; or today's"
            " pictures: folders, zips, tables of paths, addresses.",
        ),
    ],
    *,
    bundle: Bundle = None,
    images: Images = None,
    column: Column = None,
    report: Report = None,
    fail: Annotated[bool, typer.Option(help="Exit with code 1 where drift is found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say whether today's pictures still look like those the bundle was validated on.

    Each measure with a test, and how large the shift is.

    Example: `scenelet drift handler.log --bundle models/intel-scenes --report drift.html`
    or, of pictures themselves: `scenelet drift new-photos --report drift.html`
    """
    with needs_extra("train"):
        import scipy.stats  # noqa: F401
    from scenelet.assess.drift import measure_drift, next_commands, read_logs
    from scenelet.bundle.contract import read_contract
    from scenelet.shipped import default_bundle

    folder = bundle or default_bundle()
    contract = read_contract(folder)
    pictures = {
        place: pictures_of(str(place), images, column) for place in logs if _holds_pictures(place)
    }
    answered = {place: _answered(folder, source) for place, source in pictures.items()}
    lines = {
        str(place): [each.line for each in told if each.line] for place, told in answered.items()
    }
    logged = read_logs([path for path in logs if path not in answered], contract, lines)
    shifts = measure_drift(contract, logged)
    further = next_commands(shifts, folder, logs)
    if report:
        _write_report(
            report, contract.name, logged, shifts, further, _strangest(pictures, answered)
        )
    if as_json:
        tell_json(_described(logged, shifts))
    else:
        _print(logged, shifts)
    if not as_json:
        if report:
            wrote("report", report)
        tell(f"next: {further[0]}")
    if fail and any(shift.verdict != "no drift shown" for shift in shifts):
        raise typer.Exit(1)


def _holds_pictures(place: Path) -> bool:
    """A log is a file of lines; what could be a table in lines of JSON is taken for one."""
    is_log = place.is_file() and place.suffix.lower() in LOGS
    return not is_log and holds_pictures(str(place))


def _answered(bundle: Path, source: "Source") -> "list[Told]":
    """What the bundle says of each picture there; those that can't be used are counted aloud."""
    from scenelet.errors import DataError
    from scenelet.files import Entry, account, paths_of
    from scenelet.parallel import cores
    from scenelet.progress import ConsoleProgress, waited
    from scenelet.quiet import quiet
    from scenelet.serve.lines import told_of
    from scenelet.serve.predictor import Predictor

    progress, passed_over = ConsoleProgress(), list[Entry]()
    with waited(progress, f"looking for pictures in {source.name}"):
        paths = list(paths_of(source.entries(), passed_over))
    if not paths:
        raise DataError(f"{source.name}: no image in it. Give a folder of pictures, or log files.")
    with quiet():
        predictor = Predictor(bundle, copies=cores())
    with progress.counting("answering", len(paths)) as advance:
        told = list(told_of(predictor, paths, source.read, advance, source.is_far))
    errors = [each.error for each in told if each.error]
    note(account(len(told) - len(errors), errors, passed_over))
    return told


def _strangest(
    sources: "Mapping[Path, Source]", answered: "Mapping[Path, list[Told]]"
) -> "list[Card]":
    """The pictures that are least like those of the bundle."""
    from scenelet.report.html import Card, thumbnail

    found = [(each, place) for place, told in answered.items() for each in told if each.line]
    found.sort(key=lambda pair: -pair[0].stranger_score)
    return [
        Card(thumbnail(partial(sources[place].read, each.path)), each.path)
        for each, place in found[:STRANGEST]
    ]


def _write_report(
    path: Path,
    name: str,
    logged: "Logged",
    shifts: "list[Shift]",
    further: list[str],
    unlike: "list[Card]",
) -> None:
    from scenelet.artefacts import write_text
    from scenelet.assess.drift_report import drift_page

    write_text(path, drift_page(name, logged, shifts, further, unlike))


def _described(logged: "Logged", shifts: "list[Shift]") -> dict[str, object]:
    return {
        "answers": len(logged.labels),
        "abstained": logged.abstained,
        "strangers": logged.strangers,
        "shifts": [shift.as_dict() for shift in shifts],
    }


def _print(logged: "Logged", shifts: "list[Shift]") -> None:
    changed = [shift.name for shift in shifts if shift.verdict != "no drift shown"]
    told = f"changed: {', '.join(changed)}" if changed else "no change shown"
    tell(
        f"{told}; {len(logged.labels):,} answers, {logged.abstained:.1%} abstained,"
        f" {logged.strangers:.1%} looked like none of the classes"
    )
    cells = (
        (shift.name, shift.verdict, f"{shift.stability_index:.3f}", f"{shift.p_value:.2g}")
        for shift in shifts
    )
    table(("measure", "verdict", "stability index", "p"), cells)
