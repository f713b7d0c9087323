"""A stand-in for the Hugging Face hub on loopback: one data set, as its files lie in a folder."""

import http.server
import json
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from servers import serving

NAME = "somebody/pets"


class Hub(http.server.BaseHTTPRequestHandler):
    """Answers what `HfFileSystem` asks about `NAME`."""

    folder: ClassVar[Path]
    asked: ClassVar[list[str]] = []

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        Hub.asked.append(path)
        home, found = f"/datasets/{NAME}/resolve/main/", self.folder
        if path.startswith(home):
            self.send(found / path.removeprefix(home))
        elif path.startswith(f"/api/datasets/{NAME}/tree/main"):
            below = path.removeprefix(f"/api/datasets/{NAME}/tree/main").strip("/")
            self.tell([entry(found, each) for each in sorted((found / below).rglob("*"))])
        elif path in (f"/api/datasets/{NAME}", f"/api/datasets/{NAME}/revision/main"):
            self.tell({"id": NAME, "sha": "0" * 40, "siblings": []})
        else:
            self.tell({"error": "Repository not found"}, 404)

    do_HEAD = do_GET

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        names = json.loads(text)["paths"] if text.startswith("{") else parse_qs(text)["paths"]
        there = [self.folder / name for name in names if (self.folder / name).exists()]
        self.tell([entry(self.folder, each) for each in there])

    def send(self, file):
        data, status = file.read_bytes(), 200
        if wanted := self.headers.get("Range"):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            data, status = data[int(first) : int(last) + 1 if last else None], 206
        self.answer(status, data, "application/octet-stream")

    def tell(self, value, status=200):
        self.answer(status, json.dumps(value).encode(), "application/json")

    def answer(self, status, data, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", '"1"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_):
        pass


def entry(root, path):
    told = {"path": str(path.relative_to(root)), "oid": "1" * 40}
    if path.is_dir():
        return {"type": "directory", **told}
    return {"type": "file", "size": path.stat().st_size, **told}


@contextmanager
def hub(folder, monkeypatch):
    """Serve a folder as the data set `NAME`, and let huggingface_hub know no other hub."""
    Hub.folder, Hub.asked = folder, []
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)) as server:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        urls = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", urls)
        monkeypatch.setattr("huggingface_hub.HfFileSystem.cachable", False)
        yield
