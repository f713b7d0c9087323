"""Draw the README's picture: painted scenes with the answers of a bundle, one column a class.

`make demo` makes the bundle.

python scripts/readme_picture.py demo/bundles/painted-quick docs/images/answers.png
"""

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from scenelet.dataset.scenes import SCENES, jpeg, paint_scene
from scenelet.serve.predictor import Predictor

CELL, GAP, TEXT = 180, 14, 46
ROWS = 2
GREEN, RED, INK, PAPER = "#1a7f37", "#cf222e", "#24292f", "#ffffff"


def main() -> None:
    """Draw and save."""
    predictor, out = Predictor(Path(sys.argv[1])), Path(sys.argv[2])
    labels = sorted(SCENES)
    width, height = len(labels) * (CELL + GAP) + GAP, ROWS * (CELL + TEXT + GAP) + GAP
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    bold, plain = ImageFont.load_default(18), ImageFont.load_default(15)
    for column, label in enumerate(labels):
        for row in range(ROWS):
            scene = paint_scene(
                label, seed=70_000 + row
            )  # seeds that no data set of `scenelet data paint` uses
            answer = predictor.predict(jpeg(scene))
            left, top = GAP + column * (CELL + GAP), GAP + row * (CELL + TEXT + GAP)
            sheet.paste(scene.resize((CELL, CELL), Image.Resampling.LANCZOS), (left, top))
            draw.text(
                (left, top + CELL + 4), answer.label, GREEN if answer.label == label else RED, bold
            )
            draw.text((left, top + CELL + 26), f"{answer.probability:.0%}", INK, plain)
            bar = left + 52
            draw.rectangle((bar, top + CELL + 30, left + CELL, top + CELL + 38), "#d0d7de")
            draw.rectangle(
                (bar, top + CELL + 30, bar + (CELL - 52) * answer.probability, top + CELL + 38),
                "#0969da",
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(160).save(out, optimize=True)
    print(f"wrote {out}: {out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
