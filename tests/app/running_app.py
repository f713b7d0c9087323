"""The app in a process of its own, as a person starts it."""

import os
import subprocess
import sys

from servers import free_port, wait_until_answers


class App:
    """A running app."""

    def __init__(self, folder, *options):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "scenelet", "app", "--port", str(port), *map(str, options)]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        wait_until_answers(f"{self.url}/_stcore/health", self.process)

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) / 1024

    def maps(self):
        with open(f"/proc/{self.process.pid}/maps", encoding="utf-8") as file:
            return file.read()

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)
