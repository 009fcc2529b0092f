"""A tool server (MCP) for tests of agents, with two tools: `price` answers, `order` leaves a file behind.

Run as a file it speaks over stdin and stdout; `ToolServer` listens on a loopback port:

    with ToolServer() as server:
        ...  # the agent is given server.url

Standard library only. Source: the Model Context Protocol, revision 2025-06-18.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SKU = {"type": "object", "properties": {"sku": {"type": "string"}}}
TOOLS = [
    {"name": name, "description": f"{name} of a thing", "inputSchema": SKU} for name in ("price", "order")
]
UNKNOWN = {"code": -32601, "message": "there is no such method"}


def answer(message: dict[str, Any]) -> dict[str, Any] | None:
    """The answer to a request; None where it is a notification, which gets none."""
    if "id" not in message:
        return None
    head = {"jsonrpc": "2.0", "id": message["id"]}
    match message:
        case {"method": "initialize", "params": {"protocolVersion": str(version)}}:
            about = {"name": "shop", "version": "1"}
            return head | {
                "result": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
            }
        case {"method": "tools/list"}:
            return head | {"result": {"tools": TOOLS}}
        case {"method": "tools/call", "params": {"name": str(tool), "arguments": {"sku": str(sku)}}}:
            if tool == "order":
                Path(f"ordered-{sku}").touch()
            return head | {"result": {"content": [{"type": "text", "text": f"{tool} of {sku}: 42"}]}}
    return head | {"error": UNKNOWN}


class ToolServer:
    """Listens while its `with` lasts."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/mcp"

    def __enter__(self) -> ToolServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test's output stays the test's."""

    def do_POST(self) -> None:
        said = answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._say(202 if said is None else 200, b"" if said is None else json.dumps(said).encode())

    def do_GET(self) -> None:
        self._say(405, b"")

    def do_DELETE(self) -> None:
        self._say(405, b"")

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    for line in sys.stdin:
        if (said := answer(json.loads(line))) is not None:
            sys.stdout.write(json.dumps(said) + "\n")
            sys.stdout.flush()
