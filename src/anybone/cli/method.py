"""Choose the segmentation method of a run: trained weights or a classical method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from anybone.cli.terminal import Terminal
from anybone.core.errors import CheckpointError, UsageError
from anybone.models.checkpoint import Header, read_header
from anybone.models.registry import locate

if TYPE_CHECKING:
    from anybone.inference.segmenter import Segmenter

# Prefixes of licenses that require attribution only.
_PERMISSIVE = ("apache", "mit", "bsd", "isc", "cc0", "cc by 3", "cc by 4", "cc-by-3", "cc-by-4", "public domain")


@dataclass(frozen=True)
class Method:
    """Segmentation method, built on first use.

    Attributes:
        name: Name of the weights or of the classical method.
        header: Header of the weights file; None for a classical method.
        device: Device name for `inference.device.choose_device`.
    """

    name: str
    header: Header | None
    device: str

    @cached_property
    def segmenter(self) -> Segmenter:
        """Build the segmenter.

        Raises:
            CheckpointError: The weights are damaged.
            UsageError: No such device or method.
        """
        if self.header is not None:
            from anybone.inference.loading import load

            return load(self.header.path, device=self.device)
        from anybone.inference.classical.methods import BASELINES
        from anybone.inference.segmenter import Segmenter

        if self.name not in BASELINES:
            raise UsageError(f"No method named {self.name!r}. Available: {', '.join(BASELINES)}.")
        return Segmenter(BASELINES[self.name](), name=self.name)

    @property
    def facts(self) -> Mapping[str, Any]:
        """Return the entry of run.json."""
        if self.header is None:
            return {"method": self.name, "weights": None}
        header = self.header
        weights = {"name": header.name, "sha256": header.sha256, "license": header.license, "origin": header.origin}
        return {"method": self.name, "weights": weights}


def choose_method(weights: str | None, baseline: str | None, device: str) -> Method:
    """Choose the method of a run without importing torch.

    Raises:
        UsageError: Both weights and a classical method were given.
        CheckpointError: No such weights.
    """
    if baseline is not None:
        if weights is not None:
            raise UsageError("Give --weights or --method, not both.")
        return Method(baseline, None, device)
    try:
        header = read_header(locate(weights))
    except CheckpointError as error:
        hint = "" if weights is not None else " Or segment without weights: --method classical."
        raise CheckpointError(f"{error}{hint}") from error
    return Method(header.name, header, device)


def print_license_notice(method: Method, terminal: Terminal) -> None:
    """Print the license of weights that restrict their use."""
    if method.header is not None and not method.header.license.lower().startswith(_PERMISSIVE):
        terminal.note(f"License of the weights {method.name}: {method.header.license}. Origin: {method.header.origin}.")
