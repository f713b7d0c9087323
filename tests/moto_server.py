"""moto's server over HTTP behind a strict layer, a stand-in for AWS: one process for a whole session, emptied for each test."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from servers import free_port, wait_until_answers

TESTS = Path(__file__).resolve().parent
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class MotoServer:
    """A running server.

    What it deploys answers at `gateway_port` of loopback, where a gateway may be started.
    """

    def __init__(self, log):
        self.port, self.gateway_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # as a part of a package: moto looks at the second part of a class's module
        code = f"from deploy.strict_aws import serve; serve({self.port})"
        environment = {**os.environ, "GATEWAY_URL": f"http://127.0.0.1:{self.gateway_port}"}
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], cwd=TESTS, env=environment, stdout=file, stderr=file
            )
        wait_until_answers(f"{self.url}/moto-api/", self.process)

    def reset(self):
        """Forget every resource, every rule and what was seen."""
        for layer in ("moto-api", "strict"):
            urllib.request.urlopen(f"{self.url}/{layer}/reset", data=b"", timeout=30).close()

    def rules(self, **rules):
        """Let the account be another: the fields of `strict_aws.Rules`."""
        body = json.dumps(rules).encode()
        urllib.request.urlopen(f"{self.url}/strict/rules", data=body, timeout=30).close()

    def calls(self):
        """Every call since it was emptied: [service, operation, resource]."""
        return self._told("calls")

    def state(self):
        """Functions and stages, and what is made and no more, by type."""
        return self._told("state")

    def _told(self, what):
        with urllib.request.urlopen(f"{self.url}/strict/{what}", timeout=30) as answer:
            return json.load(answer)

    def close(self):
        self.process.kill()
        self.process.wait()


def enter_account(monkeypatch, url, folder):
    """Let boto3, here and in processes started here, find this account and no other."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    files = {
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
    }
    for name, value in {**ACCOUNT, **files, "AWS_ENDPOINT_URL": url}.items():
        monkeypatch.setenv(name, value)
