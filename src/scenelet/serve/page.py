"""The page that a browser gets where a program gets JSON: one file that asks nobody but us.

What may run and be loaded in it is said by a content security policy: its own script and style, by
their hashes, and answers of the address that it came from.
"""

import base64
import functools
import hashlib
import re
from pathlib import Path

from scenelet.serve.requests import Request

PAGE = Path(__file__).with_name("page.html")
HTML = "text/html; charset=utf-8"


def wants_page(request: Request) -> bool:
    """Whether a browser shows what will be answered: it says that it takes HTML."""
    is_read = request.method.upper() in ("GET", "HEAD")
    return is_read and "text/html" in request.headers.get("accept", "").lower()


@functools.cache
def page() -> tuple[str, dict[str, str]]:
    """The page and its headers."""
    text = PAGE.read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src {_hash(text, 'script')}; style-src {_hash(text, 'style')};"
        " connect-src 'self'; img-src blob: data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
    return text, {
        "content-type": HTML,
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
        "vary": "accept",
    }


def _hash(text: str, tag: str) -> str:
    """Of what stands between a tag and its end, as a policy names it."""
    found = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    inner = found[1] if found else ""
    digest = hashlib.sha256(inner.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
