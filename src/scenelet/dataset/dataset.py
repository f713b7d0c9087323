"""Data set: where the images are and what is known of each. The only module that opens one.

Knows nothing of networks.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from scenelet.dataset.address import has_own_address
from scenelet.dataset.layout import twin_lines
from scenelet.dataset.manifest import class_names_of, read_numbered
from scenelet.dataset.match import matched
from scenelet.dataset.row import Row
from scenelet.dataset.source import Source
from scenelet.dataset.sources import source_of
from scenelet.engine import Engine, Part, gathered
from scenelet.errors import DataError, ImageError, UnreadableImageError
from scenelet.files import Entry, account
from scenelet.image_likeness import perceptual_hash
from scenelet.images import PreprocessSpec, decode, decode_for, pixel_hash, preprocess
from scenelet.parallel import Advance, in_parallel, silent
from scenelet.progress import SILENT, Progress, waited

MOST_CLASSES = 30  # named on a line
_PART = 256  # pictures that a worker of an engine examines at a time


@dataclass(frozen=True)
class Dataset:
    """Labelled images of one place.

    Attributes:
        source: Where the bytes are.
        rows: One an image, those left out included.
        passed_over: What lies there and is no row, each with its reason.
        decided: What was made of the layout, one line each.
        is_verified: Whether the rows' pixel hashes come from decoding these very files, so that
            nobody needs to compare them again.
    """

    source: Source
    rows: tuple[Row, ...]
    passed_over: tuple[Entry, ...] = ()
    decided: tuple[str, ...] = ()
    is_verified: bool = False

    @classmethod
    def open(
        cls, place: str | Path | Source, manifest: Path | None = None, progress: Progress = SILENT
    ) -> "Dataset":
        """List the images of a place, or take those that its manifest names. Decodes nothing.

        Args:
            place: Folder of class folders.
            manifest: Of the place, whose labels, splits and exclusions are then taken.
            progress: Told what was made of the folders.

        Raises:
            DataError: Nothing labelled there, no telling what the classes are, or the manifest
                is of another place.
        """
        source = source_of(place)
        looking = waited(progress, f"looking for pictures in {source.name}")
        if manifest is not None:
            numbered = read_numbered(manifest)
            with looking:
                rows, passed_over = matched(numbered, source.entries(), manifest, source.name)
            for line in twin_lines(row.label for row in rows):
                progress.say(line)
            return cls(source, rows, passed_over)
        with looking:
            listing = source.list()
        for line in listing.decided:
            progress.say(line)
        return cls(source, listing.rows, listing.passed_over, listing.decided)

    @property
    def used(self) -> "Dataset":
        """The images in use."""
        return self.of(row for row in self.rows if not row.excluded)

    @property
    def used_alone(self) -> "Dataset":
        """The images in use; those left out are passed over, each for its reason."""
        others = [Entry(row.path, row.excluded) for row in self.excluded]
        return replace(self.used, passed_over=(*self.passed_over, *others))

    @property
    def excluded(self) -> list[Row]:
        """Rows left out, each with its reason."""
        return [row for row in self.rows if row.excluded]

    @property
    def is_far(self) -> bool:
        """Whether reading waits for a network."""
        return self.source.is_far or any(has_own_address(row.path) for row in self.rows)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Sorted names of the classes that have an image in use."""
        return class_names_of(self.rows)

    @property
    def fingerprint(self) -> str:
        """Of pixels, labels and splits of the images in use outside a test part."""
        used = [row for row in self.rows if not row.excluded and row.split != "test"]
        lines = sorted(f"{row.pixel_hash} {row.label} {row.split}" for row in used)
        return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def of(self, rows: Iterable[Row]) -> "Dataset":
        """The same place with these rows."""
        return replace(self, rows=tuple(rows))

    def part(self, split: str) -> "Dataset":
        """The images in use of one split."""
        return self.of(row for row in self.rows if row.split == split and not row.excluded)

    def keeping(self, wanted: Callable[[Row], bool], why: str) -> "Dataset":
        """The images that are wanted; the others are passed over for a reason."""
        others = [Entry(row.path, why) for row in self.rows if not wanted(row)]
        kept = self.of(row for row in self.rows if wanted(row))
        return replace(kept, passed_over=(*self.passed_over, *others))

    def without(self, rows: Iterable[Row], why: str) -> "Dataset":
        """The same images, some of them left out for a reason."""
        unwanted = {row.path for row in rows}
        return self.of(
            replace(row, excluded=why) if row.path in unwanted and not row.excluded else row
            for row in self.rows
        )

    def read(self, row: Row) -> bytes:
        """Bytes of an image: the only place that opens one.

        Raises:
            UnreadableImageError: They can't be read.
        """
        return self.source.read(row.path)

    def label_indices(self, class_names: Sequence[str]) -> np.ndarray:
        """(n,) int64 place of each row's label among the class names.

        Raises:
            DataError: A label is not among them.
        """
        places = {name: place for place, name in enumerate(class_names)}
        unknown = sorted({row.label for row in self.rows} - set(places))
        if unknown:
            raise DataError(
                f"{self.source.name}: class {', '.join(unknown)} is not among"
                f" {', '.join(class_names)}."
            )
        return np.array([places[row.label] for row in self.rows], np.int64)

    def completed(self, progress: Progress = SILENT, engine: Engine | None = None) -> "Dataset":
        """`examined`, but for the images alone that the manifest says nothing of."""
        unknown = self.of(row for row in self.rows if not row.is_examined)
        if not unknown.rows:
            return self
        told = {row.path: row for row in unknown.examined(progress, engine).rows}
        return self.of(told.get(row.path, row) for row in self.rows)

    def examined(self, progress: Progress = SILENT, engine: Engine | None = None) -> "Dataset":
        """Decode each image that is not left out, at full size, for its measures and pixel hash.

        One that can't be decoded is left out with the reason; one whose pixels are not those that
        its manifest speaks of is refused.

        Args:
            progress: To tell how it goes on.
            engine: That decodes; None for this process.

        Raises:
            DataError: Images have changed since the manifest was written.
        """
        if self.is_verified:
            return self
        with progress.counting("examining", len(self)) as advance:
            rows = self._looks(advance) if engine is None else self._by(engine, advance)
        self.refuse_changed(rows)
        return replace(self, rows=rows, is_verified=True)

    def refuse_changed(self, rows: Sequence[Row]) -> None:
        """Refuse a manifest that speaks of other pictures.

        Args:
            rows: Of the same images, decoded just now.

        Raises:
            DataError: Images in use have other pixels than their manifest says.
        """
        changed = [
            new.path
            for old, new in zip(self.rows, rows, strict=True)
            if old.pixel_hash and not old.excluded and new.pixel_hash != old.pixel_hash
        ]
        if changed:
            raise DataError(
                f"{self.source.name}: {len(changed):,} of {len(self):,} images are not the pictures"
                f" that the manifest speaks of (the first: {changed[0]}). Audit the folder again."
            )

    def inputs(self, spec: PreprocessSpec, progress: Progress = SILENT) -> Iterator[np.ndarray]:
        """Model input (1, height, width, 3) of each row, by the one preprocessing, in order.

        Args:
            spec: Of the model.
            progress: To tell how it goes on.

        Raises:
            UnreadableImageError: An image can't be decoded.
            DataError: Its pixels are not those that the manifest speaks of.
        """
        with progress.counting("reading", len(self)) as advance:
            work = partial(self.input, spec=spec)
            yield from in_parallel(work, self.rows, advance, self.is_far)

    def input(self, row: Row, spec: PreprocessSpec, exact: bool = True) -> np.ndarray:
        """Model input (1, height, width, 3) of one image; raises as `inputs`.

        Args:
            row: Of the image.
            spec: Of the model.
            exact: By the one preprocessing, as for every evaluation. False: resized from the full
                picture, as the source that training crops are cut from.
        """
        try:
            data = self.read(row)
            picture = decode_for(data, spec) if exact else decode(data, spec.max_pixels)
            self._refuse_changed(row, picture, data)
            return preprocess(picture, spec)
        except ImageError as error:
            raise UnreadableImageError(f"{self.source.name}/{row.path}: {error}") from error

    def _refuse_changed(self, row: Row, picture: Image.Image, data: bytes) -> None:
        """Refuse an image that has other pixels than its row says.

        Args:
            row: Of the image.
            picture: Decoded, perhaps at part of its size.
            data: Its bytes, for the whole.
        """
        if self.is_verified or not row.pixel_hash:
            return
        whole = picture if picture.size == (row.width, row.height) else decode(data)
        if pixel_hash(whole) != row.pixel_hash:
            raise DataError(
                f"{self.source.name}/{row.path}: another picture than when the manifest was"
                " written. Audit the folder again."
            )

    def account(self) -> str:
        """One line about every file of the place: used, left out, passed over, by reason."""
        excluded = [row.excluded for row in self.excluded]
        return account(len(self) - len(excluded), excluded, self.passed_over)

    def classes(self) -> str:
        """One line about the classes in use and how many images each has."""
        counts = Counter(row.label for row in self.rows if not row.excluded)
        listed = [f"{name} {count:,}" for name, count in sorted(counts.items())]
        more = f" and {len(listed) - MOST_CLASSES:,} more" if len(listed) > MOST_CLASSES else ""
        return f"{len(listed):,} classes: {', '.join(listed[:MOST_CLASSES])}{more}"

    def _looks(self, advance: Advance = silent) -> tuple[Row, ...]:
        return tuple(in_parallel(self._look, self.rows, advance, self.is_far))

    def _by(self, engine: Engine, advance: Advance) -> tuple[Row, ...]:
        return tuple(gathered(engine, _Examining(self.source), self.rows, _PART, advance))

    def _look(self, row: Row) -> Row:
        try:
            return row if row.excluded else self.looked(row, self.read(row))
        except ImageError as error:
            return replace(row, excluded=str(error))

    def looked(self, row: Row, data: bytes) -> Row:
        """A row with what decoding its bytes tells, or left out with the reason."""
        try:
            picture = decode(data)
        except ImageError as error:
            return replace(row, excluded=row.excluded or str(error))
        return replace(
            row,
            width=picture.width,
            height=picture.height,
            pixel_hash=pixel_hash(picture),
            perceptual_hash=perceptual_hash(picture),
        )


@dataclass(frozen=True)
class _Examining:
    """Makes a worker that examines parts of a source; plain values, so that it may travel."""

    source: Source

    def __call__(self) -> Callable[[Part[Row]], Sequence[Row]]:
        return lambda part: Dataset(self.source, tuple(part.items))._looks()
