"""A function run here as Lambda runs it: the real awslambdaric, the package alone, no disk.

Killed when it holds more memory than it has, and when it takes longer than it may: as on Lambda.
"""

import http.server
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from scenelet.artefacts import make_folder
from scenelet.errors import PackageError
from scenelet.locks import held

AWSLAMBDARIC = "awslambdaric==4.2.2"
MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
LOOK_S = 0.005
PERIOD_MS = 20.0  # a share of a core is of so long: what was not used is not saved up
INIT_S = 60.0  # Lambda allows ten seconds of a whole core; this machine may be shared
# python -I drops the working folder, and AWS's own bootstrap puts the task root first too. No file
# may grow over 0 bytes: that is the read-only disk, for root as well.
_BOOTSTRAP = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
from awslambdaric.__main__ import main
main(["", sys.argv[1]])
"""


class RuntimeServer(http.server.ThreadingHTTPServer):
    """The Runtime API: put an event into `events`, take (kind, answer) from `answers`."""

    daemon_threads = True

    def __init__(self, timeout_s: float = 60) -> None:
        super().__init__(("127.0.0.1", 0), _RuntimeApi)
        self.events: queue.Queue[Any] = queue.Queue()
        self.answers: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.timeout_s, self.initialised = timeout_s, threading.Event()

    def handle_error(self, *_: Any) -> None:
        """Nothing: a function that is ended drops its connection."""


class _RuntimeApi(http.server.BaseHTTPRequestHandler):
    """AWS's side of the Runtime API: hands out events, takes answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer takes 40 ms
    wbufsize = -1

    def do_GET(self) -> None:
        """The next event."""
        server = cast("RuntimeServer", self.server)
        server.initialised.set()
        body = json.dumps(server.events.get()).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        self.send_header(
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:eu-central-1:123456789012:function:scenelet",
        )
        deadline_ms = int(1000 * (time.time() + server.timeout_s))
        self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline_ms))
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
        self._accepted()

    def _accepted(self) -> None:
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


def _refusal(answer: Any) -> PackageError:
    """What a function said when it could not answer, or not even start."""
    return PackageError(f"{answer.get('errorType', 'error')}: {answer.get('errorMessage', answer)}")


class RunningFunction:
    """A function that has been started; a context manager that ends it."""

    def __init__(
        self,
        python: Path,
        task_root: Path,
        handler: str,
        environment: Mapping[str, str] | None = None,
        memory_mib: int = 1024,
        timeout_s: float = 60,
        cpu_share: float = 1.0,
    ) -> None:
        """Start it.

        Args:
            python: Of an environment that holds awslambdaric and nothing else, as `runtime_python`
                makes.
            task_root: Folder with the files of the package.
            handler: Dotted name.
            environment: Its variables, besides Lambda's own.
            memory_mib: That it may hold; with more it is killed.
            timeout_s: That an answer may take; then it is killed.
            cpu_share: Of a core, once it is initialised; with more it is held back.
        """
        self._cpu_share, self._credit_ms, self._is_held = cpu_share, 0.0, False
        self.lines: list[str] = []
        self._memory_mib, self._timeout_s, self._killed = memory_mib, timeout_s, ""
        self._server = RuntimeServer(timeout_s)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self._process = subprocess.Popen(
            [str(python), "-I", "-B", "-u", "-c", _BOOTSTRAP, handler],
            env={**self._own_environment(task_root), **(environment or {})},
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._told: list[str] = []
        self._listening = [
            threading.Thread(target=_collect, args=each, daemon=True)
            for each in ((self._process.stdout, self.lines), (self._process.stderr, self._told))
        ]
        for thread in self._listening:
            thread.start()
        threading.Thread(target=self._watch, daemon=True).start()

    def __enter__(self) -> "RunningFunction":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._server.shutdown()
        self._server.server_close()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can answer: nothing has killed it yet."""
        return self._process.poll() is None

    def invoke(self, event: Any) -> Any:
        """Send an event, wait for the answer.

        Raises:
            PackageError: The function raised, could not be imported, was killed, or took too long.
        """
        self.wait_for_init()  # which is no part of the time that an answer may take
        self._server.events.put(event)
        end_s = time.monotonic() + self._timeout_s
        while time.monotonic() < end_s:
            try:
                kind, answer = self._server.answers.get(timeout=0.05)
            except queue.Empty:
                self._require_alive()
                continue
            if kind != "response":
                raise _refusal(answer)
            self._require_little()
            return answer
        self._process.kill()
        self._process.wait()
        raise PackageError(f"Sandbox.Timedout: Task timed out after {self._timeout_s:.2f} seconds")

    def wait_for_init(self, timeout_s: float = INIT_S) -> None:
        """Until it asks for its first event: the end of the phase that has a whole core.

        Raises:
            PackageError: It ended, or took too long.
        """
        end_s = time.monotonic() + timeout_s
        while not self._server.initialised.wait(0.02):
            self._require_alive()
            if time.monotonic() > end_s:
                raise PackageError(f"Sandbox.Timedout: Init timed out after {timeout_s:.2f} s")

    def peak_mib(self) -> float:
        """Most memory that it has held so far."""
        return self._status_kib("VmHWM") / 1024

    def cpu_ms(self) -> float:
        """Processor time that all its threads have used so far."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/schedstat")
        return sum(map(_ran_ns, tasks)) / 1e6

    def _own_environment(self, task_root: Path) -> dict[str, str]:
        return {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "scenelet",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._memory_mib),
            "LAMBDA_TASK_ROOT": str(task_root),
            "PATH": os.environ["PATH"],
        }

    def _require_alive(self) -> None:
        code = self._process.poll()
        if code is None:
            return
        for thread in self._listening:
            thread.join(2)
        if not self._killed and not self._server.answers.empty():  # it said why before it ended
            raise _refusal(self._server.answers.get()[1])
        last = self._told[-1].strip() if self._told else ""
        raise PackageError(self._killed or f"the function ended ({code}): {last}")

    def _require_little(self) -> None:
        """Nobody looked while it was at its highest: it would have been killed."""
        self._kill_if_large()
        if self._killed:
            raise PackageError(self._killed)

    def _watch(self) -> None:
        seen = time.monotonic(), 0.0
        while self._process.poll() is None and not self._killed:
            with suppress(OSError):  # no handle is free to look with: the next look comes soon
                self._kill_if_large()
                seen = self._held_to_its_share(*seen)
            time.sleep(LOOK_S)

    def _held_to_its_share(self, before_s: float, before_ms: float) -> tuple[float, float]:
        """Of the processor; returns the time, and processor time used, for the next look."""
        now_s, now_ms = time.monotonic(), self.cpu_ms()
        if self._cpu_share < 1 and self._server.initialised.is_set():
            self._share(1000 * (now_s - before_s), now_ms - before_ms)
        return now_s, now_ms

    def _share(self, passed_ms: float, used_ms: float) -> None:
        """Hold it back while it has used more than its share of the time that passed."""
        earned = self._credit_ms + passed_ms * self._cpu_share
        self._credit_ms = min(PERIOD_MS * self._cpu_share, earned) - used_ms
        if self._is_held != (self._credit_ms < 0):
            self._is_held = not self._is_held
            self._process.send_signal(signal.SIGSTOP if self._is_held else signal.SIGCONT)

    def _kill_if_large(self) -> None:
        peak_mib = self.peak_mib()
        if peak_mib > self._memory_mib:
            self._killed = (
                "Runtime.ExitError: Runtime exited with error: signal: killed"
                f" (Max Memory Used: {peak_mib:.0f} MB of {self._memory_mib} MB)"
            )
            self._process.kill()

    def _status_kib(self, name: str) -> int:
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        except OSError:  # it has ended
            return 0
        found = [line.split()[1] for line in status.splitlines() if line.startswith(name)]
        return int(found[0]) if found else 0


def _ran_ns(task: Path) -> int:
    """Processor time of a thread; 0 of one that has ended meanwhile."""
    try:
        return int(task.read_text(encoding="ascii").split()[0])
    except (OSError, IndexError):
        return 0


def _collect(pipe: Any, into: list[str]) -> None:
    with pipe:
        into.extend(iter(pipe.readline, ""))


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
    with held(folder.with_name(f"{folder.name}.lock")):
        if not whole.is_file():  # nobody else made it meanwhile
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
