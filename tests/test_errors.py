import re

from scenelet import errors
from scenelet.errors import SceneletError


def drawn():
    """The tree of the module's docstring: (depth, name) a line."""
    lines = re.findall(r"^([│├└─ ]*)(\w+Error)\b", errors.__doc__, flags=re.MULTILINE)
    return [(len(edge) // 4, name) for edge, name in lines]


def grown(kind, depth=0):
    """The tree of the classes, in the order of their definition."""
    own = [(depth, kind.__name__)]
    below = [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
    return own + [line for each in below for line in grown(each, depth + 1)]


def test_the_tree_that_is_drawn_is_the_tree_that_is_there():
    assert sorted(drawn()) == sorted(grown(SceneletError))


def test_every_error_is_below_the_one_that_the_command_line_shows_as_a_line():
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    assert all(issubclass(each, SceneletError) for each in kinds)
    assert all(each.__doc__ for each in kinds)
