"""What checks annotations under pytest: beartype, with whole numbers allowed where floats are."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
