"""A page that says how the listener is: for this machine only, numbers and reasons, no patient."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ThoraxAILib import __version__
from ThoraxAILib.store.listener.inbox import Inbox
from ThoraxAILib.store.listener.rules import Rules

LOCAL, GB = "127.0.0.1", 1e9
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="10">
<title>ThoraxAI listener</title><style>body{font:16px sans-serif;margin:2em}td{padding:.2em 1em .2em 0}</style>
<h1>ThoraxAI listener</h1><table>%s</table><p>Research use only, not a medical device.</p></html>"""


def state_of(inbox: Inbox, rules: Rules) -> dict[str, Any]:
    """Return the numbers of the page."""
    now, last, oldest = time.time(), inbox.last_seen(), inbox.oldest_waiting()
    free_gb = shutil.disk_usage(inbox.folder).free / GB
    return {
        "version": __version__,
        "series": dict(inbox.counts()),
        "priority_of_analyzed": dict(inbox.levels()),
        "reasons": dict(inbox.reasons()),
        "last_image_seconds_ago": None if last is None else round(now - last),
        "oldest_waiting_seconds": None if oldest is None else round(now - oldest),
        "free_gb": round(free_gb, 1),
        "takes_images": free_gb >= rules.min_free_gb,
    }


class HealthPage:
    """Serves the page and ``/health.json`` on a port of this machine until it is closed."""

    def __init__(self, port: int, state: Callable[[], dict[str, Any]]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer with the page, or with its numbers."""
                told = state()
                is_json = self.path == "/health.json"
                body = json.dumps(told) if is_json else PAGE % "".join(_rows(told))
                self.send_response(200)
                self.send_header("Content-Type", "application/json" if is_json else "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(body.encode("utf-8"))

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((LOCAL, port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.2,), daemon=True).start()

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://{LOCAL}:{self._server.server_address[1]}/"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def _rows(told: dict[str, Any]) -> list[str]:
    from html import escape

    rows = []
    for name, value in told.items():
        text = ", ".join(f"{key}: {count}" for key, count in value.items()) if isinstance(value, dict) else str(value)
        rows.append(f"<tr><td>{escape(name.replace('_', ' '))}</td><td>{escape(text or 'none')}</td></tr>")
    return rows
