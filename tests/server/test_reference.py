"""The page on the interface is what the server says of itself."""

from __future__ import annotations

import importlib.util
from pathlib import Path

WRITER = Path(__file__).resolve().parents[2] / "docs" / "server_reference.py"


def test_the_page_is_as_it_would_be_written() -> None:
    spec = importlib.util.spec_from_file_location("anybone_server_reference", WRITER)
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert writer.PAGE.read_text(encoding="utf-8") == writer.page(), "Renew it: python docs/server_reference.py"
