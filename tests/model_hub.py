"""A stand-in for the Hugging Face hub on loopback: models, published and fetched as on the real one.

Repositories are made and written only with the token; large files come by git-lfs's batch API.
"""

import base64
import hashlib
import http.server
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from servers import serving

TOKEN = "hf_" + "a" * 34


@dataclass
class Repositories:
    """What was published: repository -> path -> content; and large files by SHA-256."""

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    branches: set[str] = field(default_factory=lambda: {"main"})
    refuses_card: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


class ModelHub(http.server.BaseHTTPRequestHandler):
    """Answers what `HfApi` and `hf_hub_download` ask about models."""

    protocol_version = "HTTP/1.1"
    held: Repositories

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.held.asked.append(path)
        sent = self.headers["Authorization"]
        if sent and sent != f"Bearer {TOKEN}":
            self._tell({"error": "Invalid credentials in Authorization header"}, 401)
            return
        words = path.strip("/").split("/")
        if words[:2] == ["api", "models"]:
            self._describe("/".join(words[2:4]))
        elif "resolve" in words:
            self._send("/".join(words[:2]), "/".join(words[4:]))
        else:
            self._tell({"error": "Repository not found"}, 404, "RepoNotFound")

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._tell({"error": "Invalid username or password."}, 401)
            return
        path = urlsplit(self.path).path
        if path == "/api/repos/create":
            name = "/".join((json.loads(body)["organization"], json.loads(body)["name"]))
            self.held.files.setdefault(name, {})
            self._tell({"url": f"http://{self.headers['Host']}/{name}"})
        elif "/branch/" in path:
            self.held.branches.add(path.rpartition("/")[2])
            self._tell({})
        elif path == "/api/validate-yaml":
            wrong = [{"message": each} for each in self.held.refuses_card]
            self._tell({"errors": wrong, "warnings": []}, 400 if wrong else 200)
        elif "/preupload/" in path:
            self._tell({"files": [_mode(each) for each in json.loads(body)["files"]]})
        elif path.endswith("/info/lfs/objects/batch"):
            self._tell({"objects": [self._upload(each) for each in json.loads(body)["objects"]]})
        elif "/commit/" in path:
            self._commit(path, body)
        else:
            self._tell({"error": "not known here"}, 404)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        oid = self.path.rpartition("/")[2]
        assert hashlib.sha256(body).hexdigest() == oid
        self.held.large[oid] = body
        self._answer(200, b"")

    def _commit(self, path, body):
        _, _, _, owner, name, _, branch = path.split("/")
        name = f"{owner}/{name}"
        if branch not in self.held.branches:
            self._tell({"error": "Invalid rev id"}, 404, "RevisionNotFound")
            return
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.held.files[name][value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.held.files[name][value["path"]] = self.held.large[value["oid"]]
        self._tell(
            {"commitUrl": f"http://{self.headers['Host']}/{name}/commit/1", "commitOid": "1"}
        )

    def _upload(self, wanted):
        href = f"http://{self.headers['Host']}/large/{wanted['oid']}"
        return {**wanted, "actions": {"upload": {"href": href}}}

    def _describe(self, name):
        if name not in self.held.files:
            self._tell({"error": "Repository not found"}, 404, "RepoNotFound")
            return
        siblings = [{"rfilename": path} for path in self.held.files[name]]
        self._tell({"id": name, "sha": self._commit_of(name), "siblings": siblings})

    def _send(self, name, path):
        files = self.held.files.get(name)
        if files is None or path not in files:
            self._tell(
                {"error": "not there"}, 404, "RepoNotFound" if files is None else "EntryNotFound"
            )
            return
        self._answer(200, files[path], commit=self._commit_of(name))

    def _commit_of(self, name):
        files = sorted(self.held.files[name].items())
        return hashlib.sha1(
            b"".join(path.encode() + content for path, content in files)
        ).hexdigest()

    def _tell(self, value, status=200, code=""):
        self._answer(status, json.dumps(value).encode(), "application/json", code=code)

    def _answer(self, status, data, kind="application/octet-stream", commit="", code=""):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        if commit:
            self.send_header("X-Repo-Commit", commit)
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_):
        pass


def _mode(file):
    mode = "lfs" if file["size"] > 10_000 else "regular"
    return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}


@contextmanager
def model_hub(monkeypatch, cache):
    """The hub, known to huggingface_hub as the only one; its cache is a folder of the test."""
    held = Repositories()
    handler = type("Hub", (ModelHub,), {"held": held})
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        urls = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        constants = "huggingface_hub.constants."
        monkeypatch.setattr(constants + "ENDPOINT", endpoint)
        monkeypatch.setattr(constants + "HUGGINGFACE_CO_URL_TEMPLATE", urls)
        monkeypatch.setattr(constants + "HF_HUB_CACHE", str(cache))
        monkeypatch.setattr(constants + "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants + "HF_HUB_DISABLE_PROGRESS_BARS", True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield held
