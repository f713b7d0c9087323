"""An HTTP API in the tests: requests go to the version that the alias `live` names, run by the real awslambdaric.

The code of that version is read back from the S3 of moto's server by its SHA-256: the very zip that
was uploaded.
"""

import base64
import binascii
import http.server
import io
import threading
import zipfile

import boto3
from botocore.exceptions import ClientError
from moto_server import ACCOUNT

from scenelet.deploy.runtime_api import RunningFunction


class Gateway(http.server.ThreadingHTTPServer):
    """Serves on loopback; `close` ends the functions too."""

    daemon_threads = True

    def __init__(self, moto, python, scratch):
        super().__init__(("127.0.0.1", moto.gateway_port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        # its own line to moto, whatever the tests do to theirs
        self.endpoint_url = moto.url
        self.python, self.scratch = python, scratch
        self.running, self.lock = {}, threading.Lock()
        self.reset()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def reset(self):
        """Forget what a test asked for; functions that run go on."""
        self.function_name = "scenelet"
        self.broken, self.wants_signature, self.asked = set(), False, []

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

    def invoke(self, event):
        with self.lock:
            client = self.client("lambda")
            alias = client.get_alias(FunctionName=self.function_name, Name="live")
            version = client.get_function_configuration(
                FunctionName=self.function_name, Qualifier=alias["FunctionVersion"]
            )
            if version["CodeSha256"] in self.broken:
                return {
                    "statusCode": 500,
                    "body": '{"message": "Internal Server Error"}',
                    "headers": {},
                }
            return self.function_of(version).invoke(event)

    def function_of(self, version):
        """The process of this code with these settings: started once, kept for the session."""
        variables = version["Environment"]["Variables"]
        settings = (version["CodeSha256"], version["MemorySize"], *sorted(variables.items()))
        if settings not in self.running or not self.running[settings].is_alive:
            root = self.unpacked(version["CodeSha256"])
            self.running[settings] = RunningFunction(
                self.python,
                root,
                version["Handler"],
                {name: value.replace("/var/task", str(root)) for name, value in variables.items()},
                int(version["MemorySize"]),
            )
        return self.running[settings]

    def unpacked(self, digest):
        """The folder of the code that was uploaded, found by its SHA-256."""
        key = binascii.hexlify(base64.b64decode(digest)).decode()
        root = self.scratch / key
        if not root.exists():
            s3 = self.client("s3")
            bucket = next(
                each["Name"]
                for each in s3.list_buckets()["Buckets"]
                if each["Name"].startswith("scenelet-packages")
            )
            stored = s3.get_object(Bucket=bucket, Key=f"{self.function_name}/{key}.zip")
            zipfile.ZipFile(io.BytesIO(stored["Body"].read())).extractall(root)
        return root


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(dict(self.headers))
        if self.server.wants_signature and not self.headers.get("Authorization", "").startswith(
            "AWS4-HMAC-SHA256 Credential="
        ):
            return self.send(403, b'{"message":"Missing Authentication Token"}', {})
        event = {
            "version": "2.0",
            "rawPath": self.path,
            "rawQueryString": "",
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "requestContext": {
                "stage": "$default",
                "http": {"method": self.command, "path": self.path},
            },
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        try:
            response = self.server.invoke(event)
        except ClientError as error:
            return self.send(404, str(error).encode(), {})
        return self.send(response["statusCode"], response["body"].encode(), response["headers"])

    def send(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
