"""A function run here as Lambda runs it: the real awslambdaric, the files of the package alone, no disk to write to."""

import http.server
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from scenelet.artefacts import make_folder
from scenelet.errors import PackageError

AWSLAMBDARIC = "awslambdaric==4.2.2"
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
# python -I drops the working folder, and AWS's own bootstrap puts the task root first too. No file
# may grow over 0 bytes: that
# is the read-only disk, for root as well.
_BOOTSTRAP = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
memory = int(os.environ.pop("SCENELET_MEMORY_MIB")) * 2**20
resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
from awslambdaric.__main__ import main
main(["", sys.argv[1]])
"""


class RuntimeServer(http.server.ThreadingHTTPServer):
    """Loopback server of the Runtime API: put an event into `events`, take (kind, answer) from `answers`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeApi)
        self.events: queue.Queue[Any] = queue.Queue()
        self.answers: queue.Queue[tuple[str, Any]] = queue.Queue()

    def handle_error(self, *_: Any) -> None:
        """Nothing: a function that is ended drops its connection."""


class _RuntimeApi(http.server.BaseHTTPRequestHandler):
    """AWS's side of the Runtime API: hands out events, takes answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer takes 40 ms
    wbufsize = -1

    def do_GET(self) -> None:
        """The next event."""
        body = json.dumps(cast("RuntimeServer", self.server).events.get()).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        self.send_header(
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:eu-central-1:123456789012:function:scenelet",
        )
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(1000 * (time.time() + 60))))
        self.send_header("Content-Type", "application/json")  # awslambdaric 4.2 crashes without one
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_POST(self) -> None:
        """An answer, or an error."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.path.rsplit("/", 1)[-1]
        if len(content) > MAX_PAYLOAD_BYTES:
            kind, content = "error", b'{"errorMessage": "answer over 6 MB"}'
        cast("RuntimeServer", self.server).answers.put((kind, json.loads(content)))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class RunningFunction:
    """A function that has been started; a context manager that ends it."""

    def __init__(
        self,
        python: Path,
        task_root: Path,
        handler: str,
        environment: Mapping[str, str] | None = None,
        memory_mib: int = 1024,
    ) -> None:
        """Start it.

        Args:
            python: Of an environment that holds awslambdaric and nothing else, as `runtime_python`
                makes.
            task_root: Folder with the files of the package.
            handler: Dotted name.
            environment: Its variables.
            memory_mib: That it may use.
        """
        self._server = RuntimeServer()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._process = subprocess.Popen(
            [str(python), "-I", "-B", "-c", _BOOTSTRAP, handler],
            env={
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
                "LAMBDA_TASK_ROOT": str(task_root),
                "SCENELET_MEMORY_MIB": str(memory_mib),
                "PATH": os.environ["PATH"],
                **(environment or {}),
            },
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "RunningFunction":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, event: Any, timeout_s: float = 60) -> Any:
        """Send an event, wait for the answer.

        Raises:
            PackageError: The function raised, could not be imported, ended, or took too long.
        """
        self._server.events.put(event)
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            try:
                kind, answer = self._server.answers.get(timeout=0.2)
            except queue.Empty:
                if self._process.poll() is not None:
                    told = self._process.stderr.read().strip() if self._process.stderr else ""
                    raise PackageError(
                        f"the function ended ({self._process.returncode}):"
                        f" {told.splitlines()[-1] if told else ''}"
                    ) from None
                continue
            if kind != "response":
                raise PackageError(
                    f"{answer.get('errorType', 'error')}: {answer.get('errorMessage', answer)}"
                )
            return answer
        raise PackageError(f"no answer within {timeout_s:g} s")

    def peak_mib(self) -> float:
        """Most memory that it has held so far."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return (
            int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
            / 1024
        )


def runtime_python(interpreter: Path, version: str, cache: Path | None = None) -> Path:
    """A Python that has awslambdaric and nothing else; made once, kept in a cache.

    Raises:
        PackageError: awslambdaric could not be installed.
    """
    folder = (
        cache or Path.home() / ".cache" / "scenelet" / "runtime"
    ) / f"python{version}-{AWSLAMBDARIC.replace('==', '-')}"
    python, whole = folder / "bin" / "python", folder / "whole"
    if whole.is_file():
        return python
    make_folder(folder.parent)
    _run([str(interpreter), "-m", "venv", "--clear", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", AWSLAMBDARIC])
    whole.touch()
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(
            f"{' '.join(command[:4])}: {(done.stderr or done.stdout).strip().splitlines()[-1]}"
        )
