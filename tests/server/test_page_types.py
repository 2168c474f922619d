from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from anybone.server.openapi import openapi

STUDIO = Path(__file__).parents[2] / "studio"


def test_typescript_types_are_those_of_the_openapi_description() -> None:
    node = shutil.which("node")
    if node is None or not (STUDIO / "node_modules" / "openapi-typescript").is_dir():
        pytest.skip("Node or the page's packages are not installed: make page")
    command = [node, str(STUDIO / "generate_types.mjs"), "--check"]
    checked = subprocess.run(command, input=json.dumps(openapi()), text=True, capture_output=True, timeout=120)
    assert checked.returncode == 0, checked.stderr
