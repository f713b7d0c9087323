"""A server of one picture, for tests that fetch a URL."""

import http.server


class ImageSite(http.server.BaseHTTPRequestHandler):
    """Answers every path with `content`."""

    content = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_):
        pass
