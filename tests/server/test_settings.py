from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from anybone.core.volume import Source
from anybone.server.image_loading import patient_of
from anybone.server.settings import kept_token


def test_the_token_outlives_a_restart_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    token = kept_token(tmp_path / "state")
    assert len(token) > 30
    assert kept_token(tmp_path / "state") == token
    assert kept_token(tmp_path / "other") != token
    if os.name == "posix":
        assert (tmp_path / "state" / "token").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"PatientName": "Doe^Jane", "StudyDate": "20260302"}, ("Doe Jane", "2026-03-02")),
        ({"PatientName": "", "PatientID": "P7", "StudyDate": "n/a"}, ("P7", "")),
        ({}, ("", "")),
    ],
)
def test_sessions_name_patient_and_date_of_the_study(header: dict[str, str], expected: tuple[str, str]) -> None:
    assert patient_of(Source(format="dicom", headers=(SimpleNamespace(**header),))) == expected
    assert patient_of(Source(format="nifti")) == ("", "")
