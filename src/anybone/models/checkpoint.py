"""Checkpoints: one safetensors file with weights, configuration, license, origin and hash inside.

The hash is the SHA-256 of the tensor section, so a file can be verified without torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anybone.core.errors import CheckpointError
from anybone.models.config import ModelConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from anybone.models.bone_sam import BoneSam

SUFFIX = ".safetensors"
_METADATA_KEY = "anybone"
_MAX_HEADER_BYTES = 16 << 20  # a header lists names and shapes; more than this is no checkpoint


@dataclass(frozen=True)
class Base:
    """The weights that a file of changes has to be added to: their name, and their hash, which decides."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Header:
    """Metadata of a checkpoint file, read without torch.

    Attributes:
        path: The file.
        name: Its name in lists and provenance.
        config: Sizes of the network.
        license: Under which the weights may be used.
        origin: Authors and source of the weights.
        sha256: SHA-256 of the tensor section, as recorded when the file was written.
        parameters: Count of numbers in the file.
        card: Measured performance of the weights, as plain values; empty without a card.
        base: Hash of the base weights, for a file of changes.
    """

    path: Path
    name: str
    config: ModelConfig
    license: str
    origin: str
    sha256: str
    parameters: int
    card: dict[str, Any] = field(default_factory=dict)
    base: Base | None = None

    def license_with(self, given: str | None) -> str:
        """Return the license of derived weights: this one, joined with any other that is given."""
        if given is None or given == self.license:
            return self.license
        return f"{given}; of {self.name}, which they began with: {self.license}"


@dataclass(frozen=True)
class Checkpoint:
    """Weights and what must be known of them; fields as in `Header`."""

    config: ModelConfig
    weights: dict[str, Tensor]
    license: str
    origin: str
    name: str
    card: dict[str, Any] = field(default_factory=dict)

    def build(self) -> BoneSam:
        """Build the network with these weights in float32.

        Raises:
            CheckpointError: Weights and configuration do not fit together.
        """
        import torch

        from anybone.models.bone_sam import BoneSam

        with torch.device("meta"):
            model = BoneSam(self.config)
        model.to_empty(device="cpu")
        weights = {k: v.float() if v.is_floating_point() else v for k, v in self.weights.items()}
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            raise CheckpointError(f"Weights and configuration of {self.name} do not fit together: {error}") from error
        _restore_buffers(model)
        return model


def _restore_buffers(model: BoneSam) -> None:
    """Fill the buffers that are computed, not stored."""
    from anybone.models.encoders.tiny_vit import WindowAttention

    for module in model.modules():
        if isinstance(module, WindowAttention):
            module.reset_offsets()


def save(checkpoint: Checkpoint, path: Path, dtype: torch.dtype | None = None) -> Header:
    """Write the checkpoint and return its header; floating-point weights are stored as `dtype` if given."""
    weights = {
        k: (v.to(dtype) if dtype is not None and v.is_floating_point() else v).contiguous()
        for k, v in checkpoint.weights.items()
    }
    return _write(checkpoint, weights, None, path)


def save_changes(checkpoint: Checkpoint, base: Path, path: Path) -> Header:
    """Write only the difference to other weights and return its header; `load` needs both files.

    Args:
        checkpoint: The whole weights.
        base: Those that they differ from; where that file holds changes itself, what these are changes to.
        path: Path of the new file.
    """
    from anybone.models.registry import find_base
    from anybone.models.weight_delta import difference

    header = verify(base)
    if header.base is not None:
        header = find_base(header)
    changes = difference(checkpoint.weights, _for(checkpoint.config, load(header.path)))
    return _write(checkpoint, changes, Base(header.name, header.sha256), path)


def _write(checkpoint: Checkpoint, weights: dict[str, Tensor], base: Base | None, path: Path) -> Header:
    from safetensors.torch import save as serialize

    plain = serialize(weights)
    (length,) = struct.unpack("<Q", plain[:8])
    facts = {
        "name": checkpoint.name,
        "config": checkpoint.config.to_dict(),
        "license": checkpoint.license,
        "origin": checkpoint.origin,
        "sha256": hashlib.sha256(plain[8 + length :]).hexdigest(),
        "card": checkpoint.card,
        **({"base": asdict(base)} if base else {}),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(serialize(weights, metadata={_METADATA_KEY: json.dumps(facts)}))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return read_header(path)


def read_header(path: Path) -> Header:
    """Read the metadata of a file.

    Raises:
        CheckpointError: It is absent, no safetensors file, or not one of ours.
    """
    raw = _raw_header(path)
    try:
        facts = json.loads(raw["__metadata__"][_METADATA_KEY])
        return Header(
            path=path,
            name=str(facts["name"]),
            config=ModelConfig.from_dict(facts["config"]),
            license=str(facts["license"]),
            origin=str(facts["origin"]),
            sha256=str(facts["sha256"]),
            parameters=sum(_count(t["shape"]) for k, t in raw.items() if k != "__metadata__"),
            card=dict(facts.get("card", {})),
            base=Base(str(facts["base"]["name"]), str(facts["base"]["sha256"])) if facts.get("base") else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is a safetensors file, but not one of anybone's ({type(error).__name__}: {error}). "
            "Convert a released .pth with `anybone weights add`."
        ) from error


def load(path: Path) -> Checkpoint:
    """Load the checkpoint in a file; a file of changes is added to its base.

    Raises:
        CheckpointError: See `read_header`; or the tensor section is damaged, or the base is not installed.
    """
    import safetensors
    from safetensors.torch import load_file

    header = read_header(path)
    try:
        weights = load_file(path)
    except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"The tensors of {path} cannot be read ({error}). Fetch or convert it again.") from error
    if header.base is not None:
        from anybone.models.registry import find_base
        from anybone.models.weight_delta import added

        weights = added(_for(header.config, load(find_base(header).path)), weights)
    return Checkpoint(header.config, weights, header.license, header.origin, header.name, header.card)


def _for(config: ModelConfig, base: Checkpoint) -> dict[str, Tensor]:
    """Return the weights of a base, with masks for the bones that changes to it have names for."""
    from anybone.models.bone_names import named

    return named(base.weights, len(config.bones)) if config.bones and not base.config.bones else base.weights


def verify(path: Path) -> Header:
    """Return the header after checking the recorded hash of the tensor section.

    Raises:
        CheckpointError: See `read_header`; or the hash differs.
    """
    header = read_header(path)
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        file.seek(8 + length)
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != header.sha256:
        raise CheckpointError(
            f"{path} is damaged: its tensors hash to {digest.hexdigest()[:12]}..., the file records "
            f"{header.sha256[:12]}.... Fetch or convert it again."
        )
    return header


def _raw_header(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= min(_MAX_HEADER_BYTES, path.stat().st_size - 8):
                raise ValueError("no safetensors header")
            header = json.loads(file.read(length))
    except OSError as error:
        raise CheckpointError(f"Cannot open {path}: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is no safetensors checkpoint. Convert a released .pth with `anybone weights add`."
        ) from error
    if not isinstance(header, dict):
        raise CheckpointError(f"{path} is no safetensors checkpoint: its header is no table.")
    return header


def _count(shape: list[int]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count
