"""A network without weights whose results a reader can foresee."""

from bright_network import network, segmenter, volume  # noqa: F401
