"""A server of one picture on loopback, for tests that fetch a URL."""

import http.server
import threading


class ImageSite(http.server.ThreadingHTTPServer):
    """Answers every path with `content`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = b""
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}/picture.jpg"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *_):
        pass
