"""Which network a run asks: weights, or a classical method without any."""

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

# Beginnings of the names of licenses that ask for no more than credit.
_PERMISSIVE = ("apache", "mit", "bsd", "isc", "cc0", "cc by 3", "cc by 4", "cc-by-3", "cc-by-4", "public domain")


@dataclass(frozen=True)
class Method:
    """A network that is built when it is first asked for.

    Attributes:
        name: Of the weights or of the baseline.
        header: What the weights say of themselves; None for a baseline.
        device: As `engine.device.choose_device` takes it.
    """

    name: str
    header: Header | None
    device: str

    @cached_property
    def segmenter(self) -> Segmenter:
        """The network, ready to segment.

        Raises:
            CheckpointError: The weights are damaged.
            UsageError: There is no such device or baseline.
        """
        if self.header is not None:
            from anybone.inference.loading import load

            return load(self.header.path, device=self.device)
        from anybone.inference.classical.methods import BASELINES
        from anybone.inference.segmenter import Segmenter

        if self.name not in BASELINES:
            raise UsageError(f"There is no method {self.name!r}. Choose from {', '.join(BASELINES)}.")
        return Segmenter(BASELINES[self.name](), name=self.name)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What run.json says of it."""
        if self.header is None:
            return {"method": self.name, "weights": None}
        header = self.header
        weights = {"name": header.name, "sha256": header.sha256, "license": header.license, "origin": header.origin}
        return {"method": self.name, "weights": weights}


def choose_method(weights: str | None, baseline: str | None, device: str) -> Method:
    """The network of a run; torch is not needed to choose it.

    Raises:
        UsageError: Both were asked for.
        CheckpointError: There are no such weights.
    """
    if baseline is not None:
        if weights is not None:
            raise UsageError("Give --weights or --method, not both.")
        return Method(baseline, None, device)
    try:
        header = read_header(locate(weights))
    except CheckpointError as error:
        hint = "" if weights is not None else " Or do without weights: --method classical."
        raise CheckpointError(f"{error}{hint}") from error
    return Method(header.name, header, device)


def mention_license(method: Method, terminal: Terminal) -> None:
    """Nothing; prints the license of weights that may not be used for everything."""
    if method.header is not None and not method.header.license.lower().startswith(_PERMISSIVE):
        terminal.note(f"License of the weights {method.name}: {method.header.license}. Origin: {method.header.origin}.")
