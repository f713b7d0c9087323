"""Audit speed beside a plain decode loop on all cores, and peak memory at two sizes, in one run.

    python benchmarks/audit.py FOLDER

FOLDER is a folder of class folders. Then the audit with the label check and the explore report,
once each.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from scenelet.cli.look import look_of
from scenelet.dataset.audit import audit, look_at_all
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.explore.findings import investigate
from scenelet.explore.report import explore_page
from scenelet.images import decode
from scenelet.parallel import in_parallel
from scenelet.progress import SILENT

ROUNDS = 3
PEAK = """
import resource, sys
from pathlib import Path

from scenelet.dataset.audit import look_at_all
from scenelet.dataset.dataset import Dataset
if __name__ == "__main__":
    dataset, count = Dataset.open(Path(sys.argv[1])), int(sys.argv[2])
    rows = dataset.rows * (count // len(dataset) + 1)
    looks = look_at_all(dataset.of(rows[:count]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak_mib(folder: Path, count: int) -> float:
    """Peak memory in MiB of a process that audits `count` images."""
    command = [sys.executable, "-c", PEAK, str(folder), str(count)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measure in turn and print."""
    folder = Path(sys.argv[1])
    dataset = Dataset.open(folder)

    def decode_one(row: Row) -> None:
        decode(dataset.read(row))

    # first, while this process is small: a child starts with its parent's peak
    few, many = (
        len(dataset),
        8 * len(dataset),
    )  # the same files again and again: memory holds what is known of each
    small, large = peak_mib(folder, few), peak_mib(folder, many)
    speeds: dict[str, list[float]] = {
        "plain decode": [],
        "audit: look": [],
        "audit: everything": [],
    }
    for _ in range(ROUNDS):
        for name, work in (
            ("plain decode", lambda: sum(1 for _ in in_parallel(decode_one, dataset.rows))),
            ("audit: look", lambda: look_at_all(dataset)),
            ("audit: everything", lambda: audit(dataset)),
        ):
            start_s = time.perf_counter()
            work()
            speeds[name].append(len(dataset) / (time.perf_counter() - start_s))
    print(f"{len(dataset):,} images, {os.cpu_count()} cores, median of {ROUNDS} rounds")
    for name, values in speeds.items():
        print(f"  {name:18} {statistics.median(values):6.0f} images/s")
    start_s = time.perf_counter()
    findings = investigate(folder, None, look_of(None, SILENT))
    print(f"  audit with the label check {time.perf_counter() - start_s:.0f} s")
    start_s = time.perf_counter()
    size_mb = len(explore_page(findings).encode()) / 1e6
    print(
        f"  drawing the explore report {time.perf_counter() - start_s:.0f} s more, {size_mb:.1f} MB"
    )
    each_kib = 1024 * (large - small) / (many - few)
    print(
        f"  peak memory {small:.0f} MiB at {few:,} images, {large:.0f} MiB at {many:,}:"
        f" {each_kib:.1f} KiB an image"
    )


if __name__ == "__main__":
    main()
