"""One word for one thing: the glossary's, everywhere that people read."""

import re

import pytest
from commands import REPOSITORY

GLOSSARY = REPOSITORY / "docs" / "glossary.md"
ROWS = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", GLOSSARY.read_text(), re.M)[1:]


@pytest.fixture(scope="module")
def read_by_people():
    """Text of pages, reports, messages and documents."""
    paths = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    for kind in ("*.py", "*.html", "*.j2"):
        paths += (REPOSITORY / "src").rglob(kind)
    return "\n".join(path.read_text() for path in paths if path != GLOSSARY).lower()


def test_it_has_twenty_five_words_in_their_order():
    words = [word for word, _, _ in ROWS]
    assert len(words) == 25
    assert words == sorted(words)


@pytest.mark.parametrize(("word", "meaning", "other"), ROWS)
def test_a_word_is_used_and_the_other_word_for_it_is_not(word, meaning, other, read_by_people):
    assert word in read_by_people
    assert not re.search(rf"\b{re.escape(other.lower())}s?\b", read_by_people)
