"""`scenelet drift`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.output import needs_extra, stdout, wrote


def drift(
    logs: Annotated[
        list[Path],
        typer.Argument(help="Log files of the service, as downloaded from CloudWatch or printed."),
    ],
    bundle: Annotated[
        Path | None, typer.Option(help="Bundle that answered; default: the one that comes along.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="HTML file to write.")] = None,
    fail: Annotated[bool, typer.Option(help="Exit with code 1 where drift is found.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say whether today's pictures still look like those the bundle was validated on, with a test and its size.

    Example: `scenelet drift handler.log --bundle models/intel-scenes --report drift.html`
    """
    with needs_extra("train"):
        import scipy.stats  # noqa: F401
    from scenelet.assess.drift import measure_drift, read_logs
    from scenelet.bundle.contract import read_contract
    from scenelet.shipped import default_bundle

    contract = read_contract(bundle or default_bundle())
    logged = read_logs(logs, contract.name)
    shifts = measure_drift(contract, logged)
    if report:
        from scenelet.artefacts import write_text
        from scenelet.assess.drift_report import drift_page

        write_text(report, drift_page(contract.name, logged, shifts))
    if as_json:
        described = {
            "answers": len(logged.labels),
            "abstained": logged.abstained,
            "strangers": logged.strangers,
        }
        typer.echo(json.dumps({**described, "shifts": [shift.as_dict() for shift in shifts]}))
    else:
        from rich.table import Table

        table = Table("measure", "verdict", "stability index", "p", box=None, pad_edge=False)
        for shift in shifts:
            table.add_row(
                shift.name, shift.verdict, f"{shift.stability_index:.3f}", f"{shift.p_value:.2g}"
            )
        stdout().print(
            f"{len(logged.labels):,} answers, {logged.abstained:.1%} abstained,"
            f" {logged.strangers:.1%} strangers"
        )
        stdout().print(table)
        if report:
            wrote("report", report)
    if fail and any(shift.verdict != "no drift shown" for shift in shifts):
        raise typer.Exit(1)
