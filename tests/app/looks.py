"""A page as people see it: by day and by night, on a phone and on a wide screen."""

from accessible import serious_faults
from watched import settled

PHONE, WIDE = {"width": 390, "height": 844}, {"width": 1600, "height": 1000}
LOOKS = [(scheme, size) for size in (PHONE, WIDE) for scheme in ("light", "dark")]
_TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def faults_of(page, axe):
    """What axe-core finds in each look, and what is wider than its window; as it was, afterwards.

    Returns:
        (scheme, width in px) -> faults, of those looks that have some.
    """
    before, found = page.viewport_size, {}
    for scheme, size in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        settled(page)
        faults = serious_faults(page, axe)
        if page.evaluate(_TOO_WIDE) > 0:
            faults.append(("wider than its window", page.evaluate(_TOO_WIDE)))
        if faults:
            found[scheme, size["width"]] = faults
    page.set_viewport_size(before)
    return found
