"""`scenelet data audit`."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.cluster import Machines, on_machines
from scenelet.cli.look import look_of
from scenelet.cli.options import AsJson, Column, Folder, Images, LabelLevel, Looker, to_write
from scenelet.cli.output import command, needs_extra, note, table, tell, tell_json, wrote
from scenelet.cli.place import source_at
from scenelet.errors import ConfigError
from scenelet.grouped import grouped
from scenelet.progress import ConsoleProgress
from scenelet.text import counted, listed, with_commas

if TYPE_CHECKING:
    from scenelet.dataset.dataset import Dataset
    from scenelet.explore.findings import Findings

GATES = (
    "unreadable",
    "conflicts",
    "leakage",
    "duplicates",
    "near-duplicates",
    "faults",
    "classes",
    "labels",
)


Against = Annotated[
    Path | None,
    typer.Option(help="Another folder, say the test part: its pictures must not be here."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Folder for manifest.csv, audit.json and audit.html; default: audit, or audit/NAME"
        " where another data set's lies there."
    ),
]
Labels = Annotated[bool, typer.Option(help="Also judge the labels (takes minutes).")]
FailOn = Annotated[
    str, typer.Option(help=f"Exit with code 1 on any of these findings: {', '.join(GATES)}.")
]


@on_machines
def audit(
    folder: Folder,
    *,
    against: Against = None,
    out: Out = None,
    images: Images = None,
    column: Column = None,
    label_level: LabelLevel = "",
    labels: Labels = True,
    bundle: Looker = None,
    fail_on: FailOn = "",
    as_json: AsJson = False,
    machines: Machines,
) -> None:
    """Find what is wrong with a data set.

    Nothing is deleted or altered; exclusion is a column of the manifest.

    Example: `scenelet data audit photos --out audit --fail-on conflicts,leakage,unreadable`
    """
    gates, progress = _gates(fail_on), ConsoleProgress()
    if "labels" in gates and not labels:
        raise ConfigError("--fail-on labels: needs the labels judged, so not --no-labels")
    progress.say("loading what looks at pictures and labels")
    with needs_extra("train"):
        from scenelet.explore.audit_report import write_audit
        from scenelet.explore.findings import investigate
    from scenelet.dataset.audits import folder_for
    from scenelet.dataset.bucket import shelf_at
    from scenelet.dataset.kept_looks import KeptLooks
    from scenelet.dataset.manifest import class_names_of
    from scenelet.dataset.sink import placed
    from scenelet.engine import Processes

    look = look_of(bundle, progress) if labels else None
    source = source_at(folder, label_level, images, column)
    seen = [each for each in (images or folder, against) if each]
    out = out or folder_for(source.name)
    to_write(out)
    kept_looks = KeptLooks(shelf_at(out))
    with machines.engine(Processes(), *seen) as engine:
        findings = investigate(source, against, look, progress, engine=engine, kept=kept_looks)
    progress.say("drawing")
    with placed(out) as local:
        kept = write_audit(findings, local, out)
    kept_looks.remove()
    if as_json:
        tell_json(findings.summary())
    else:
        _print(findings, kept)
        told = ("train", images or folder, "--manifest", out / "manifest.csv")
        following = command("scenelet", *told)
        is_enough = len(class_names_of(findings.rows)) > 1
        wrote("manifest, summary and report", out / "audit.html", following if is_enough else None)
    _judge(gates, findings, out)


def _gates(fail_on: str) -> list[str]:
    gates = with_commas(fail_on)
    unknown = [gate for gate in gates if gate not in GATES]
    if unknown:
        raise ConfigError(
            f"--fail-on: found {', '.join(unknown)}, expected any of {', '.join(GATES)}"
        )
    return gates


def _print(findings: "Findings", kept: int) -> None:
    """What was found, and how many checks found nothing."""
    counts, issues = findings.audit.counts(), findings.audit.issue_counts()
    excluded = sum(1 for row in findings.rows if row.excluded)
    tell(f"{len(findings.rows):,} images, {excluded:,} left out")
    found = [(kind, f"{count:,}") for kind, count in counts.items() if count]
    found += [(f"  images: {issue}", f"{count:,}") for issue, count in issues.items()]
    if found:
        table(("", ""), found)
    clean = [kind for kind in _clean(findings) if not counts[kind]]
    if clean:
        tell(f"nothing found: {', '.join(clean)}")
    for line in _unjudged(findings):
        tell(line)
    for fault in findings.audit.folder_faults:
        tell(fault)
    if kept:
        tell(f"{counted(kept, 'verdict')} of yours kept")
    tell(findings.audit.dataset.account())
    for line in _usable(findings.audit.dataset):
        tell(line)


def _usable(dataset: "Dataset") -> list[str]:
    """What to do about files that were passed over, a line a reason that says so."""
    passed_over = Counter[str]()
    for entry in dataset.passed_over:
        passed_over[entry.reason] += entry.files
    told = ((*reason.partition(": "), count) for reason, count in passed_over.most_common())
    return [f"{what} ({count:,}): {advice}" for what, _, advice, count in told if advice]


def _clean(findings: "Findings") -> list[str]:
    """Kinds of which it can be said that nothing was found: labels only where all were judged."""
    return [kind for kind in findings.audit.counts() if kind != "labels" or not findings.unjudged]


def _unjudged(findings: "Findings") -> list[str]:
    """Which labels were not judged, a line a reason."""
    by_reason = grouped((reason, name) for name, reason in findings.unjudged.items())
    return [f"labels of {listed(names)} not judged: {why}" for why, names in by_reason.items()]


def _judge(gates: list[str], findings: "Findings", out: Path) -> None:
    if "labels" in gates and findings.unjudged:
        told = "; ".join(_unjudged(findings))
        note(f"scenelet: --fail-on labels: {told}")
        raise typer.Exit(1)
    failed = [gate for gate in gates if findings.audit.counts()[gate]]
    if failed:
        note(f"scenelet: --fail-on: found {', '.join(failed)}; see {out / 'audit.html'}")
        raise typer.Exit(1)
