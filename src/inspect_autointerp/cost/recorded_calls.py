"""The calls that a task makes for a few of its latents, recorded from a run with fake models."""

from collections.abc import Collection
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import numpy as np
from inspect_ai import Task, task_with  # pyright: ignore[reportUnknownVariableType]  # not typed in full
from inspect_ai import eval as inspect_eval  # pyright: ignore[reportUnknownVariableType]  # not typed in full
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.event import ModelEvent, SpanBeginEvent
from inspect_ai.log import EvalLog, EvalSample, read_eval_log
from inspect_ai.scorer import Scorer

from inspect_autointerp.cost.fake_answers import stand_in
from inspect_autointerp.cost.fake_engines import lend_stand_ins
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.store import Store

EXPLANATION = "explanation"
"""Purpose of calls that no score makes."""
EXPLAINER, MAIN = "explainer", "main"
ROLES = ("grader", "writer", "likelihood")
"""Model roles that tasks ask; the first two are the explainer's where they are not bound."""


@dataclass(frozen=True)
class Call:
    """One question to a model."""

    latent: str
    purpose: str
    """A score's name, or `EXPLANATION`."""
    role: str
    """`explainer` or one of `ROLES`."""
    by_main: bool
    """True if the main model has the role."""
    messages: tuple[tuple[str, str], ...]
    """Who speaks, and what."""
    answer: str
    raw: bool = False
    """True if the model reads a bare text and not a chat."""


def drawn(samples: list[Sample], n: int, seed: int) -> list[Sample]:
    """A draw of n of an evaluation's latents, in their order; all of them where there are no more."""
    chosen = np.random.default_rng(seed).permutation(len(samples))[:n]
    return [samples[i] for i in sorted(chosen.tolist())]


def calls_of(task: Task, samples: list[Sample], scorers: list[Scorer], bound: Collection[str]) -> list[Call]:
    """Run a task on some of its latents, and say what it asks.

    Args:
        task: The task.
        samples: Which of its samples.
        scorers: Which of its scorers; what the others ask is not known.
        bound: Which of `ROLES` have models of their own.

    Raises:
        UserError: The run fails.
    """
    facts = samples[0].metadata or {}
    store = Store.open(facts["store"], facts["window"], half=facts.get("half"))
    lend_stand_ins(store, str(samples[0].id).rpartition("/")[0])
    small = task_with(task, dataset=MemoryDataset(samples), scorer=scorers or None, headline_metric=None)
    with TemporaryDirectory(prefix="autointerp-cost-") as folder:
        [log] = inspect_eval(
            small,
            model=stand_in(MAIN),
            model_roles={role: stand_in(role) for role in bound if role != "likelihood"},
            log_dir=folder,
            log_level="error",
            log_realtime=False,
            log_buffer=len(samples),
            display="log",  # at this level nothing; `none` would still draw tables, which takes seconds
            score_display=False,
            ctl_server=False,
        )
        _check(log)
        whole = read_eval_log(log.location, resolve_attachments=True)  # else long texts are names of attachments
        return [call for sample in whole.samples or [] for call in _calls(sample)]


def _check(log: EvalLog) -> None:
    """A run in which anything failed tells too little."""
    if log.status == "success":
        return
    last_line = log.error.message.strip().splitlines()[-1:] if log.error else []
    raise UserError(f"the calls cannot be predicted: {' '.join(last_line) or log.status}")


def _calls(sample: EvalSample) -> list[Call]:
    spans = {event.id: event for event in sample.events if isinstance(event, SpanBeginEvent)}
    calls: list[Call] = []
    for event in sample.events:
        if not isinstance(event, ModelEvent):
            continue
        purpose, role = EXPLANATION, EXPLAINER
        span = spans.get(event.span_id or "")
        while span is not None:
            asked = span.name.partition(" · ")[0]  # as `scorers.ask` names its questions
            role = asked if asked in ROLES else role
            purpose = span.name.rpartition("/")[2] if span.type == "scorer" else purpose
            span = spans.get(span.parent_id or "")
        model = event.model.rpartition("/")[2]
        messages = tuple((message.role, message.text) for message in event.input)
        role = model if model in ROLES else role
        raw = bool(event.config.prompt_logprobs)
        calls.append(Call(str(sample.id), purpose, role, model == MAIN, messages, event.output.completion, raw))
    return calls
