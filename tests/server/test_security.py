"""Who is let in: the token, the server's own names, its own pages; and that nothing of it is ever written down."""

from __future__ import annotations

import logging

import httpx
import pytest

from anybone.server.security import is_loopback, names_of
from server.conftest import TOKEN, Start


def ask(client: httpx.Client, path: str = "/api/info", **headers: str) -> int:
    return client.get(path, headers=headers).status_code


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"])
def test_nothing_without_the_token(client: httpx.Client, shown: str) -> None:
    answer = client.get("/api/info", headers={"Authorization": shown.encode()})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (401, "Unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_health_and_page_need_none(client: httpx.Client) -> None:
    with httpx.Client(base_url=client.base_url) as bare:
        assert [bare.get(path).status_code for path in ("/healthz", "/")] == [200, 200]
        for path in ("/api/openapi.json", "/api/sessions", "/api/metrics", "/docs", "/info/", "/assets", "/nothing"):
            assert bare.get(path).status_code == 401, path
        assert bare.get("/assets/%2e%2e/%2e%2e/app.py").status_code == 404


def test_other_names_are_refused_since_they_may_be_made_to_point_here(client: httpx.Client) -> None:
    port = client.base_url.port
    assert ask(client, host=f"localhost:{port}") == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", "a[b", ""):
        assert ask(client, host=host) in (400, 403), host
        assert ask(client, "/", host=host) in (400, 403), host


def test_pages_of_other_sites_are_refused(client: httpx.Client) -> None:
    own = f"http://127.0.0.1:{client.base_url.port}"
    assert ask(client, origin=own) == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", f"{own}.evil.example"):
        assert ask(client, origin=origin) == 403, origin
    for site in ("cross-site", "same-site"):
        assert ask(client, **{"sec-fetch-site": site}) == 403
    preflight = client.options("/api/info", headers={"origin": "http://evil.example"})
    assert preflight.status_code == 403
    assert not [name for name in preflight.headers if name.startswith("access-control")]


def test_answers_keep_a_page_to_itself(client: httpx.Client) -> None:
    headers = client.get("/").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


def test_a_body_is_bounded_whether_it_says_its_size_or_not(start: Start) -> None:
    client = start(body_bytes=2000, upload_bytes=4000)
    long = {"path": "x" * 3000}
    answer = client.post("/api/sessions", json=long)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (413, "TooLarge")
    pieces = client.post("/api/sessions", content=iter([b'{"path": "', b"x" * 3000, b'"}']))
    assert (pieces.status_code, pieces.json()["error"]["kind"]) == (413, "TooLarge")
    assert client.post("/api/uploads", files={"files": ("a.nii", b"x" * 5000)}).status_code == 413
    assert client.post("/api/uploads", files={"files": ("a.nii", b"x" * 1000)}).status_code == 201


def test_the_log_holds_routes_and_neither_token_nor_names(
    client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        client.get("/api/files", params={"path": "deeper"})
        client.get("/api/info", headers={"Authorization": f"Bearer {TOKEN}x"})
        client.get(f"/api/sessions/{TOKEN}")
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert any("/api/files 200" in line for line in ours)
    assert not [line for line in ours if TOKEN in line or "deeper" in line]


def test_names_follow_from_the_address() -> None:
    assert names_of("127.0.0.1").known == {"127.0.0.1", "localhost", "::1"}
    assert not names_of("localhost").any_address
    everywhere = names_of("0.0.0.0", ["Bones.Example"])
    assert everywhere.any_address
    assert "bones.example" in everywhere.known
    assert names_of("10.1.2.3").known == {"10.1.2.3"}
    assert [is_loopback(a) for a in ("127.0.0.5", "::1", "LOCALHOST", "0.0.0.0", "host")] == [True] * 3 + [False] * 2
