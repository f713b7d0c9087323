"""Write the model cards of bundles anew, after the text of cards has changed.

python scripts/renew_cards.py models/intel-scenes tests/assets/tiny
"""

import sys
from dataclasses import replace
from pathlib import Path

from scenelet.artefacts import write_bytes, write_json
from scenelet.bundle.contract import CONTRACT, read_contract, sha256
from scenelet.export.formats import FORMATS
from scenelet.export.steps import for_people


def main() -> None:
    """Replace what they tell people, and its checksums."""
    for folder in map(Path, sys.argv[1:]):
        contract = read_contract(folder)
        sizes = {each.file: (folder / each.file).stat().st_size for each in FORMATS}
        files = for_people(contract, sizes)
        for name, content in files.items():
            write_bytes(folder / name, content)
        checksums = contract.sha256 | {name: sha256(content) for name, content in files.items()}
        write_json(folder / CONTRACT, replace(contract, sha256=checksums).as_dict())


if __name__ == "__main__":
    main()
