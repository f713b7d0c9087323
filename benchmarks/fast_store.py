"""A store that speaks as much of S3 as a reader needs, from memory: so that a benchmark measures us.

    python benchmarks/fast_store.py FOLDER PORT      (its folders are the buckets; loopback alone)

moto answers some hundred requests a second, this some thousands, on the same cores as its clients.
GET and HEAD of an object, with a range, and its list (version 2); nobody is asked who they are.
"""

import asyncio
import hashlib
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 1_000
WHEN = "2026-01-01T00:00:00.000Z"


class Bucket:
    """Objects by key, and their keys in order."""

    def __init__(self, folder: Path) -> None:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        self.objects = dict(sorted(found.items()))
        self.tags = {key: hashlib.md5(data).hexdigest() for key, data in found.items()}  # noqa: S324

    def listed(self, query: dict[str, list[str]]) -> bytes:
        """A page of the list; folders are told where a delimiter is asked for."""
        prefix, after = (query.get(name, [""])[0] for name in ("prefix", "continuation-token"))
        parted = query.get("delimiter", [""])[0]
        keys = (key for key in self.objects if key.startswith(prefix) and key > after)
        lines, folders, last = [], set(), ""
        for count, key in enumerate(keys):
            if count == PAGE:
                break
            last, (head, found, _) = key, key[len(prefix) :].partition(parted or "\0")
            if found:
                folders.add(f"{prefix}{head}{parted}")
                continue
            lines.append(
                f"<Contents><Key>{escape(key)}</Key><LastModified>{WHEN}</LastModified>"
                f"<ETag>&quot;{self.tags[key]}&quot;</ETag><Size>{len(self.objects[key])}</Size>"
                "</Contents>"
            )
        else:
            last = ""
        more = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" if last else ""
        shared = "".join(
            f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>"
            for each in sorted(folders)
        )
        return (
            f'<?xml version="1.0"?><ListBucketResult><IsTruncated>{str(bool(last)).lower()}'
            f"</IsTruncated>{more}{''.join(lines)}{shared}</ListBucketResult>"
        ).encode()


class Connection(asyncio.Protocol):
    """One client's, kept open."""

    def __init__(self, buckets: dict[str, Bucket]) -> None:
        self._buckets, self._data = buckets, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, self._data = self._data.partition(b"\r\n\r\n")
            self._transport.write(self._answer(head.decode("latin-1")))  # type: ignore[attr-defined]

    def _answer(self, head: str) -> bytes:
        method, target, _ = head.split(" ", 2)
        parts = urlsplit(target)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        held = self._buckets.get(bucket)
        if held is None or (key and key not in held.objects):
            return said("404 Not Found", b"", method)
        if not key:
            page = held.listed(parse_qs(parts.query)) if method == "GET" else b""
            return said("200 OK", page, method)
        data, tag = held.objects[key], f'ETag: "{held.tags[key]}"\r\n'
        wanted = re.search(r"(?im)^range: bytes=(\d+)-(\d*)", head)
        if wanted:
            first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
            span = f"{tag}Content-Range: bytes {first}-{last}/{len(data)}\r\n"
            return said("206 Partial Content", data[first : last + 1], method, span)
        return said("200 OK", data, method, tag)


def said(status: str, body: bytes, method: str, more: str = "") -> bytes:
    """An answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode()
    return head if method == "HEAD" else head + body


async def serve(folder: Path, port: int) -> None:
    """Answer until it is ended."""
    buckets = {path.name: Bucket(path) for path in folder.iterdir() if path.is_dir()}
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(buckets), "127.0.0.1", port
    )
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
