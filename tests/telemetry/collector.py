"""A collector of OTLP over HTTP on loopback, which keeps what it gets."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Collector:
    """What has come; with `status` it answers so, and with `silent` not at all."""

    url: str = ""
    status: int = 200
    silent: threading.Event | None = None
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def bodies(self, path: str, kind: type[Message]) -> Iterator[Any]:
        for where, _, body in self.requests:
            if where == path:
                message = kind()
                message.ParseFromString(body)
                yield message

    def spans(self) -> list[Any]:
        return [
            span
            for body in self.bodies("/v1/traces", ExportTraceServiceRequest)
            for resource in body.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def resources(self) -> list[dict[str, object]]:
        return [
            values(resource.resource.attributes)
            for body in self.bodies("/v1/traces", ExportTraceServiceRequest)
            for resource in body.resource_spans
        ]

    def metrics(self) -> dict[str, list[tuple[dict[str, object], float]]]:
        """Each metric's points in the last request: attributes, and the sum."""
        *_, body = self.bodies("/v1/metrics", ExportMetricsServiceRequest)
        found: dict[str, list[tuple[dict[str, object], float]]] = {}
        for resource in body.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    histogram = metric.WhichOneof("data") == "histogram"
                    data = metric.histogram if histogram else metric.sum
                    found[metric.name] = [
                        (values(point.attributes), point.count if histogram else point.as_int)
                        for point in data.data_points
                    ]
        return found

    def raw(self) -> bytes:
        return b"".join(body for _, _, body in self.requests)


def values(attributes: Any) -> dict[str, object]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def collector() -> Iterator[Collector]:
    """One that listens while it lasts."""
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if kept.silent is not None:
                kept.silent.wait(60)
                return
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            kept.requests.append((self.path, dict(self.headers), body))
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        kept.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield kept
        finally:
            if kept.silent is not None:
                kept.silent.set()
            server.shutdown()
            thread.join()
