from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest

from scenelet.bundle.plain import Plain, PlainError, Range, as_plain, from_plain


@dataclass(frozen=True)
class Leaf:
    size: Annotated[int, Range(1, 9)]
    twin: "Leaf | None" = None


@dataclass(frozen=True)
class Tree:
    name: str
    kind: Literal["oak", "elm"]
    height: Annotated[float, Range(above=0)]
    leaves: tuple[Leaf, ...]
    by_place: dict[str, float]
    old: bool = False
    notes: dict[str, Plain] = field(default_factory=dict)


SOUND = {
    "name": "t", "kind": "elm", "height": 3, "leaves": [{"size": 2, "twin": {"size": 1}}],
    "by_place": {"top": 1.5}, "notes": {"any": [1, {"thing": None}]},
}  # fmt: skip


def test_plain_values_become_dataclasses_and_back():
    tree = from_plain(Tree, SOUND)
    assert tree.leaves == (Leaf(2, Leaf(1)),)
    assert tree.height == 3.0
    assert from_plain(Tree, as_plain(tree)) == tree


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"name": 3}, "name: found 3, expected a text"),
        ({"kind": "ash"}, "kind: found 'ash', expected oak or elm"),
        ({"height": 0}, "height: found 0, expected a number above 0"),
        ({"height": True}, "height: found True, expected a number"),
        ({"height": float("inf")}, "height: found inf, expected a number"),
        ({"leaves": {}}, "leaves: found {}, expected a list"),
        ({"leaves": [{"size": 2}, {"size": 10}]}, "leaves[1].size: found 10, expected a number from 1 to 9"),
        ({"leaves": [{"size": 2.0}]}, "leaves[0].size: found 2.0, expected a whole number"),
        ({"leaves": [{"size": 2, "twin": {}}]}, "leaves[0].twin.size: missing"),
        ({"by_place": {"top": None}}, "by_place.top: found None, expected a number"),
        ({"old": 0}, "old: found 0, expected true or false"),
        ({"girth": 1}, "girth: unknown"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place_and_the_reason(changed, reason):
    with pytest.raises(PlainError) as refused:
        from_plain(Tree, {**SOUND, **changed})
    assert str(refused.value) == reason


def test_what_is_missing_is_named():
    with pytest.raises(PlainError, match=r"^kind: missing$"):
        from_plain(Tree, {key: value for key, value in SOUND.items() if key != "kind"})
