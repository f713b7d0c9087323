"""Row: one image of a data set, its label, its split, and whether and why it is left out."""

from dataclasses import dataclass, replace

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Row:
    """One image.

    Attributes:
        path: Of the file, printable; relative to the place of the data set.
        label: Class name.
        split: "train", "val", "test", or "" if not assigned yet.
        width: In pixels, upright; 0 if unreadable or not looked at yet.
        height: In pixels, upright; 0 if unreadable or not looked at yet.
        pixel_hash: Of the decoded pixels (`images.pixel_hash`); "" if unreadable or not looked at.
        perceptual_hash: Of what it shows (`image_likeness`); "" if that is nothing, or not known.
        excluded: Why the image is left out, "" if it is used.
        group: Shared by pictures that an audit found equal or alike; a split keeps them together.
            "" stands for the pixel hash.
        issues: What an audit found odd about it.
        suggested_label: Of an audit that doubts the label, "" if it does not.
        label_quality: How likely the label is right to the audit, 0-1; None where it was not
            asked.
    """

    path: str
    label: str
    split: str = ""
    width: int = 0
    height: int = 0
    pixel_hash: str = ""
    excluded: str = ""
    group: str = ""
    issues: tuple[str, ...] = ()
    suggested_label: str = ""
    label_quality: float | None = None
    perceptual_hash: str = ""

    @property
    def kin(self) -> str:
        """What must stay on one side of a split: the audit's group, else the picture itself."""
        return self.group or self.pixel_hash

    @property
    def is_examined(self) -> bool:
        """Whether somebody tried to decode it."""
        return bool(self.pixel_hash or self.excluded)

    def with_split(self, split: str) -> "Row":
        """The same image in another split."""
        return replace(self, split=split)

    def with_issue(self, issue: str) -> "Row":
        """The same image with one more thing odd about it."""
        return replace(self, issues=(*self.issues, issue))
