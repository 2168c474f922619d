"""Meters: what a server did and has to do, as Prometheus reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from anybone.server.studio import Studio

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class Meters:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "anybone_request_seconds", "Time of a request", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self._answers = Counter("anybone_requests", "Requests", ("route", "status"), registry=self._registry)
        self._gauges = {
            name: Gauge(f"anybone_{name}", text, registry=self._registry)
            for name, text in (
                ("sessions_open", "Sessions in memory"),
                ("sessions_bytes", "Memory of these, about"),
                ("jobs_waiting", "Jobs that wait"),
                ("jobs_running", "Jobs that run"),
                ("users", "Streams of events that are listened to"),
            )
        }

    def count(self, route: str, status: int, seconds: float) -> None:
        """Nothing; counts a request."""
        self._answers.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self, studio: Studio) -> bytes:
        """All of it in Prometheus' text format."""
        works = studio.store.open
        values = {
            "sessions_open": len(works),
            "sessions_bytes": sum(work.memory_bytes for work in works),
            "jobs_waiting": studio.jobs.waiting,
            "jobs_running": int(studio.jobs.running is not None),
            "users": studio.hub.users,
        }
        for name, value in values.items():
            self._gauges[name].set(value)
        return generate_latest(self._registry)
