"""What mkdocs does with our pages: links to files that only the repository has become names."""

import re
from typing import Any

OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)\s]+|decisions/)\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """A page's text as the site shows it."""

    def told(match: re.Match[str]) -> str:
        inside = page.file.src_uri.count("/") and not match[2].startswith("../../")
        return match[0] if inside else f"{match[1]} (`{match[2].lstrip('./')}`)"

    return OUTSIDE.sub(told, markdown)
