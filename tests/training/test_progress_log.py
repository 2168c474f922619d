from __future__ import annotations

import builtins
import json

import pytest

from anybone.core.errors import MissingExtraError
from anybone.training.progress_log import LOGS, Log, Tables, TensorBoard


@pytest.mark.parametrize("name", LOGS)
def test_every_kind_is_a_log(tmp_path, name):
    assert isinstance(LOGS[name](tmp_path, 0), Log)


def test_tables_forget_what_a_kill_took_back(tmp_path):
    log = Tables(tmp_path, 0)
    for step in (20, 40, 60):
        log.losses(step, step / 2, {"automatic": 0.5})
        log.scores(step, step / 2, {"limb automatic": 0.9})
    again = Tables(tmp_path, 40)
    again.losses(60, 31.0, {"automatic": 0.25})
    assert (tmp_path / "log.csv").read_text().splitlines() == [
        "step,seconds,automatic", "20,10.0,0.5", "40,20.0,0.5", "60,31.0,0.25",
    ]  # fmt: skip
    assert [json.loads(x)["step"] for x in (tmp_path / "validation.jsonl").read_text().splitlines()] == [20, 40]


def test_events_hold_the_curves(tmp_path):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    log = TensorBoard(tmp_path, 0)
    log.losses(20, 1.0, {"automatic": 0.5})
    log.scores(40, 2.0, {"limb automatic": 0.75})
    log.close()
    (path,) = (tmp_path / "events").iterdir()
    curves = {
        value.tag: (event.step, value.tensor.float_val[0])
        for event in loader.EventFileLoader(str(path)).Load()
        for value in event.summary.value
    }
    assert curves == {"loss/automatic": (20, 0.5), "dice/limb automatic": (40, 0.75)}


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("torch.utils.tensorboard"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"anybone\[tensorboard\]"):
        TensorBoard(tmp_path, 0)
