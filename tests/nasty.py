"""Names that a renderer might take for its own language, a bundle that knows such classes, and their pictures."""

import json
import os
import shutil

from scenelet.dataset.paint import jpeg, paint_scene
from scenelet.names import printable

NASTY = (
    "$5_$10 $x^2$",
    "_other",
    "a|b<i>c|d`e`",
    "[red]dog[b] :smile: *x*",
    "=1+1, \"q\" 'r'",
    "森林 שלום \u202egpj\nnext",
)
CLASSES = tuple(map(printable, NASTY))  # as labels: folders are named by `NASTY`
SCENES = ("buildings", "forest", "glacier", "mountain", "sea", "street")
LATIN_1 = b"m\xfcller = +1.jpg"  # no UTF-8


def bundle_of(source, target, names=CLASSES):
    """The shipped bundle under other names of its classes."""
    renamed = dict(zip(SCENES, names, strict=True))
    shutil.copytree(source, target)
    values = json.loads((source / "bundle.json").read_text())
    text = json.dumps(_renamed(values, renamed), ensure_ascii=False)
    (target / "bundle.json").write_text(text, encoding="utf-8")
    return target


def _renamed(value, names):
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def pictures_of(target, each=12):
    """A folder of class folders with nasty names, painted; one file name is no UTF-8."""
    for scene, name in zip(SCENES, NASTY, strict=True):
        (target / name).mkdir(parents=True)
        for number in range(each):
            file = target / name / f"{number} [x]|$y$.jpg"
            file.write_bytes(jpeg(paint_scene(scene, 50 + number)))
    file.rename(file.with_name(os.fsdecode(LATIN_1)))
    return target
