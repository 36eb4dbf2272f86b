"""The task as it is run, against known truth, and one small case by hand."""

import asyncio
import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import EvalLog
from inspect_ai.model import Model, get_model
from tests.completions_server import serving
from tests.doubles import model as double
from tests.tiny import MERGES, byte_level, engine, llama

from inspect_autointerp.builtin.planted.claims import Claim
from inspect_autointerp.builtin.planted.latents import LATENTS
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict
from inspect_autointerp.leaderboard.load.log_entry import entries
from inspect_autointerp.models.likelihood.interface import LikelihoodError, Pair
from inspect_autointerp.models.shared_engines import release
from inspect_autointerp.scorers.shared.ranking import auroc, ranking_statistics
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.scorers.surprisal.scorer import PSEUDO, information, surprisal_prefix
from inspect_autointerp.tasks import surprisal
from inspect_autointerp.text.render import visible

LEXICAL = "inspect_autointerp/lexical"
SMALL: dict[str, Any] = {"latents": "sample:3", "min_contexts": 10, "test_activating": 10, "test_nonactivating": 10}


class Double:
    """A likelihood that is a function of the explanation and the text: one number per pair."""

    def __init__(self, says: Any) -> None:
        self._says = says
        self.asked: list[Pair] = []

    async def logprobs(self, pairs: Sequence[Pair]) -> list[list[float]]:
        self.asked += pairs
        return [[self._says(prefix.rsplit("Description: ", 1)[1].split("\n")[0], text[1:])] for prefix, text in pairs]


def run(store: Path | str, logs: Path, by: str | Model = LEXICAL, role: Model | None = None, **options: Any) -> EvalLog:
    task = surprisal(store=str(store), **(SMALL | options))
    roles = {"likelihood": role} if role else None
    return inspect_eval(task, model=by, model_roles=roles, log_dir=str(logs), display="none")[0]


def values(log: EvalLog) -> list[dict]:
    assert log.status == "success", log.error
    return [sample.scores["surprisal"].value for sample in log.samples or [] if sample.scores]  # type: ignore[misc]


def use(monkeypatch: pytest.MonkeyPatch, double: Any) -> None:
    async def likelihood(*_: str) -> Any:
        return double

    module = import_module("inspect_autointerp.scorers.surprisal.scorer")  # the package's own name is the scorer's
    monkeypatch.setattr(module, "likelihood", likelihood)


def test_the_demos_subject_is_the_model_where_none_is_given(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, negatives="neighbours")
    for value in values(log):
        assert list(value) == SCORES["surprisal"].statistics(["neighbours"])
        assert value["unscored"] == 0
        assert 0 <= value["auroc"] <= 1
    assert log.results
    assert log.results.headline
    assert log.results.headline.score == "surprisal"
    assert (log.eval.metadata or {})["grader"] == "none: inspect_autointerp/demo says how probable texts are"
    [entry] = entries(log, log.location)
    assert entry.setting.grader == "inspect_autointerp/demo"
    assert entry.headline == pytest.approx(np.mean([value["auroc"] for value in values(log)]))


def test_a_model_that_ignores_its_prefix_gives_one_half_exactly(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Double(lambda explanation, text: -1.1 * len(text)))
    for value in values(run(store_folder, tmp_path)):
        assert {value[key] for key in ("auroc", "auroc_decile_1", "auroc_decile_10")} == {0.5}


def test_an_empty_explanation_is_worth_nothing_and_nobody_is_asked(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    likelihood = Double(lambda explanation, text: 0.0)
    use(monkeypatch, likelihood)
    assert {value["auroc"] for value in values(run(store_folder, tmp_path, explainer="empty"))} == {0.5}
    assert not likelihood.asked


@pytest.mark.parametrize("sort", ["true", "wrong"])
def test_the_true_explanation_of_a_planted_latent_gets_one(
    sort: Any, planted_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims: dict[str, Claim] = {
        visible(planted.claim(each).text): planted.claim(each) for planted in LATENTS for each in (sort, "true")
    }

    def says(explanation: str, text: str) -> float:
        """Texts of which an explanation is true are a little more probable after it."""
        holds = explanation != PSEUDO and claims[explanation].holds(visible(text))
        return -2.5 * len(text) + (0.25 if holds else 0.0)

    use(monkeypatch, Double(says))
    explainer = get_model("inspect_autointerp/oracle", memoize=False, explanation=sort)
    aurocs = np.array([value["auroc"] for value in values(run("planted", tmp_path, by=explainer, latents="all"))])
    if sort == "true":
        assert (aurocs == 1).all()
    else:
        assert (aurocs < 0.75).all()


def test_by_hand() -> None:
    # log p after the explanation minus log p after the pseudo-explanation: a 2, b 0, c 0, d −1, e 1.
    given = {"a": -5.0, "b": -7.0, "c": -3.0, "d": -4.0, "e": -2.0}
    before = {"a": -7.0, "b": -7.0, "c": -3.0, "d": -3.0, "e": -3.0}
    likelihood = Double(lambda explanation, text: (before if explanation == PSEUDO else given)[text])
    bits = asyncio.run(information(likelihood, " cats\n", list("abcde")))
    assert bits == [(2, None), (0, None), (0, None), (-1, None), (1, None)]
    kinds: list[tuple[Any, int | None]] = [
        ("activating", 10), ("activating", 1), ("random", None), ("random", None), ("similar", None)
    ]  # fmt: skip

    def statistics(values: list[float | None], least: int = 1) -> dict[str, float]:
        rows = [Verdict(kind=kind, decile=d, value=value) for (kind, d), value in zip(kinds, values, strict=True)]
        return ranking_statistics(rows, LatentFacts(hard=("similar",), min_contexts=least))

    result = statistics([value for value, _ in bits])
    # Pairs: a > c, a > d, b = c (one half), b > d: 3.5 of 4. Against e: a > e, b < e: 1 of 2.
    assert result["auroc"] == 3.5 / 4
    assert result["auroc_decile_10"] == 1
    assert result["auroc_decile_1"] == 1.5 / 2
    assert np.isnan(result["auroc_decile_2"])
    assert result["auroc_similar"] == 1 / 2
    assert result["unscored"] == 0
    less = statistics([2, None, 0, -1, 1], least=2)
    assert less["unscored"] == pytest.approx(1 / 5)
    assert less["auroc"] == 1
    assert np.isnan(less["auroc_similar"])
    assert np.isnan(auroc([], [1]))


def test_prefixes_differ_by_the_explanation_alone() -> None:
    one, other = surprisal_prefix("about cats\n\nDescription: x"), surprisal_prefix(PSEUDO)
    assert one.endswith("Description: about cats⏎⏎Description: x\nSentences:\n-")
    assert one.replace("about cats⏎⏎Description: x", PSEUDO) == other
    assert len(re.findall("^Description: ", other, re.MULTILINE)) == 5


def test_what_cannot_be_answered_is_unscored_with_its_reason() -> None:
    class Failing(Double):
        async def logprobs(self, pairs: Sequence[Pair]) -> list[list[float]]:
            if "long" in pairs[0][1]:
                raise LikelihoodError("too_long", "…")
            if "down" in pairs[0][1]:
                raise ConnectionError("no")
            return await super().logprobs(pairs)

    answers = asyncio.run(information(Failing(lambda explanation, text: 1.0), "cats", ["long", "a", "down"]))
    assert answers == [(None, "too_long"), (0, None), (None, "provider_error: ConnectionError")]


@pytest.mark.parametrize("given", [np.nan, -np.inf])
def test_undefined_information_is_unscored(given: float) -> None:
    likelihood = Double(lambda explanation, text: -1.0 if explanation == PSEUDO else given)
    assert asyncio.run(information(likelihood, "cats", ["a"])) == [(None, "undefined_probability")]


def test_a_server_that_fails_leaves_contexts_unscored(store_folder: Path, tmp_path: Path) -> None:
    behind = engine(llama)
    behind._most = None  # a server that breaks off would be asked again and again
    with serving(behind, byte_level(True, MERGES)) as (url, _):
        role = get_model("openai-api-completions/local/tiny", base_url=url, api_key="none", memoize=False)
        log = run(
            store_folder, tmp_path, by=double(lambda _: "EXPLANATION: fail"), role=role, latents="sample:2",
            test_activating=3, test_nonactivating=3, min_contexts=3,
        )  # fmt: skip
    assert [value["unscored"] for value in values(log)] == [1, 1]
    for sample in log.samples or []:
        score = (sample.scores or {})["surprisal"]
        [(reason, n)] = (score.metadata or {})["unscored_reasons"].items()
        assert reason.startswith("provider_error: ")
        assert n == 6
        assert score.reason == reason


def test_a_model_in_memory_is_the_one_that_inspect_has_loaded(
    store_folder: Path, subject_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_autointerp.models.likelihood import local

    made: list[Any] = []
    init = local.LocalLikelihood.__init__

    def counted(self: Any, model: Any, tokenizer: Any) -> None:
        made.append(model)
        init(self, model, tokenizer)
        self._most = None  # the random subject takes 128 tokens, too few for the worked blocks

    monkeypatch.setattr(local.LocalLikelihood, "__init__", counted)
    role = get_model(f"hf/{subject_folder}", memoize=False, device="cpu")
    log = run(store_folder, tmp_path, role=role)
    assert [value["unscored"] for value in values(log)] == [0, 0, 0]
    assert made == [getattr(role.api, "model", None)]


def test_a_model_without_such_numbers_is_one_line(store_folder: Path, tmp_path: Path) -> None:
    log = run(store_folder, tmp_path, role=get_model(LEXICAL, memoize=False))
    assert log.status == "error"
    assert log.error
    assert "returns no log-probabilities of a text; give one of hf/…, vllm-completions/…" in log.error.message


def test_without_torch_one_line_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from inspect_autointerp.errors import UserError
    from inspect_autointerp.models.likelihood.role import likelihood

    release()
    monkeypatch.delitem(sys.modules, "inspect_autointerp.models.likelihood.local", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)  # type: ignore[arg-type]
    with pytest.raises(
        UserError, match=r'needs torch, which is not installed: pip install "inspect-autointerp\[prep\]"'
    ):
        asyncio.run(likelihood())


def test_weights_that_are_missing_are_one_line(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspect_autointerp.builtin.demo.SUBJECT", tmp_path / "none")
    log = run(store_folder, tmp_path)
    assert log.status == "error"
    assert log.error
    assert re.search(r"likelihood model .*none: it cannot be loaded", log.error.message)
    assert PrerequisiteError.__name__ in log.error.traceback
