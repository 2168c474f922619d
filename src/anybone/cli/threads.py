"""Thread settings of the commands that serve requests."""

from __future__ import annotations

import os


def let_threads_sleep() -> None:
    """Let OpenMP threads sleep while they wait, unless the user chose otherwise; call it before torch is loaded.

    By default they spin, and a server's requests wait for a core that does nothing.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
