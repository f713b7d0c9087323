"""Bodies on their way to the local HTTP door, under limits of time and of bytes.

Knows no queue: who sends nothing holds no place in it.
"""

import asyncio
from dataclasses import dataclass

from fastapi import Request as HttpRequest

from scenelet.errors import RequestError

SILENT_S = 20.0  # that a client may send nothing in the middle of its body


@dataclass
class Uploads:
    """What may come in.

    Attributes:
        most_bytes: Of one body.
        most_together_bytes: Of all that are on their way.
        timeout_s: Of one body, from its head to its end.
        arriving_bytes: Held now.
    """

    most_bytes: int
    most_together_bytes: int
    timeout_s: float
    arriving_bytes: int = 0

    async def read(self, request: HttpRequest) -> bytes:
        """The whole body.

        Raises:
            RequestError: Too large (413), too slow (408), or too much comes in at once (429).
            starlette.requests.ClientDisconnect: The client left.
        """
        stated = request.headers.get("content-length", "0")
        if stated.isdecimal() and int(stated) > self.most_bytes:
            raise self._too_large()
        body = bytearray()
        try:
            async with asyncio.timeout(self.timeout_s):
                await self._fill(body, request)
        except TimeoutError as error:
            told = f"the body did not arrive within {self.timeout_s:g} s, or {SILENT_S:g} s silent"
            raise RequestError(f"{told}; send a smaller picture", 408, "Body too slow") from error
        finally:
            self.arriving_bytes -= len(body)
        return bytes(body)

    async def _fill(self, body: bytearray, request: HttpRequest) -> None:
        parts = request.stream()
        while True:
            async with asyncio.timeout(SILENT_S):
                part = await anext(parts, None)
            if part is None:
                return
            if len(body) + len(part) > self.most_bytes:
                raise self._too_large()
            if self.arriving_bytes + len(part) > self.most_together_bytes:
                raise too_many("too much is being sent at once")
            body += part
            self.arriving_bytes += len(part)

    def _too_large(self) -> RequestError:
        return RequestError(f"at most {self.most_bytes:,} bytes", 413, "Body too large")


def too_many(why: str) -> RequestError:
    """For clients to come again."""
    return RequestError(f"{why}; come again", 429, "Too many requests")
