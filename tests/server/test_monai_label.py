"""Requests as MONAI Label's own client shapes them, and answers as it reads them."""

from __future__ import annotations

import email.parser
import http.client
import json
from pathlib import Path
from urllib.parse import quote_plus, urlencode

import httpx
import numpy as np
import pytest

import anybone
from server.conftest import ON_BONE, ON_OTHER, TOKEN, bars

BOUNDARY = "----------a_boundary_$"


class MonaiClient:
    """Speaks http.client and hand-made forms, each part of them with a bare head, as that client does."""

    def __init__(self, port: int, prefix: str = "") -> None:
        self._port, self._prefix = port, prefix

    def method(self, method: str, selector: str, body: str | None = None, kind: str = "application/json"):
        return self._ask(method, selector, body and body.encode(), {"content-type": kind} if body else {})

    def multipart(self, method: str, selector: str, fields: dict[str, str], files: dict[str, Path]):
        lines: list[bytes] = []
        for key, value in fields.items():
            lines += [
                f"--{BOUNDARY}".encode(),
                f'Content-Disposition: form-data; name="{key}"'.encode(),
                b"",
                value.encode(),
            ]
        for key, path in files.items():
            head = f'Content-Disposition: form-data; name="{key}"; filename="{path}"'
            lines += [
                f"--{BOUNDARY}".encode(),
                head.encode(),
                b"Content-Type: application/gzip",
                b"",
                path.read_bytes(),
            ]
        lines += [f"--{BOUNDARY}--".encode(), b""]
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self._ask(method, selector, b"\r\n".join([*lines, b""]), {"content-type": kind})

    def infer(self, model: str, image: str, params: dict, session: str = "", files: dict[str, Path] | None = None):
        """Status, params and the bytes of the mask, or the error."""
        selector = f"/infer/{quote_plus(model)}?image={quote_plus(image)}"
        selector += f"&session_id={quote_plus(session)}" if session else ""
        params = {**params, "client_id": "user-xyz"}
        status, kind, content = self.multipart("POST", selector, {"params": json.dumps(params)}, files or {})
        if status != 200:
            return status, json.loads(content), b""
        assert kind.startswith("multipart/form-data")
        form = email.parser.BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
        parts = {p.get_param("name", header="content-disposition"): p for p in form.get_payload()}
        assert parts["params"].get_filename() is None
        assert parts["image"].get_filename().startswith("label.")
        return status, json.loads(parts["params"].get_payload()), parts["image"].get_payload(decode=True)

    def _ask(self, method: str, selector: str, body: bytes | None, headers: dict[str, str]):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        headers = {"Authorization": f"Bearer {TOKEN}", **headers}
        connection.request(method, self._prefix + selector, body, headers)
        answer = connection.getresponse()
        try:
            return answer.status, answer.getheader("content-type", ""), answer.read()
        finally:
            connection.close()


@pytest.fixture(params=["", "/monailabel"])
def monai(client: httpx.Client, request: pytest.FixtureRequest) -> MonaiClient:
    return MonaiClient(client.base_url.port, request.param)


@pytest.fixture
def plain(client: httpx.Client) -> MonaiClient:
    return MonaiClient(client.base_url.port)


def mask_of(content: bytes, tmp_path: Path, suffix: str = ".nii.gz") -> np.ndarray:
    path = tmp_path / f"mask{suffix}"
    path.write_bytes(content)
    return anybone.read_segmentation(path).labels


def test_info_names_models_and_datastore(monai: MonaiClient) -> None:
    status, _, content = monai.method("GET", "/info/")
    info = json.loads(content)
    assert status == 200
    assert {name: model["type"] for name, model in info["models"].items()} == {
        "bones": "segmentation",
        "bone": "deepgrow",
        "bone_slice": "deepgrow",
    }
    assert info["models"]["bones"]["labels"] == {"bone": 1}
    assert info["datastore"]["total"] == 2
    assert (info["labels"], info["trainers"]) == (["bone"], {})


def test_points_on_an_image_of_the_folder(monai: MonaiClient, tmp_path: Path) -> None:
    params = {"foreground": [ON_BONE], "background": [[2, 2, 2]], "label": "bone"}
    status, told, content = monai.infer("bone_slice", "deeper/more", params)
    assert (status, told["label_names"]) == (200, {"bone": 1})
    expected = np.zeros((64, 64, 6))
    expected[8:24, 8:24, 2] = 1
    np.testing.assert_array_equal(mask_of(content, tmp_path), expected)
    _, _, content = monai.infer("bone", "deeper/more", params)  # the same, followed through the slices
    assert mask_of(content, tmp_path).any((0, 1)).tolist() == [True] * 5 + [False]


def test_all_bone_of_a_file_that_is_sent(plain: MonaiClient, tmp_path: Path) -> None:
    anybone.write(bars(), tmp_path / "sent.nii.gz")
    status, _, content = plain.infer(
        "bones", "", {"result_extension": ".nrrd"}, files={"file": tmp_path / "sent.nii.gz"}
    )
    assert status == 200
    assert mask_of(content, tmp_path, ".nrrd").sum() == 5 * 512


def test_a_session_is_made_asked_and_removed(plain: MonaiClient, client: httpx.Client, tmp_path: Path) -> None:
    anybone.write(bars(), tmp_path / "sent.nii.gz")
    answer = client.put(
        "/session/",
        files=[("files", ("sent.nii.gz", (tmp_path / "sent.nii.gz").read_bytes()))],
        data={"client_id": "x"},
    )
    session = answer.json()["session_id"]
    assert answer.json()["session_info"]["name"] == "sent"
    status, _, content = plain.infer("bone_slice", "sent", {"foreground": [ON_OTHER]}, session)
    assert status == 200
    assert mask_of(content, tmp_path)[48, 40, 2] == 1
    assert client.get(f"/api/sessions/{session}").json()["mask_slices"] == [2]  # the studio shows it too
    _, _, content = plain.infer("bone_slice", "sent", {"foreground": [ON_BONE]}, session)
    assert mask_of(content, tmp_path)[48, 40, 2] == 0  # each request stands for itself
    assert json.loads(plain.method("GET", f"/session/{session}")[2])["name"] == "sent"
    assert plain.method("GET", f"/session/{session}?image=true")[2][344:347] == b"n+1"
    assert plain.method("DELETE", f"/session/{session}")[0] == 200
    assert plain.method("GET", f"/session/{session}")[0] == 404


def test_images_and_labels_are_kept(plain: MonaiClient, client: httpx.Client, folder: Path, tmp_path: Path) -> None:
    anybone.write(bars(), tmp_path / "mine.nii.gz")
    stats = json.loads(plain.method("GET", "/datastore/")[2])
    status, _, content = plain.multipart(
        "PUT", "/datastore/?image=mine", {"params": "{}"}, {"file": tmp_path / "mine.nii.gz"}
    )
    assert (status, json.loads(content)) == (200, {"image": "mine"})
    mask = anybone.Segmentation((bars().data > 100).astype(np.uint16), bars().geometry)
    anybone.write(mask, tmp_path / "label.nii.gz")
    status, _, content = plain.multipart(
        "PUT", "/datastore/label?image=mine&tag=final", {"params": "{}"}, {"label": tmp_path / "label.nii.gz"}
    )
    assert (status, json.loads(content)) == (200, {"image": "mine", "label": "mine"})
    everything = json.loads(plain.method("GET", "/datastore/?output=all")[2])["objects"]
    assert set(everything) == {"bars", "deeper/more", "mine"}
    assert everything["mine"]["labels"]["final"]["ext"] == ".nii.gz"
    assert json.loads(plain.method("GET", "/datastore/?output=train")[2]) == [{"image": "mine", "label": "mine"}]
    assert json.loads(plain.method("GET", "/datastore/")[2])["completed"] == stats["completed"] + 1
    assert json.loads(plain.method("POST", "/activelearning/first", '{"client_id": "x"}')[2])["id"] == "bars"
    assert plain.method("GET", "/datastore/image?image=mine")[2] == (tmp_path / "mine.nii.gz").read_bytes()
    assert plain.method("GET", "/datastore/label?label=mine&tag=final")[2] == (tmp_path / "label.nii.gz").read_bytes()
    assert plain.method("DELETE", "/datastore/?id=mine&type=label")[0] == 200
    assert plain.method("GET", "/datastore/label?label=mine&tag=final")[0] == 404
    assert plain.method("DELETE", "/datastore/?id=mine&type=image")[0] == 200
    assert plain.method("DELETE", "/datastore/?id=bars&type=image")[0] == 400  # of the folder: it stays
    assert (folder / "bars.nii.gz").is_file()


def test_the_token_is_the_password(client: httpx.Client) -> None:
    with httpx.Client(base_url=client.base_url) as bare:
        assert bare.get("/auth/").json()["enabled"] is True
        form = {"username": "anybody", "password": TOKEN, "grant_type": "password"}
        head = {"content-type": "application/x-www-form-urlencoded"}
        answer = bare.post("/auth/token", content=urlencode(form), headers=head)
        assert answer.json() == {"access_token": TOKEN, "token_type": "bearer"}
        assert bare.post("/auth/token", content=urlencode({**form, "password": "x"}), headers=head).status_code == 401
        assert bare.get("/auth/token/valid").status_code == 401
        assert bare.get("/auth/token/valid", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize(
    ("selector", "params", "status"),
    [
        ("/infer/wings?image=bars", "{}", 404),
        ("/infer/bone?image=nothing", '{"foreground": [[1, 1, 1]]}', 404),
        ("/infer/bone?image=../secret", '{"foreground": [[1, 1, 1]]}', 404),
        ("/infer/bone?image=bars", "{}", 400),
        ("/infer/bone?image=bars", '{"foreground": [[99, 0, 0]]}', 400),
        ("/infer/bone?image=bars", '{"foreground": [[NaN, 0, 0]]}', 400),
        ("/infer/bone?image=bars", '{"foreground": "everywhere"}', 400),
        ("/infer/bone?image=bars", "[]", 400),
        ("/infer/bone?image=bars", "{", 400),
        ("/infer/bones?image=bars", '{"result_extension": ".exe"}', 400),
        ("/infer/bones?image=bars", '{"result_extension": ["x"]}', 400),
        ("/infer/bones", "{}", 400),
        ("/infer/bone?session_id=0", '{"foreground": [[1, 1, 1]]}', 404),
    ],
)
def test_what_cannot_be_meant_is_refused(plain: MonaiClient, selector: str, params: str, status: int) -> None:
    found, _, content = plain.multipart("POST", selector, {"params": params}, {})
    assert (found, "error" in json.loads(content)) == (status, True), content


def test_ids_lead_nowhere_else(plain: MonaiClient, folder: Path, tmp_path: Path) -> None:
    anybone.write(bars(), tmp_path / "x.nii.gz")
    for image in ("../../../escaped", "/tmp/escaped", "..%5c..%5cescaped"):
        status, _, content = plain.multipart("PUT", f"/datastore/?image={image}", {}, {"file": tmp_path / "x.nii.gz"})
        assert status == 200
        name = json.loads(content)["image"]
        assert ".." not in name
        assert plain.method("DELETE", f"/datastore/?id={quote_plus(name)}&type=image")[0] == 200
    tag = quote_plus("../../../tag")
    mask = anybone.Segmentation((bars().data > 100).astype(np.uint16), bars().geometry)
    anybone.write(mask, tmp_path / "label.nii.gz")
    plain.multipart("PUT", f"/datastore/label?image=bars&tag={tag}", {}, {"label": tmp_path / "label.nii.gz"})
    assert not list(folder.parent.parent.glob("**/escaped*"))
    assert all("monai" in path.parts for path in folder.parent.glob("**/*tag*") if path.name != "staging")
    plain.method("DELETE", f"/datastore/?id={tag}&type=label_tag")
    assert not [path for path in folder.parent.glob("**/*tag*") if path.name != "staging"]


def test_a_label_on_another_grid_is_refused(plain: MonaiClient, tmp_path: Path) -> None:
    grid = bars().geometry
    moved = grid.affine_ras_mm.copy()
    moved[0, 3] += 5
    label = (bars().data > 100).astype(np.uint16)
    for name, mask, said in (
        ("moved", anybone.Segmentation(label, anybone.Geometry(grid.shape_ijk, moved)), "origin (5.0, 0.0, 0.0)"),
        ("cut", anybone.Segmentation(label[:32], anybone.Geometry((32, 64, 6), grid.affine_ras_mm)), "shape (32.0,"),
    ):
        anybone.write(mask, tmp_path / f"{name}.nii.gz")
        status, _, content = plain.multipart(
            "PUT", "/datastore/label?image=bars&tag=other", {"params": "{}"}, {"label": tmp_path / f"{name}.nii.gz"}
        )
        assert (status, json.loads(content)["error"]["kind"]) == (400, "GeometryError")
        assert said in json.loads(content)["error"]["message"]
        assert plain.method("GET", "/datastore/label?label=bars&tag=other")[0] == 404


def test_a_form_with_the_content_type_of_an_earlier_one_is_received(client: httpx.Client, folder: Path) -> None:
    """MONAI Label's client keeps the headers of `infer`, boundary included, for its `create_session`."""
    content = (folder / "bars.nii.gz").read_bytes()
    form = client.build_request("PUT", "/session/", files=[("files", ("sent.nii.gz", content))])
    stale = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = client.put("/session/", content=form.read(), headers=stale)
    assert answer.status_code == 200, answer.text
    assert client.delete(f"/session/{answer.json()['session_id']}").status_code == 200
