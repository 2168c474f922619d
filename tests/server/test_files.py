"""The served folder and uploads: what there is, and no way out of it."""

from __future__ import annotations

import io
import socket
import zipfile
from pathlib import Path

import httpx
import pytest
from PIL import Image

from anybone.core.errors import UsageError
from anybone.server.routes import server_info
from anybone.server.uploads import safe_path
from server.conftest import TOKEN, Start
from server.test_jobs import opened, wait_for

OUTSIDE = (
    "../secret.nii.gz",
    "deeper/../../secret.nii.gz",
    "way_out/secret.nii.gz",
    "way_out",
    "/etc/passwd",
    "..\\secret.nii.gz",
    "C:\\secret.nii.gz",
    ".hidden.nii.gz",
    "%2e%2e/secret.nii.gz",
    "deeper/./../../secret.nii.gz",
    "~/secret",
    "",
)


def test_a_folder_is_listed_below_the_served_one(client: httpx.Client) -> None:
    top = client.get("/api/files").json()
    assert [(e["name"], e["kind"]) for e in top["entries"]] == [("deeper", "folder"), ("bars.nii.gz", "image")]
    below = client.get("/api/files", params={"path": "deeper"}).json()
    assert (below["path"], [e["path"] for e in below["entries"]]) == ("deeper", ["deeper/more.nii.gz"])
    assert client.get("/api/files", params={"path": "bars.nii.gz"}).status_code == 404


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_is_reached(client: httpx.Client, path: str, folder: Path) -> None:
    for answer in (
        client.post("/api/sessions", json={"path": path}),
        client.get("/api/files", params={"path": path}) if path else client.get("/api/files/.."),
    ):
        assert answer.status_code in (400, 404), answer.text
        assert str(folder.parent) not in answer.text


def test_saved_files_are_the_only_ones_that_can_be_fetched(client: httpx.Client) -> None:
    session = opened(client)
    for name in ("..%2fabout.json", "%2e%2e", "..%2f..%2f..%2fsecret.nii.gz", "about.json", ".nifti"):
        assert client.get(f"{session}/files/{name}").status_code == 404


def test_files_are_uploaded_and_opened(client: httpx.Client, folder: Path) -> None:
    content = (folder / "bars.nii.gz").read_bytes()
    answer = client.post("/api/uploads", files=[("files", ("mine.nii.gz", content))])
    assert (answer.status_code, answer.json()["files"]) == (201, 1)
    upload = answer.json()["upload"]
    found = client.post("/api/sessions", json={"upload": upload}).json()
    assert (found["shape"], found["name"]) == ([64, 64, 6], "mine")
    assert str(folder.parent) not in str(found)
    two = client.post(
        "/api/uploads", files=[("files", ("a/one.nii.gz", content)), ("files", ("a/two.nii.gz", content))]
    ).json()
    assert client.post("/api/sessions", json={"upload": two["upload"], "path": "a/two.nii.gz"}).status_code == 201
    assert client.post("/api/sessions", json={"upload": two["upload"], "path": "../x"}).status_code == 404
    assert client.post("/api/sessions", json={"upload": "0" * 32}).status_code == 404


def test_the_error_on_a_damaged_upload_names_the_file(client: httpx.Client) -> None:
    upload = client.post("/api/uploads", files=[("files", ("mine.nii.gz", b"no image"))]).json()["upload"]
    answer = client.post("/api/sessions", json={"upload": upload})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("mine.nii.gz")


def test_a_thumbnail_is_a_small_upright_png(client: httpx.Client) -> None:
    answer = client.get("/api/thumbnail", params={"path": "bars.nii.gz"})
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, picture.size) == ("PNG", (128, 128))
    # i and j grow to the right and the front; the patient's right is on the left of the picture, the front on top.
    assert picture.getpixel((128 - 2 * 16, 128 - 2 * 16)) > 200
    assert picture.getpixel((128 - 2 * 16, 2 * 16)) < 100
    assert client.get("/api/thumbnail", params={"path": "nothing.nii.gz"}).status_code == 404


def test_an_upload_goes_with_its_last_session(start: Start, settings, folder: Path) -> None:
    client = start()
    content = (folder / "bars.nii.gz").read_bytes()
    upload = client.post("/api/uploads", files=[("files", ("mine.nii.gz", content))]).json()["upload"]
    sessions = [client.post("/api/sessions", json={"upload": upload}).json()["id"] for _ in range(2)]
    client.delete(f"/api/sessions/{sessions[0]}")
    assert (settings.state / "uploads" / upload).is_dir()
    client.delete(f"/api/sessions/{sessions[1]}")
    assert not (settings.state / "uploads" / upload).exists()


FORM = "multipart/form-data"
BAD_FORMS = {
    "json": ("application/json", b"{}", 415),
    "no boundary": (FORM, b"", 415),
    "long boundary": (f"{FORM}; boundary={'x' * 300}", b"", 415),
    "empty": (f"{FORM}; boundary=x", b"", 400),
    "no file": (f"{FORM}; boundary=x", b"--x--\r\n", 400),
    "cut": (f"{FORM}; boundary=x", b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.nii"\r\n\r\nz', 400),
    "no name": (
        f"{FORM}; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="../"\r\n\r\nz\r\n--x--\r\n',
        400,
    ),
    "long header": (f"{FORM}; boundary=x", b"--x\r\n" + b"A" * 20_000, 400),
}


@pytest.mark.parametrize("name", BAD_FORMS)
def test_damaged_forms_are_refused(client: httpx.Client, name: str) -> None:
    content_type, body, status = BAD_FORMS[name]
    answer = client.post("/api/uploads", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.text


def test_uploads_are_bounded(start: Start, tmp_path: Path) -> None:
    client = start(upload_files=2, disk_bytes=3000)
    three = [("files", (f"{n}.nii", b"x")) for n in range(3)]
    assert client.post("/api/uploads", files=three).status_code == 413
    assert not list((tmp_path / "state" / "uploads").iterdir())
    assert client.post("/api/uploads", files=[("files", ("a.nii", b"x" * 4000))]).status_code == 201
    full = client.post("/api/uploads", files=[("files", ("a.nii", b"x"))])
    assert (full.status_code, full.json()["error"]["kind"]) == (413, "TooLarge")


def test_bombs_and_zips_that_lead_elsewhere_do_nothing(client: httpx.Client, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.dcm", bytes(128) + b"DICM" + bytes(300 << 20))
        archive.writestr("../../escape.dcm", bytes(128) + b"DICM")
    upload = client.post("/api/uploads", files=[("files", ("bomb.zip", packed.getvalue()))]).json()["upload"]
    answer = client.post("/api/sessions", json={"upload": upload})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (400, "ReadError")
    assert str(tmp_path) not in answer.text


def test_names_lead_nowhere_else() -> None:
    assert safe_path("a/../../b.dcm").as_posix() == "a/b.dcm"
    assert safe_path("C:\\scans\\..\\x.dcm").as_posix() == "C_/scans/x.dcm"
    assert safe_path("/etc/.profile").as_posix() == "etc/profile"
    assert safe_path("a\0b").as_posix() == "a_b"
    assert len(safe_path("n" * 5000).as_posix()) == 200
    with pytest.raises(UsageError, match="no name"):
        safe_path("../..")


def test_an_upload_that_breaks_off_leaves_nothing(start: Start, tmp_path: Path) -> None:
    client = start()
    head = (
        f"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: {FORM}; boundary=x\r\nContent-Length: 5000\r\n\r\n--x\r\n"
        'Content-Disposition: form-data; name="f"; filename="a.nii"\r\n\r\nzzz'
    )
    with socket.create_connection(("127.0.0.1", client.base_url.port)) as connection:
        connection.sendall(head.encode())
        wait_for(lambda: list((tmp_path / "state" / "staging").glob("*/*/*")))
    wait_for(lambda: not list((tmp_path / "state" / "staging").glob("*/*/*")))
    assert client.get("/healthz").status_code == 200


def test_a_system_that_refuses_is_told_without_where(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere/secret")

    monkeypatch.setattr(server_info, "listing", full)
    answer = client.get("/api/files")
    assert (answer.status_code, answer.json()["error"]["kind"]) == (503, "WriteError")
    assert "No space left" in answer.text
    assert "secret" not in answer.text
