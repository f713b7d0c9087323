"""A token that requests must carry: random, shown once; the service knows its SHA-256 alone."""

import hashlib
from collections.abc import Mapping

TOKEN_BYTES = 24
HEADER = "x-scenelet-token"


def new_token() -> str:
    """One that nobody guesses."""
    import secrets

    return secrets.token_urlsafe(TOKEN_BYTES)


def sha256_of(token: str) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def carries(headers: Mapping[str, str], token_sha256: str) -> bool:
    """Whether a request carries the token; takes as long whatever it carries.

    Args:
        headers: By names in lower case: `authorization: Bearer TOKEN` or `x-scenelet-token: TOKEN`.
        token_sha256: Of the token, in hexadecimal digits.
    """
    import hmac  # what only some services need is no part of every cold start

    scheme, _, stated = headers.get("authorization", "").partition(" ")
    token = stated.strip() if scheme.lower() == "bearer" else headers.get(HEADER, "")
    return hmac.compare_digest(sha256_of(token), token_sha256)
