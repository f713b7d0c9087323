"""How long finding near-duplicates takes among many pictures, and how much memory, by their hashes.

    python benchmarks/near_duplicates.py [--pictures 1000000]

The pictures are synthetic looks: random hashes and small copies, one in a hundred a copy of another
with three bits turned over and every value of its thumbnail changed by two at most.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from scenelet.dataset.duplicates import near_groups
from scenelet.dataset.faults import Look

COPIES = 100  # one in so many


def looks(count: int) -> list[Look]:
    """Of `count` pictures, the last hundredth being copies of the first."""
    rng = np.random.default_rng(0)
    originals = count - count // COPIES
    bits = rng.integers(0, 2**63, originals, np.uint64)
    colours = rng.integers(2, 254, (originals, 8, 8, 3), np.uint8)
    shapes = rng.integers(0, 256, (originals, 16, 16), np.uint8)
    made = [
        Look(likeness=int(bits[n]), thumbnail=colours[n], shape=shapes[n]) for n in range(originals)
    ]
    for place in range(count - originals):
        turned = sum(1 << int(bit) for bit in rng.choice(64, 3, replace=False))
        other = colours[place] + rng.integers(-2, 3, (8, 8, 3)).astype(np.uint8)
        made.append(Look(likeness=int(bits[place]) ^ turned, thumbnail=other, shape=shapes[place]))
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    count = parser.parse_args().pictures
    made = looks(count)
    start_s = time.perf_counter()
    groups = near_groups(made)
    took_s = time.perf_counter() - start_s
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak_mib = int(status["VmHWM"].split()[0]) / 1024
    print(
        f"{count:,} pictures: {len(groups):,} of {count // COPIES:,} pairs found in {took_s:.0f} s,"
        f" peak {peak_mib:,.0f} MiB"
    )


if __name__ == "__main__":
    main()
