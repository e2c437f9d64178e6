"""Stands in for coderd, so that the made-up agents of the demo can be dialed.

Its answers are data for a picture and prove nothing: an agent that the exporter's own page calls
connected answers, but for a few that never do; any other is refused as coderd refuses it.
"""

import json
import re
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INFO = re.compile(r'coder_agent_info\{.*?agent_id="([^"]+)".*?,status="([^"]+)"')
PATH = re.compile(r"/api/v2/workspaceagents/([^/]+)/listening-ports")
PAGE_LASTS_SECONDS = 5
# What it says of itself: that it is there, and which version, the demo's.
ITS_OWN = {"/healthz": "OK", "/api/v2/buildinfo": {"version": "v2.35.1+4f8a2c1"}}
# One agent in this many does not answer, whatever the database says of it.
SILENT_ONE_IN = 40


class Coderd(ThreadingHTTPServer):
    """Answers on loopback about the agents on the page of metrics at `metrics_url`."""

    daemon_threads = True

    def __init__(self, metrics_url: str):
        super().__init__(("127.0.0.1", 0), Handler)
        self.metrics_url = metrics_url
        self.statuses: dict[str, str] = {}
        self.read_at = 0.0
        self.lock = threading.Lock()

    def status(self, agent: str) -> str:
        with self.lock:
            if time.monotonic() - self.read_at > PAGE_LASTS_SECONDS:
                with urllib.request.urlopen(self.metrics_url, timeout=10) as page:
                    self.statuses = dict(INFO.findall(page.read().decode()))
                self.read_at = time.monotonic()
            return self.statuses.get(agent, "disconnected")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path in ITS_OWN:
            return self.answer(200, ITS_OWN[self.path])
        asked = PATH.fullmatch(self.path)
        if not asked:
            return self.answer(404, {"message": "Route not found."})
        number = int(asked[1].replace("-", ""), 16)
        status = self.server.status(asked[1])
        if status != "connected":
            return self.answer(400, {"message": f'Agent state is "{status}", it must be in the "connected" state.'})
        if number % SILENT_ONE_IN == 0:
            return self.answer(500, {"message": "Internal error dialing workspace agent."})
        time.sleep(0.02 + (number % 97) ** 3 / 97**3)  # most within a tenth of a second, a few near one
        return self.answer(200, {"ports": []})

    def answer(self, status: int, body: dict | str):
        is_text = isinstance(body, str)
        text = (body if is_text else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if is_text else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass
