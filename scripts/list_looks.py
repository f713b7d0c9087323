"""Add what its pictures look like to the training data of a bundle of an earlier version.

python scripts/list_looks.py models/intel-scenes seg_train
"""

import sys
from dataclasses import replace
from pathlib import Path

from scenelet.artefacts import write_bytes, write_json
from scenelet.bundle.contract import CONTRACT, TRAINING_DATA, read_contract, sha256
from scenelet.bundle.training_data import read_training_data, training_data_csv
from scenelet.dataset.dataset import Dataset


def main() -> None:
    """Rewrite `training-data.csv` and its checksum."""
    bundle, folder = map(Path, sys.argv[1:])
    shown = {row.pixel_hash: row.perceptual_hash for row in Dataset.open(folder).examined().rows}
    parts = read_training_data(bundle / TRAINING_DATA)
    content = training_data_csv(parts, shown).encode()
    write_bytes(bundle / TRAINING_DATA, content)
    contract = read_contract(bundle)
    checksums = contract.sha256 | {TRAINING_DATA: sha256(content)}
    write_json(bundle / CONTRACT, replace(contract, sha256=checksums).as_dict())
    print(f"{len(parts.keys() & shown.keys()):,} of {len(parts):,} pictures", file=sys.stderr)


if __name__ == "__main__":
    main()
