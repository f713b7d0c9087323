"""An HTTP API in the tests: requests go to the version that the alias `live` names, run by the real awslambdaric.

The code of that version is read back from the S3 of moto's server by its SHA-256: the very zip that
was uploaded.
"""

import base64
import binascii
import http.server
import io
import os
import threading
import zipfile

import boto3
from botocore.exceptions import ClientError

from scenelet.deploy.runtime_api import RunningFunction


class Gateway(http.server.ThreadingHTTPServer):
    """Serves on loopback; `close` ends the functions too."""

    daemon_threads = True

    def __init__(self, python, scratch):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.python, self.scratch, self.function_name = python, scratch, "scenelet"
        self.endpoint_url = os.environ[
            "AWS_ENDPOINT_URL"
        ]  # its own line to moto, whatever the tests do to theirs
        self.running, self.lock = {}, threading.Lock()
        self.broken, self.wants_signature, self.asked = set(), False, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        for function in self.running.values():
            function.__exit__()
        self.shutdown()
        self.server_close()

    def invoke(self, event):
        with self.lock:
            client = boto3.client("lambda", endpoint_url=self.endpoint_url)
            alias = client.get_alias(FunctionName=self.function_name, Name="live")
            version = client.get_function_configuration(
                FunctionName=self.function_name, Qualifier=alias["FunctionVersion"]
            )
            digest = version["CodeSha256"]
            if digest in self.broken:
                return {
                    "statusCode": 500,
                    "body": '{"message": "Internal Server Error"}',
                    "headers": {},
                }
            if digest not in self.running:
                self.running[digest] = self.start(digest, version)
            return self.running[digest].invoke(event)

    def start(self, digest, version):
        key = binascii.hexlify(base64.b64decode(digest)).decode()
        s3 = boto3.client("s3", endpoint_url=self.endpoint_url)
        bucket = next(
            each["Name"]
            for each in s3.list_buckets()["Buckets"]
            if each["Name"].startswith("scenelet-packages")
        )
        content = s3.get_object(Bucket=bucket, Key=f"{self.function_name}/{key}.zip")["Body"].read()
        root = self.scratch / key
        zipfile.ZipFile(io.BytesIO(content)).extractall(root)
        variables = version["Environment"]["Variables"]
        variables = {
            name: value.replace("/var/task", str(root)) for name, value in variables.items()
        }
        return RunningFunction(
            self.python, root, version["Handler"], variables, int(version["MemorySize"])
        )


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
