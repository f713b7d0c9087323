"""An HTTP API or a Function URL in the tests.

Requests go to the version that the alias names, run by the real awslambdaric.

As strict as AWS: payloads, base64 by content type, rate and burst, instances at once, permissions
of a Function URL. The code of a version is read back from the S3 of moto's server by its SHA-256:
the very zip that was uploaded.
"""

import base64
import binascii
import contextlib
import http.server
import io
import json
import random
import threading
import time
import urllib.request
import zipfile

import boto3
from botocore.exceptions import ClientError
from moto_server import ACCOUNT

from scenelet.deploy.runtime_api import MAX_PAYLOAD_BYTES, RunningFunction
from scenelet.deploy.target import FULL_CORE_MIB
from scenelet.errors import PackageError

API_PAYLOAD_BYTES, METERED_BYTES = 10 * 1024 * 1024, 512 * 1024
PATIENCE = 10  # a machine that runs tests is shared; test_runtime_api.py knows the time-out itself
TEXT = ("text/", "application/json", "application/javascript", "application/xml")
UNKNOWN = '{"message":"Internal Server Error"}'
FORBIDDEN = (
    '{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see:'
    ' https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}'
)


class Gateway(http.server.ThreadingHTTPServer):
    """Serves on loopback; `close` ends the functions too."""

    daemon_threads = True

    def __init__(self, moto, python, scratch):
        super().__init__(("127.0.0.1", moto.gateway_port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        # its own line to moto, whatever the tests do to theirs
        self.moto, self.endpoint_url = moto, moto.url
        self.python, self.scratch = python, scratch
        self.running, self.lock, self.counting = {}, threading.Lock(), threading.Lock()
        self.reset()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def reset(self):
        """Forget what a test asked for; functions that run go on."""
        self.function_name = "scenelet"
        self.broken, self.asked = set(), []
        self.wants_signature, self.is_strict = False, True
        self.in_flight, self.tokens, self.filled_s = 0, None, time.monotonic()
        self.metered_units = 0
        self.shares_cpu, self.patience = False, PATIENCE

    def close(self):
        for function in self.running.values():
            function.__exit__()
        self.shutdown()
        self.server_close()

    def client(self, service):
        credentials = {
            "aws_access_key_id": ACCOUNT["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": ACCOUNT["AWS_SECRET_ACCESS_KEY"],
            "region_name": ACCOUNT["AWS_DEFAULT_REGION"],
        }
        return boto3.client(service, endpoint_url=self.endpoint_url, **credentials)

    def state(self):
        with urllib.request.urlopen(f"{self.endpoint_url}/strict/state", timeout=10) as answer:
            found = json.load(answer)
        kinds = ("functions", "stages", "routes")
        return [found[kind].get(self.function_name) for kind in kinds]

    def invoke(self, event):
        """As the alias `live` says, a share of the requests to another version."""
        alias = self.client("lambda").get_alias(FunctionName=self.function_name, Name="live")
        version = alias["FunctionVersion"]
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        for other, weight in weights.items():
            if random.random() < float(weight):
                version = other
        return self.invoke_version(self.function_name, version, event)

    def invoke_version(self, name, qualifier, event):
        version = self.client("lambda").get_function_configuration(
            FunctionName=name, Qualifier=qualifier
        )
        if version["CodeSha256"] in self.broken:
            raise PackageError("Runtime.ExitError: a fault of the test")
        with self.lock:
            return self.function_of(version).invoke(event)

    def function_of(self, version):
        """The process of this code with these settings: started once, kept for the session."""
        own = {"AWS_LAMBDA_FUNCTION_VERSION": version["Version"]}
        variables = version["Environment"]["Variables"] | own
        sizes = (version["MemorySize"], version["Timeout"])
        share = int(version["MemorySize"]) / FULL_CORE_MIB if self.shares_cpu else 1.0
        settings = (version["CodeSha256"], share, *sizes, *sorted(variables.items()))
        if settings not in self.running or not self.running[settings].is_alive:
            root = self.unpacked(version["CodeSha256"])
            self.running[settings] = RunningFunction(
                self.python,
                root,
                version["Handler"],
                {name: value.replace("/var/task", str(root)) for name, value in variables.items()},
                int(version["MemorySize"]),
                self.patience * int(version["Timeout"]),
                share,
            )
        return self.running[settings]

    def unpacked(self, digest):
        """The folder of the code that was uploaded, found by its SHA-256."""
        key = binascii.hexlify(base64.b64decode(digest)).decode()
        root = self.scratch / key
        if not root.exists():
            s3 = self.client("s3")
            for bucket in s3.list_buckets()["Buckets"]:
                with contextlib.suppress(ClientError):
                    stored = s3.get_object(
                        Bucket=bucket["Name"], Key=f"{self.function_name}/{key}.zip"
                    )
                    zipfile.ZipFile(io.BytesIO(stored["Body"].read())).extractall(root)
        return root

    def lines(self):
        """What every function has logged."""
        return [line for function in self.running.values() for line in function.lines]

    def takes(self, stage):
        """Whether rate and burst of a stage let another request through."""
        rate, burst = float(stage["throttlingRateLimit"]), float(stage["throttlingBurstLimit"])
        with self.counting:
            now_s = time.monotonic()
            left = burst if self.tokens is None else self.tokens
            left = min(burst, left + rate * (now_s - self.filled_s))
            self.tokens, self.filled_s = max(0, left - 1), now_s
            return left >= 1


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.answer()

    do_GET = do_HEAD = do_PUT = do_OPTIONS = do_POST

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/strict-invoke/"):
            return self.answer_invocation(body)
        self.server.asked.append(dict(self.headers))
        function, stage, routes = self.server.state()
        refused = self.refusal(body, function, stage, routes)
        if refused is None:
            event = self.event(body)
            if len(json.dumps(event)) > MAX_PAYLOAD_BYTES:
                text = "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
                refused = (413, json.dumps({"message": text}))
        if refused is not None:
            return self.send(refused[0], refused[1].encode(), {})
        return self.answer_event(event, function)

    def refusal(self, body, function, stage, routes):
        """What the door says without asking the function."""
        if function is None:
            return 404, '{"message":"Not Found"}'
        signed = self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 Credential=")
        if self.server.wants_signature and not signed:
            return 403, '{"message":"Missing Authentication Token"}'
        if stage is None:
            return self.refusal_of_url(function)
        if len(body) > API_PAYLOAD_BYTES:
            return 413, '{"message":"Request Entity Too Large"}'
        if self.server.is_strict and not self.server.takes(stage):
            return 429, '{"message":"Too Many Requests"}'
        self.server.metered_units += max(1, -(-len(body) // METERED_BYTES))
        asked = f"{self.command} {self.path.partition('?')[0]}"
        if not {asked, "$default"} & set(routes):
            return 404, '{"message":"Not Found"}'
        return None

    def refusal_of_url(self, function):
        """Since 10/2025 a public URL needs two statements."""
        if self.server.wants_signature:
            return None
        found = {
            (each["Action"], each.get("FunctionUrlAuthType"), each.get("InvokedViaFunctionUrl"))
            for each in function["permissions"]
            if each["Principal"] == "*"
        }
        needed = {
            ("lambda:InvokeFunctionUrl", "NONE", None),
            ("lambda:InvokeFunction", None, True),
        }
        return None if needed <= found else (403, FORBIDDEN)

    def event(self, body):
        kind = self.headers.get("Content-Type", "").lower()
        is_text = bool(body) and kind.startswith(TEXT)
        path, _, query = self.path.partition("?")
        return {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "requestContext": {"stage": "$default", "http": {"method": self.command, "path": path}},
            "body": body.decode("utf-8", "replace") if is_text else base64.b64encode(body).decode(),
            "isBase64Encoded": not is_text,
        }

    def answer_event(self, event, function):
        reserved = function["reserved"]
        with self.server.counting:
            self.server.in_flight += 1
            too_many = reserved is not None and self.server.in_flight > int(reserved)
        try:
            if too_many:
                return self.send(503, b'{"message":"Service Unavailable"}', {})
            response = self.server.invoke(event)
        except ClientError as error:
            return self.send(404, str(error).encode(), {})
        except PackageError:
            return self.send(500, UNKNOWN.encode(), {})
        finally:
            with self.server.counting:
                self.server.in_flight -= 1
        return self.send(response["statusCode"], response["body"].encode(), response["headers"])

    def answer_invocation(self, body):
        """What moto is asked to invoke."""
        _, _, name, qualifier = self.path.split("/")
        try:
            answer = self.server.invoke_version(name, qualifier, json.loads(body))
        except PackageError as error:
            kind, _, text = str(error).partition(": ")
            answer = {"errorType": kind, "errorMessage": text}
        return self.send(200, json.dumps(answer).encode(), {})

    def send(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
