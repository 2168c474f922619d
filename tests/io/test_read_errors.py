from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from anybone.core.errors import GeometryError, ReadError, SeriesError
from anybone.io.read_errors import refusing

KNEE = Path("folder/knee.nii")


@pytest.mark.parametrize(
    ("raised", "becomes", "match"),
    [
        (KeyError("x"), ReadError, "knee.nii is damaged.*KeyError"),
        (RecursionError(), ReadError, "damaged"),
        (MemoryError(), ReadError, "more memory"),
        (PermissionError(13, "Permission denied"), ReadError, "Permission denied"),
        (FileNotFoundError(2, "gone"), ReadError, "does not exist"),
        (GeometryError("bent"), GeometryError, "knee.nii: bent"),
        (SeriesError("two"), SeriesError, "knee.nii: two"),
        (ReadError("knee.nii is short"), ReadError, "^knee.nii is short$"),
    ],
)
def test_every_failure_becomes_ours_and_names_the_file(raised, becomes, match):
    with pytest.raises(becomes, match=match) as caught, refusing(KNEE):
        raise raised
    assert type(caught.value) is becomes


@pytest.mark.parametrize("fault", [ImportError, NameError, KeyboardInterrupt])
def test_faults_of_the_program_stay_what_they_are(fault):
    with pytest.raises(fault), refusing(KNEE):
        raise fault


def test_warnings_of_parsers_are_silent():
    with refusing(KNEE):
        warnings.warn("odd header", stacklevel=1)
