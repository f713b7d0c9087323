"""`scenelet drift`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.options import AsJson, Bundle, Report
from scenelet.cli.output import needs_extra, table, tell, tell_json, wrote

if TYPE_CHECKING:
    from scenelet.assess.drift import Logged, Shift


def drift(
    logs: Annotated[
        list[Path],
        typer.Argument(help="Log files of the service, as downloaded from CloudWatch or printed."),
    ],
    *,
    bundle: Bundle = None,
    report: Report = None,
    fail: Annotated[bool, typer.Option(help="Exit with code 1 where drift is found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say whether today's pictures still look like those the bundle was validated on.

    Each measure with a test, and how large the shift is.

    Example: `scenelet drift handler.log --bundle models/intel-scenes --report drift.html`
    """
    with needs_extra("train"):
        import scipy.stats  # noqa: F401
    from scenelet.assess.drift import measure_drift, next_commands, read_logs
    from scenelet.bundle.contract import read_contract
    from scenelet.shipped import default_bundle

    contract = read_contract(bundle or default_bundle())
    logged = read_logs(logs, contract)
    shifts = measure_drift(contract, logged)
    further = next_commands(shifts, bundle or default_bundle(), logs)
    if report:
        _write_report(report, contract.name, logged, shifts, further)
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


def _write_report(
    path: Path, name: str, logged: "Logged", shifts: "list[Shift]", further: list[str]
) -> None:
    from scenelet.artefacts import write_text
    from scenelet.assess.drift_report import drift_page

    write_text(path, drift_page(name, logged, shifts, further))


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
