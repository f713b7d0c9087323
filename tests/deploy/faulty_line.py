"""A line to AWS that fails.

A proxy in front of moto's server that throttles, breaks, hangs and cuts, by a seeded draw.
"""

import http.client
import http.server
import random
import threading
import time
from urllib.parse import urlsplit


class FaultyLine(http.server.ThreadingHTTPServer):
    """Passes requests on to `target`, but for the share `rate` of them.

    `faults` counts what was done to them.
    """

    daemon_threads = True
    KINDS = ("throttle", "fail", "hang", "cut", "lose")

    def __init__(self, target, seed, rate, kinds=KINDS):
        super().__init__(("127.0.0.1", 0), Line)
        self.target, self.rate, self.kinds = urlsplit(target), rate, kinds
        self.draw, self.faults, self.lock = (
            random.Random(seed),
            dict.fromkeys(self.KINDS, 0),
            threading.Lock(),
        )
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def next_fault(self):
        with self.lock:
            if self.draw.random() > self.rate:
                return None
            kind = self.draw.choice(self.kinds)
            self.faults[kind] += 1
            return kind

    def handle_error(self, *_):
        pass


class Line(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        fault = self.server.next_fault()
        size = int(self.headers.get("Content-Length") or 0)
        if fault == "cut":  # in the middle of the upload
            self.rfile.read(size // 2)
            self.close_connection = True
            self.connection.close()
            return
        body = self.rfile.read(size)
        if fault == "hang":
            time.sleep(1.5)  # longer than the tests' client waits
            self.close_connection = True
            self.connection.close()
            return
        if fault in ("throttle", "fail"):
            self.refuse(fault)
            return
        connection = http.client.HTTPConnection(
            self.server.target.hostname, self.server.target.port, timeout=60
        )
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if fault == "lose":  # done, but nobody hears of it
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            if name.lower() not in (
                "content-length",
                "transfer-encoding",
                "connection",
                "date",
                "server",
            ):
                self.send_header(name, value)
        self.send_header(
            "Content-Length",
            (
                str(len(content))
                if self.command != "HEAD"
                else response.headers.get("Content-Length", "0")
            ),
        )
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def refuse(self, fault):
        code, status = {"throttle": ("Throttling", 400), "fail": ("InternalFailure", 500)}[fault]
        body = (
            f"<ErrorResponse><Error><Code>{code}</Code><Message>a fault of the"
            " test</Message></Error></ErrorResponse>".encode()
        )
        kind = "text/xml"
        if "/2015-03-31/" in self.path or "/2021-" in self.path:
            body, kind = b'{"message": "a fault of the test"}', "application/json"
        self.send_response(status)
        self.send_header("x-amzn-ErrorType", code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = serve

    def log_message(self, *_):
        pass
