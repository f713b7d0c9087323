"""Servers that tests start: a free port, and waiting until one answers."""

import contextlib
import socket
import threading
import time
import urllib.error
import urllib.request


def free_port():
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(server):
    """Serve in a thread; at the end without the half second that socketserver waits by default."""
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def wait_until_answers(url, process, seconds=120):
    """Ask until an HTTP answer comes, whichever; fails as soon as the process has ended."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, f"it ended with {process.returncode}"
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{url} never answered")


def wait_until(holds, what, seconds=30):
    """Look until something holds."""
    end_s = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end_s, f"after {seconds} s still not: {what}"
        time.sleep(0.02)
