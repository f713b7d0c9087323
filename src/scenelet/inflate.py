"""Compressed bodies of requests and answers: inflated under a limit, by what the bytes are.

REST APIs inflate a body and leave its header, so the header alone is never believed. Standard
library only.
"""

import zlib

GZIP = b"\x1f\x8b\x08"
_AUTO = 32 + zlib.MAX_WBITS  # gzip or zlib, by its head
_RAW = -zlib.MAX_WBITS


class TooLargeError(ValueError):
    """More bytes than allowed, inflated."""


def inflated(data: bytes, encoding: str, most_bytes: int) -> bytes:
    """What was compressed; other bytes as they are.

    Args:
        data: A whole body.
        encoding: Of its Content-Encoding header; "": none.
        most_bytes: Of the result.

    Raises:
        TooLargeError: More than that.
        ValueError: Compressed, and damaged.
    """
    if data.startswith(GZIP):
        return _inflate(data, most_bytes, _AUTO)
    if encoding.strip().lower() == "deflate":
        return _deflated(data, most_bytes)
    return data


def _deflated(data: bytes, most_bytes: int) -> bytes:
    """With zlib's head, as the standard says, or without, as some send it; or not compressed."""
    for bits in (zlib.MAX_WBITS, _RAW):
        try:
            return _inflate(data, most_bytes, bits)
        except TooLargeError:
            raise
        except ValueError:
            continue
    return data


def _inflate(data: bytes, most_bytes: int, bits: int) -> bytes:
    inflating = zlib.decompressobj(bits)
    try:
        found = inflating.decompress(data, most_bytes + 1)
    except zlib.error as error:
        raise ValueError("its compression is damaged") from error
    if len(found) > most_bytes:
        raise TooLargeError(f"inflated more than {most_bytes:,} bytes, at most that allowed")
    if not inflating.eof:
        raise ValueError("its compressed bytes end too early")
    return found
