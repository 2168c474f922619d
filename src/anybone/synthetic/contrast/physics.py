"""Contrast by the signal equations, with values that differ from person to person and from scanner to scanner."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import torch
from torch import Tensor

from anybone.core.array_types import Float
from anybone.synthetic.contrast.batch_rng import BatchRng
from anybone.synthetic.contrast.contrast import Contrast, empty_table
from anybone.synthetic.contrast.equations import gradient_echo, inversion_recovery, null_time, spin_echo
from anybone.synthetic.contrast.protocols import SEQUENCES, Protocol, Range
from anybone.synthetic.contrast.relaxation import FAT_POOL, RELAXATION, at_field
from anybone.synthetic.contrast.texture import CODES, PLAIN, TEXTURES, level_values
from anybone.synthetic.tissue import Tissue

FIELDS_T = (1.5, 3.0)
_SHIFT_HZ_PER_T = 3.4 * 42.58  # fat against water: 3.4 parts per million of the proton's 42.58 MHz per tesla
_RARE = 1.2  # fine levels above this are strands and walls
# Spread between people, as deviation of the logarithm; of the share of fat, as deviation itself.
_DENSITY_SPREAD, _T1_SPREAD, _T2_SPREAD, _FAT_SPREAD = 0.06, 0.10, 0.13, 0.03
_FAINTEST = 1e-4  # no division by zero where a sequence leaves nothing
_RIPE = (-0.15, 0.75)  # how far a person's red marrow has turned yellow; that of children is redder than the table
# What measured marrow differs by from the equations where fat is suppressed; see docs/explanation/synthetic-anatomy.md.
_WATER = {"yellow": (0.12, 2.2), "red": (0.5, 1.6), "red, inverted": (0.8, 3.6)}  # multiples of the water of marrow
_MARROW = (Tissue.YELLOW_MARROW, Tissue.RED_MARROW)
_EVENNESS = (0.12, 1.0)  # multiples of the texture of marrow: measured marrow is nearly even
_BRIGHT = (Tissue.MUSCLE, Tissue.FAT, Tissue.YELLOW_MARROW, Tissue.CARTILAGE)


@dataclass(frozen=True)
class _Settings:
    """Acquisition settings of b images, each "b 1"."""

    tr_ms: Tensor
    te_ms: Tensor
    ti_null: Tensor
    flip_rad: Tensor
    inverted: Tensor
    spoiled: Tensor

    def signal(self, t1_ms: Tensor, t2_ms: Tensor, t2star_ms: Tensor, ti_ms: Tensor) -> Tensor:
        """Signal of pools "b tissue" of unit density."""
        echo = spin_echo(t1_ms, t2_ms, self.tr_ms, self.te_ms)
        turned = inversion_recovery(t1_ms, t2_ms, self.tr_ms, self.te_ms, ti_ms)
        spoiled = gradient_echo(t1_ms, t2star_ms, self.tr_ms, self.te_ms, self.flip_rad)
        return torch.where(self.spoiled, spoiled, torch.where(self.inverted, turned, echo))


def physics(sequences: Sequence[str], rng: BatchRng, field_t: float | None = None) -> Contrast:
    """One contrast for each name in `sequences`, which are keys of `SEQUENCES`.

    Args:
        sequences: May repeat.
        rng: Draws the settings within their ranges, and how these bodies differ from the table.
        field_t: Field strength of the scanner in tesla; drawn from 1.5 and 3 if None.
    """
    count = len(sequences)
    tesla = torch.full((count,), field_t) if field_t else torch.tensor(FIELDS_T)[rng.below(2, count)]
    settings = _settings(sequences, rng)
    water, fat_signal = _pools(settings, tesla, rng)
    protocols = [SEQUENCES[name] for name in sequences]
    density, fat = _make_up(count, rng)
    water = water * _marrow_water(protocols, rng)
    table = empty_table(count)
    used = slice(0, len(Tissue))
    table[:, used] = torch.complex(
        density * (1 - fat) * (water * _drawn([p.water for p in protocols], rng))[..., None],
        density * fat * fat_signal[..., None],
    )
    left = _drawn([p.fat for p in protocols], rng)[:, 0]
    spoiled = settings.spoiled[:, 0]
    separated = torch.tensor([p.separated for p in protocols])
    shift_hz = _SHIFT_HZ_PER_T * tesla
    return Contrast(
        table=table,
        fat_left=left,
        spectral=torch.tensor([p.spectral for p in protocols]),
        fat_phase_rad=2 * math.pi * shift_hz * settings.te_ms[:, 0] / 1000 * spoiled * ~separated,
        shift_hz=shift_hz * ~separated,
        metal=torch.where(spoiled, 2.0, 0.8) * tesla / 1.5,
        reference=reference_signal(table, left),
        names=tuple(sequences),
    )


def _marrow_water(protocols: Sequence[Protocol], rng: BatchRng) -> Float[Tensor, "b tissue"]:
    """Multiples of the water's signal of each tissue: marrow's varies where fat is suppressed."""
    count = len(protocols)
    suppressed = torch.tensor([p.suppressed for p in protocols])
    inverted = torch.tensor([p.equation == "inversion recovery" for p in protocols])
    drawn = {name: rng.log_uniform(*span, count) for name, span in _WATER.items()}
    red = torch.where(inverted, drawn["red, inverted"], drawn["red"])
    multiple = torch.ones(count, len(Tissue))
    for tissue, wanted in ((Tissue.YELLOW_MARROW, drawn["yellow"]), (Tissue.RED_MARROW, red)):
        multiple[:, tissue] = torch.where(suppressed, wanted, multiple[:, tissue])
    return multiple


def reference_signal(table: Tensor, fat_left: Tensor) -> Float[Tensor, " b"]:
    """Return the signal of the brightest tissue that fills most images."""
    means = table[:, list(_BRIGHT)].mean(dim=2)
    brightest: Tensor = (means.real.abs() + means.imag.abs() * fat_left[:, None]).amax(dim=1)
    return brightest.clamp(min=_FAINTEST)


def _drawn(ranges: Sequence[Range], rng: BatchRng) -> Float[Tensor, "b 1"]:
    low, high = torch.tensor(ranges, dtype=torch.float32)[..., None].unbind(1)
    return low + (high - low) * rng.uniform(0, 1, len(ranges), 1)


def _settings(sequences: Sequence[str], rng: BatchRng) -> _Settings:
    protocols = [SEQUENCES[name] for name in sequences]
    return _Settings(
        tr_ms=_drawn([p.tr_ms for p in protocols], rng),
        te_ms=_drawn([p.te_ms for p in protocols], rng),
        ti_null=_drawn([p.ti_null for p in protocols], rng),
        flip_rad=torch.deg2rad(_drawn([p.flip_deg for p in protocols], rng)),
        inverted=torch.tensor([p.equation == "inversion recovery" for p in protocols])[:, None],
        spoiled=torch.tensor([p.equation == "gradient echo" for p in protocols])[:, None],
    )


def _pools(settings: _Settings, tesla: Tensor, rng: BatchRng) -> tuple[Tensor, Tensor]:
    """Signal of unit densities of each tissue's water "b tissue" and of fat "b 1"."""
    rows = {t: _times(t) for t in set(tesla.tolist())}
    times = torch.stack([rows[t] for t in tesla.tolist()])  # b, (t1, t2, t2'), tissue and fat last
    spread = torch.tensor([_T1_SPREAD, _T2_SPREAD, _T2_SPREAD])[:, None]
    t1, t2, dephasing = (times * torch.exp(spread * rng.normal(1, *times.shape))).unbind(1)
    t2star = 1 / (1 / t2 + 1 / dephasing)
    ti = settings.ti_null * null_time(t1[:, -1:], settings.tr_ms)
    signal = settings.signal(t1, t2, t2star, ti)
    return signal[:, :-1], signal[:, -1:]


def _times(field_t: float) -> Float[Tensor, "3 tissue+1"]:
    rows = [RELAXATION[tissue] for tissue in Tissue] + [FAT_POOL]
    columns = [
        (at_field(row.t1_ms, field_t), at_field(row.t2_ms, field_t), row.dephasing_ms * 1.5 / field_t) for row in rows
    ]
    return torch.tensor(columns).T


def _make_up(count: int, rng: BatchRng) -> tuple[Float[Tensor, "b tissue 256"], Float[Tensor, "b tissue 256"]]:
    """Density and share of fat of every tissue at every texture code."""
    values = level_values()
    coarse = values.repeat_interleave(len(values))
    fine = values.repeat(CODES // len(values))
    rare = (fine - _RARE).clamp_min(0)
    columns = torch.tensor([astuple(TEXTURES.get(tissue, PLAIN))[1:] for tissue in Tissue])
    strength = columns * rng.uniform(0.4, 1.6, count, *columns.shape)
    strength[:, list(_MARROW)] *= rng.log_uniform(*_EVENNESS, count, 1, 1)
    a, b, c, d, e = strength[..., None].unbind(2)
    density = torch.tensor([RELAXATION[tissue].density for tissue in Tissue])[:, None]
    fat = torch.tensor([RELAXATION[tissue].fat for tissue in Tissue])[:, None]
    density = density * torch.exp(a * coarse + b * fine + rng.normal(_DENSITY_SPREAD, count, len(Tissue), 1))
    shift = rng.normal(_FAT_SPREAD, count, len(Tissue), 1) * (fat > 0)
    ripe = rng.uniform(*_RIPE, count, 1) * (fat[Tissue.YELLOW_MARROW] - fat[Tissue.RED_MARROW])
    shift[:, Tissue.RED_MARROW] += ripe
    return density, (fat + shift + c * coarse + d * fine + e * rare).clamp(0, 0.98)
