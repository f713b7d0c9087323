"""A store on loopback, as S3, Google, Azure or the hub of models: does `predict` read there?

    python scripts/store_of_one.py s3|gs|az|hf BUNDLE PICTURE

Real clients over HTTP; nothing but the standard library and the extra itself is needed. Of the hub it is
the bundle that comes from there, of the others the picture; the label must be the picture's name.
"""

import http.server
import os
import re
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def environment(kind: str, url: str) -> dict[str, str]:
    """How a store's client is led to another address, in the words of its makers."""
    if kind == "s3":
        keys = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
        return {**keys, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": url}
    if kind == "gs":
        return {"STORAGE_EMULATOR_HOST": url}
    if kind == "hf":
        return {"HF_ENDPOINT": url, "HF_HOME": "hub", "HF_HUB_DISABLE_XET": "1"}
    account = f"AccountName=devstoreaccount1;AccountKey={KEY}"  # every emulator's
    words = f"DefaultEndpointsProtocol=http;{account};BlobEndpoint={url}/devstoreaccount1;"
    return {"AZURE_STORAGE_CONNECTION_STRING": words}


class Store(http.server.BaseHTTPRequestHandler):
    """The files of a folder, whole or a part of each, to whoever asks for its name, wherever that is."""

    folder: Path

    def do_GET(self) -> None:
        """One of them."""
        words = urlsplit(self.path).path.split("/")
        places = [self.folder.joinpath(*words[start:]) for start in range(1, len(words))]
        data = next((place.read_bytes() for place in places if place.is_file()), None)
        if data is None:
            self.send_error(404)
            return
        wanted = self.headers.get("x-ms-range") or self.headers.get("Range") or ""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
        part = data[int(asked[1]) : int(asked[2] or len(data)) + 1] if asked else data
        self.send_response(206 if asked else 200)
        if asked:
            last = int(asked[1]) + len(part) - 1
            self.send_header("Content-Range", f"bytes {asked[1]}-{last}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", f'"{sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("Last-Modified", "Sat, 28 Nov 2026 00:00:00 GMT")
        self.send_header("x-ms-blob-type", "BlockBlob")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(part)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def main() -> None:
    """Ask `predict` about the picture."""
    kind, bundle, picture = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    Store.folder = bundle if kind == "hf" else picture.parent
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    asked = [picture, "--bundle", "hub:somebody/scenes"]
    if kind != "hf":
        asked = [f"{kind}://bucket/{picture.name}", "--bundle", bundle]
    told = subprocess.run(
        [sys.executable, "-m", "scenelet", "predict", *asked, "--json"],
        env=os.environ | environment(kind, url),
        capture_output=True,
        text=True,
        check=False,
    )
    print(told.stdout, told.stderr)
    sys.exit(f'"label": "{picture.stem}"' not in told.stdout)


if __name__ == "__main__":
    main()
