"""A plan for more pictures than the machines here hold: time, cost and what gives way first.

    python benchmarks/cluster_plan.py [--cpu-ms 10] [--kb 100] [--machines 16 --cores 8 ...]

A model, no measurement: everything comes from the inputs. The CPU of a picture is an assumption for
100 KB (docs/clusters.md measures small ones); prices must be looked up anew.
"""

import argparse
import math
from dataclasses import dataclass

SIZES = (10**6, 10**8, 10**9)
SHARD_BYTES = 96e6


@dataclass(frozen=True)
class Inputs:
    """What a plan is made of.

    Attributes:
        cpu_ms: Of one picture's reading, decoding and answer, ray's share included.
        kb: Of one picture.
        machines: Workers.
        cores: Of each.
        machine_usd_h: Of each, spot.
        get_usd: A request.
        gets_s: That a prefix of the bucket answers in a second.
        network_gbit: Of each machine.
        part: Pictures of a part.
        parts_s: Parts that the driver hands out in a second.
        row_bytes: Of a listed picture in the driver's memory.
    """

    cpu_ms: float = 10.0
    kb: float = 100.0
    machines: int = 16
    cores: int = 8
    machine_usd_h: float = 0.15
    get_usd: float = 0.4e-6
    gets_s: float = 5_500.0
    network_gbit: float = 5.0
    part: int = 1_000
    parts_s: float = 100.0
    row_bytes: float = 160.0

    def rates(self, packed: bool) -> dict[str, float]:
        """Pictures a second that each thing allows."""
        a_request = SHARD_BYTES / 12 / (1e3 * self.kb) if packed else 1.0  # a group of a shard
        return {
            "cores": self.machines * self.cores * 1e3 / self.cpu_ms,
            "requests of one prefix": self.gets_s * max(1.0, a_request),
            "network": self.machines * self.network_gbit * 1e9 / 8 / (1e3 * self.kb),
            "the driver": self.parts_s * self.part,
        }

    def plan(self, count: int, packed: bool) -> list[str]:
        """A row of the table."""
        rates = self.rates(packed)
        first = min(rates, key=lambda name: rates[name])
        hours = count / rates[first] / 3600
        a_request = max(1.0, SHARD_BYTES / 12 / (1e3 * self.kb)) if packed else 1.0
        usd = hours * self.machines * self.machine_usd_h + count / a_request * self.get_usd
        return [
            f"{count:.0e}".replace("+0", ""),
            "shards" if packed else "loose",
            f"{count * self.kb / 1e9:,.1f} TB"
            if count * self.kb >= 1e9
            else f"{count * self.kb / 1e6:,.0f} GB",
            f"{rates[first]:,.0f}",
            _time(hours),
            f"${usd:,.0f}" if usd >= 10 else f"${usd:,.2f}",
            first,
            f"{count * self.row_bytes / 1e9:,.1f} GB",
            f"{math.ceil(count / self.part):,}",
        ]


def _time(hours: float) -> str:
    if hours < 1:
        return f"{60 * hours:,.0f} min"
    return f"{hours:,.1f} h" if hours < 48 else f"{hours / 24:,.1f} days"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in vars(Inputs()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    inputs = Inputs(**vars(parser.parse_args()))
    print(f"{inputs}\n")
    head = [
        "pictures",
        "as",
        "bytes",
        "pictures/s",
        "time",
        "cost",
        "gives way first",
        "listing",
        "parts",
    ]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for count in SIZES:
        for packed in (False, True):
            print("| " + " | ".join(inputs.plan(count, packed)) + " |")


if __name__ == "__main__":
    main()
