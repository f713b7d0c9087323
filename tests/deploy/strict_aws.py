"""A strict layer in front of moto's server: what AWS would refuse, it refuses, in AWS's own words.

It lies in moto's process, as the application that is asked first. Tests set its rules and read
what it saw by HTTP:

    POST /strict/reset            the rules of an ordinary account again, nothing seen
    POST /strict/rules {...}      other rules: fields of `Rules`
    GET  /strict/calls            every call so far: [service, operation, resource]
"""

import json
import threading
from dataclasses import asdict, dataclass

from deploy.moto_with_types import teach_types


@dataclass
class Rules:
    """What this account is like.

    Attributes:
        concurrency: Of the account; a new one has 10, and nothing to reserve.
    """

    concurrency: int = 1000


class Strict:
    """A WSGI application around moto's."""

    def __init__(self, moto):
        self.moto, self.lock = moto, threading.Lock()
        self.reset()

    def reset(self):
        self.rules, self.calls = Rules(), []

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path.startswith("/strict/"):
            return self.control(path, environ, start_response)
        return self.moto(environ, start_response)

    def control(self, path, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        with self.lock:
            if path == "/strict/reset":
                self.reset()
            elif path == "/strict/rules":
                self.rules = Rules(**(asdict(self.rules) | json.loads(body)))
            answer = self.calls if path == "/strict/calls" else asdict(self.rules)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]


def serve(port):
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import run_simple

    teach_types()
    application = Strict(DomainDispatcherApplication(create_backend_app))
    run_simple("127.0.0.1", port, application, threaded=True, request_handler=MotoRequestHandler)
