import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenelet.errors import ConfigError
from scenelet.serve.settings import Settings

NAMES = st.text("abc.:/-*", min_size=1)


@given(
    st.builds(
        Settings,
        allow_url=st.booleans(),
        trusted_hosts=st.frozensets(NAMES),
        max_body_bytes=st.integers(1),
        max_images=st.integers(1),
        cors_origins=st.lists(NAMES).map(tuple),
        log=st.sampled_from(["none", "line", "few", "all"]),
        token_sha256=st.text("0123456789abcdef"),
    )
)
def test_what_is_written_to_the_environment_is_read_from_it(settings):
    assert Settings.from_environment(settings.to_environment()) == settings


def test_what_is_not_set_or_empty_is_a_default():
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"SCENELET_MAX_IMAGES": ""}) == Settings()


def test_people_may_write_spaces_and_no():
    given = {"SCENELET_ALLOW_URL": "No", "SCENELET_CORS_ORIGINS": "https://a, https://b"}
    settings = Settings.from_environment(given)
    assert (settings.allow_url, settings.cors_origins) == (False, ("https://a", "https://b"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("SCENELET_MAX_IMAGES", "-1", "found '-1', expected a whole number above 0"),
        ("SCENELET_MAX_BODY_BYTES", "²", "found '²'"),
        ("SCENELET_LOG", "loud", "found 'loud', expected one of none, line, few, all"),
    ],
)
def test_nonsense_is_refused_and_named(name, text, message):
    with pytest.raises(ConfigError, match=f"{name}: {message}"):
        Settings.from_environment({name: text})
