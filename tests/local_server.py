"""`scenelet serve`, for tests that ask it over a real socket."""

import signal
import subprocess
import sys
import urllib.error
import urllib.request

from servers import free_port, wait_until_answers


class Server:
    """`scenelet serve` in a process of its own."""

    def __init__(self, bundle, log, *flags):
        self.port, self.log = free_port(), log
        command = [sys.executable, "-m", "scenelet", "serve", "--bundle", bundle]
        command += ["--port", self.port, *flags]
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                list(map(str, command)), stdout=file, stderr=subprocess.STDOUT
            )
        wait_until_answers(f"http://127.0.0.1:{self.port}/health", self.process)

    def ask(self, path, data=None, kind="image/jpeg", timeout=30):
        """Status, headers and body of an answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, {"content-type": kind}
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def said(self):
        """Its log so far."""
        return self.log.read_text()

    def stop(self):
        """SIGTERM, and what it ended with."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)
