"""A benchmark is run: its jobs one after the other or spread by an engine; what is done is never done again."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from anybone.core.atomic import write_whole
from anybone.core.errors import InputError, MissingExtraError, UsageError
from anybone.evaluation.jobs import Figures, Job, figures_of, jobs_of, run_job
from anybone.evaluation.methods import method
from anybone.evaluation.protocols import Fold, Protocol, folds

PROTOCOL = "protocol.json"
_FREE = ("about", "methods", "seeds", "masks")  # what may change in a folder that holds a benchmark


@dataclass(frozen=True)
class Done:
    """Progress of a benchmark.

    Attributes:
        figures: Figures of the job that just finished.
        done: Jobs that are finished.
        total: Jobs in all.
        left_s: Seconds that the others take, if they take as long as those before.
    """

    figures: Figures
    done: int
    total: int
    left_s: float


@dataclass(frozen=True)
class Work:
    """Input of a job, on whichever process it runs."""

    job: Job
    protocol: Protocol
    fold: Fold
    folder: Path


Tell = Callable[[Job, str, int, int], None]
Engine = Callable[[Sequence[Work], Tell], Iterator[Figures]]


def benchmark(
    protocol: Protocol,
    folder: Path,
    *,
    engine: str = "here",
    finished: Callable[[Done], None] = lambda done: None,
    tell: Tell = lambda job, step, done, total: None,
) -> list[Figures]:
    """Run all jobs of a protocol and return their figures; figures found in `folder` are reused.

    Args:
        protocol: Protocol to run.
        folder: Folder of the benchmark.
        engine: Key of `ENGINES`.
        finished: Called after each job.
        tell: Called with (job, step, done, total) while a job runs in this process.

    Raises:
        UsageError: There is no such method or engine, or the split leaves nobody.
        InputError: The folder holds another protocol.
    """
    if engine not in ENGINES:
        raise UsageError(f"There is no engine {engine!r}. Choose from {', '.join(ENGINES)}.")
    for name in protocol.methods:
        if name not in protocol.masks:
            method(name)
    by_name = {fold.name: fold for fold in folds(protocol)}
    _same_protocol(protocol, folder / PROTOCOL)
    jobs = jobs_of(protocol, list(by_name.values()))
    there = {job: figures for job in jobs if (figures := figures_of(job, folder)) is not None}
    left = [Work(job, protocol, by_name[job.fold], folder) for job in jobs if job not in there]
    began = time.monotonic()
    for number, figures in enumerate(ENGINES[engine](left, tell), 1):
        there[figures.job] = figures
        pace = (time.monotonic() - began) / number
        finished(Done(figures, len(there), len(jobs), pace * (len(left) - number)))
    return [there[job] for job in jobs]


def machine() -> dict[str, str]:
    """Return a description of this machine."""
    import torch

    graphics = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {"system": platform.system(), "processor": platform.machine(), "gpu": graphics, "torch": torch.__version__}


def _here(works: Sequence[Work], tell: Tell) -> Iterator[Figures]:
    """One job after the other, in this process."""
    for work in works:
        job = work.job
        yield run_job(
            job,
            work.protocol,
            work.fold,
            work.folder,
            lambda step, done, total, job=job: tell(job, step, done, total),  # type: ignore[misc]
        )


def _ray(works: Sequence[Work], tell: Tell) -> Iterator[Figures]:
    """Jobs spread over the processors, GPUs and hosts of a Ray cluster, which all see the same folders."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("Spreading jobs with Ray", "cluster") from error
    if not works:
        return
    ray.init(ignore_reinit_error=True, log_to_driver=False)
    gpus = 1 if works[0].protocol.training.device.startswith("cuda") else 0
    remote = ray.remote(num_cpus=max(1, works[0].protocol.training.threads), num_gpus=gpus)(_one)
    running = [remote.remote(work) for work in works]
    while running:
        ready, running = ray.wait(running, num_returns=1)
        yield ray.get(ready[0])


def _one(work: Work) -> Figures:
    return run_job(work.job, work.protocol, work.fold, work.folder)


# How jobs are spread.
ENGINES: Mapping[str, Engine] = {"here": _here, "ray": _ray}


def _same_protocol(protocol: Protocol, path: Path) -> None:
    """Raise an error if more than methods and seeds of the benchmark's protocol changed."""
    settings = json.loads(json.dumps(protocol.to_dict(), default=str))
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [key for key in settings if key not in _FREE and settings[key] != before.get(key)]
        if changed:
            raise InputError(
                f"{path.parent} holds a benchmark with other {', '.join(changed)}. Give an empty folder; "
                "methods and seeds alone can be added to what is there."
            )
    write_whole(path, json.dumps(settings, indent=1) + "\n")
