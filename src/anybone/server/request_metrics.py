"""Metrics in Prometheus' format, and the middleware that counts and logs requests."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from anybone.server.state import ServerState

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_log = logging.getLogger("anybone.server")


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "anybone_request_seconds", "Time of a request", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self._requests = Counter("anybone_requests", "Requests", ("route", "status"), registry=self._registry)
        self._gauges = {
            name: Gauge(f"anybone_{name}", text, registry=self._registry)
            for name, text in (
                ("sessions_open", "Sessions in memory"),
                ("sessions_bytes", "Approximate memory of these sessions"),
                ("jobs_waiting", "Jobs that wait"),
                ("jobs_running", "Jobs that run"),
                ("users", "Listeners of event streams"),
            )
        }

    def count(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self, state: ServerState) -> bytes:
        """Return all metrics in Prometheus' text format."""
        opened = state.store.open
        values = {
            "sessions_open": len(opened),
            "sessions_bytes": sum(session.memory_bytes for session in opened),
            "jobs_waiting": state.scheduler.waiting,
            "jobs_running": int(state.scheduler.running is not None),
            "users": state.hub.users,
        }
        for name, value in values.items():
            self._gauges[name].set(value)
        return generate_latest(self._registry)


class RequestCounter:
    """Count and log every request by its route: never by its address, its headers or its body.

    Args:
        app: Application behind this middleware.
        metrics: Counters of the server.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count its response."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        start = perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = perf_counter() - start
                route = getattr(scope.get("route"), "path", "other")
                self._metrics.count(route, message["status"], seconds)
                _log.info("%s %s %d %.0f ms", scope["method"], route, message["status"], seconds * 1000)
            await send(message)

        await self._app(scope, receive, counted)
