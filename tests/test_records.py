"""Records are frozen dataclasses in all that anybody can see."""

import dataclasses

import pytest

from scenelet.records import dataclass


@dataclass(frozen=True)
class Quick:
    """A record."""

    name: str
    share: float = 0.5


@dataclasses.dataclass(frozen=True)
class Usual:
    """The same by the standard library."""

    name: str
    share: float = 0.5


def test_a_record_is_made_compared_and_shown_as_a_dataclass_is():
    for given, named in ((("a",), {}), (("a", 1.0), {}), ((), {"share": 0.1, "name": "b"})):
        quick, usual = Quick(*given, **named), Usual(*given, **named)
        assert dataclasses.asdict(quick) == dataclasses.asdict(usual)
        assert repr(quick).replace("Quick", "Usual") == repr(usual)
        assert quick == Quick(*given, **named)
        assert hash(quick) == hash(Quick(*given, **named))
    assert Quick("a") != Quick("b")
    assert Quick("a") != Usual("a")
    assert dataclasses.replace(Quick("a"), share=0.9) == Quick("a", 0.9)
    assert [field.name for field in dataclasses.fields(Quick)] == ["name", "share"]


@pytest.mark.parametrize(
    ("given", "named"), [((), {}), (("a", 1, 2), {}), (("a",), {"name": "b"}), (("a",), {"x": 1})]
)
def test_what_a_dataclass_refuses_a_record_refuses(given, named):
    for kind in (Quick, Usual):
        with pytest.raises(TypeError):
            kind(*given, **named)


def test_a_record_can_not_be_changed():
    quick = Quick("a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        quick.name = "b"
    with pytest.raises(dataclasses.FrozenInstanceError):
        del quick.name


def test_a_default_that_may_change_is_each_record_s_own():
    @dataclass(frozen=True)
    class Noted:
        notes: dict = dataclasses.field(default_factory=dict)

    Noted().notes["a"] = "b"
    assert Noted().notes == {}
    assert Noted({"c": "d"}).notes == {"c": "d"}


def test_what_is_not_to_be_shown_is_not_shown():
    @dataclass(frozen=True)
    class Hidden:
        name: str
        secret: str = dataclasses.field(default="", repr=False)

    assert repr(Hidden("a", "b")).endswith("Hidden(name='a')")
