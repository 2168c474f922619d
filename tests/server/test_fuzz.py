"""Whatever the server's own description allows, and what it does not: never a fault of the program, never a way out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from server.conftest import ON_BONE, TOKEN
from server.test_jobs import opened

EXAMPLES = int(os.environ.get("ANYBONE_FUZZ_EXAMPLES", "3"))  # of each route; `make fuzz` takes more
ENDLESS = ("/events",)  # streams, which have no end to wait for


@pytest.fixture(scope="module")
def described(client: httpx.Client) -> Any:
    answer = client.get("/api/openapi.json")
    return schemathesis.openapi.from_dict(answer.json())


def test_every_route_declares_its_errors(client: httpx.Client) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    assert len(paths) > 40
    for path, methods in paths.items():
        for method, told in methods.items():
            assert {"400", "401", "403", "404", "413", "422"} <= set(told["responses"]), (method, path)


@pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # schemathesis does
def test_whatever_is_sent_is_answered(described: Any, client: httpx.Client, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.parent.glob("**/*.nii.gz") if "state" not in path.parts}
    session = opened(client)
    client.post(f"{session}/add_point", json={"ijk": ON_BONE})
    client.post(f"{session}/commit", json={"name": "one"})
    failures: list[str] = []
    for result in described.get_all_operations():
        operation = result.ok()
        if not operation.path.endswith(ENDLESS):
            ask(operation, client, session.rpartition("/")[2], failures)
    assert not failures, "\n".join(failures[:5])
    after = {path: path.read_bytes() for path in folder.parent.glob("**/*.nii.gz") if "state" not in path.parts}
    assert {path: after.get(path) for path in before} == before
    assert client.get("/healthz").status_code == 200


def ask(operation: Any, client: httpx.Client, session: str, failures: list[str]) -> None:
    """Calls one operation with whatever fits its description, and some that does not."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def once(case: Any) -> None:
        parameters = case.path_parameters or {}
        if "id" in parameters and case.method != "DELETE":
            parameters["id"] = session
        response = case.call(base_url=str(client.base_url), headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)
        if response.status_code >= 500 and response.status_code not in (501, 503):
            failures.append(f"{case.method} {case.path} {response.status_code}: {case.body!r} {case.query!r}")

    once()
