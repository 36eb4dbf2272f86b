"""FADE: clarity, responsiveness, purity and faithfulness of an explanation (arXiv 2502.16994).

A writer writes texts from the explanation, a grader rates natural texts and steered ones (0, 1 or 2), and the subject
says where the latent fires. docs/scores/fade.md lists the differences from the paper's code: the wording; natural texts
are contexts of the test split, with as many activating ones from each decile; the latent's direction is added to the
subject, where the paper's code sets the activation; faithfulness is always computed.
"""

from collections.abc import Callable, Sequence

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Scorer, scorer

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.sampling import rng_of
from inspect_autointerp.errors import UserError, one_line_errors
from inspect_autointerp.inspect_support.answer_reasons import main_reason
from inspect_autointerp.inspect_support.verdicts import LatentFacts, Verdict, locate_contexts
from inspect_autointerp.latent import Context
from inspect_autointerp.scorers.fade.prompt import rating_messages
from inspect_autointerp.scorers.fade.report import report_fade
from inspect_autointerp.scorers.fade.statistics import STEERED, WRITTEN, fade_statistics
from inspect_autointerp.scorers.fade.subject import NOT_ASKED, firing_or_reason, steered_texts, steering_or_reason
from inspect_autointerp.scorers.generation.copies import uncounted
from inspect_autointerp.scorers.generation.scorer import MOST_TEXTS, ask_writer, known_texts, writer
from inspect_autointerp.scorers.shared.ask import Question, ask, grader, grader_name, in_batches
from inspect_autointerp.scorers.shared.parse_labels import parse_ratings
from inspect_autointerp.scorers.shared.score import LatentTest, Outcome, latent_scorer, score_metrics
from inspect_autointerp.text.render import visible

FACTORS = (-50.0, -10.0, -1.0, 1.0, 10.0, 50.0)
"""Strengths of steering, as multiples of the latent's largest activation: those of the paper's code."""
Rating = tuple[int | None, str | None]
"""A rating, or None and the reason."""


@scorer(metrics=score_metrics("fade"))
def fade(
    activating: int = 100,
    nonactivating: int = 100,
    texts: int = 10,
    min_texts: int = 3,
    steered_prompts: int = 20,
    new_tokens: int = 30,
    texts_per_call: int = 10,
    subject: bool = True,
    store: str | None = None,
    window: int | None = None,
    seed: int | None = None,
) -> Scorer:
    """Grade an explanation by FADE's four numbers.

    The grader is the model role `grader`, and the writer the role `writer`; by default the explainer is both. Where the
    store's subject or coder cannot be loaded, clarity and faithfulness are undefined, and the log says why.

    Args:
        activating: Test contexts on which the latent fires, the deciles in equal shares.
        nonactivating: Random test contexts on which it is silent.
        texts: Texts that the writer is asked for.
        min_texts: With fewer that count, clarity is undefined.
        steered_prompts: Random test contexts that the subject goes on from.
        new_tokens: Tokens that it writes.
        texts_per_call: Texts in one call to the grader.
        subject: Run the store's subject, for clarity and faithfulness.
        store: The context store; by default the one that the sample names. This and the next two arguments are read
            from the sample's metadata unless given here, see `shared.score.SAMPLE_OPTIONS`.
        window: Tokens in a context.
        seed: Random seed of the draw and the order of texts.

    Raises:
        UserError: A number is below 1, `min_texts` above `texts`, or `texts` above `MOST_TEXTS`.
    """
    options = dict(locals())
    for name in ("texts", "min_texts", "steered_prompts", "new_tokens", "texts_per_call"):
        if options[name] < 1:
            raise UserError(f"{name} must be at least 1, got {options[name]}")
    if texts > MOST_TEXTS:
        raise UserError(f"texts must be at most {MOST_TEXTS}, got {texts}")
    if min_texts > texts:
        raise UserError(f"texts={texts}, min_texts={min_texts}: min_texts must be at most texts")

    async def rate(test: LatentTest, shown: Sequence[str]) -> list[Rating]:
        batches = in_batches(shown, texts_per_call)
        questions = [
            Question(
                f"ratings {number * texts_per_call + 1}–{number * texts_per_call + len(batch)}",
                rating_messages(test.explanation, batch),
                read_ratings(len(batch)),
                f"a list of {len(batch)} ratings, one for each text in order,",
            )
            for number, batch in enumerate(batches)
        ]
        replies = await ask(grader(), questions)
        rated: list[Rating] = []
        for reply, batch in zip(replies, batches, strict=True):
            unread: list[Rating] = [(None, reply.reason)] * len(batch)
            rated += unread if reply.value is None else [(rating, None) for rating in reply.value]
        return rated

    async def rated_contexts(test: LatentTest, contexts: Sequence[Context]) -> list[Verdict]:
        ratings = await rate(test, [visible(context.text) for context in contexts])
        return [
            Verdict(**where, value=context.max_activation, rating=rating, reason=reason)
            for where, context, (rating, reason) in zip(
                locate_contexts(test.store, contexts), contexts, ratings, strict=True
            )
        ]

    async def written_texts(test: LatentTest) -> tuple[list[Verdict], str | None]:
        firing = await firing_or_reason(test.store, test.latent.hookpoint) if subject else NOT_ASKED
        if isinstance(firing, str):
            return [], firing
        written, reason = await ask_writer(writer()[0], test.explanation, texts)
        if written is None:
            return [], main_reason(reason or "") or "no texts were written"
        fired = await firing(test.latent.index, written.active)
        contexts = LatentContexts(test.store, test.latent)
        reasons, _ = uncounted(written.active, written.silent, known_texts(contexts))
        return [
            Verdict(kind=WRITTEN, text=text, value=None if why else one.max_activation, reason=why)
            for text, one, why in zip(written.active, fired, reasons, strict=True)
        ], None

    async def rated_steered(test: LatentTest, contexts: Sequence[Context]) -> tuple[list[Verdict], str | None]:
        steering = await steering_or_reason(test.store, test.latent.hookpoint) if subject else NOT_ASKED
        if isinstance(steering, str):
            return [], steering
        prompts = [context for context in contexts if context.kind == "random"][:steered_prompts]
        if not prompts:
            return [], "too_few_contexts"
        with one_line_errors():  # of prompts longer than the subject reads
            steered = await steered_texts(steering, test, prompts, FACTORS, new_tokens)
        order: list[int] = rng_of(test.seed, test.latent.id, "steered").permutation(len(steered)).tolist()
        ratings = await rate(test, [visible(steered[i].text) for i in order])
        by_number = dict(zip(order, ratings, strict=True))
        return [
            Verdict(kind=STEERED, value=one.factor, question=one.prompt, text=one.text, rating=rating, reason=reason)
            for one, (rating, reason) in ((one, by_number[i]) for i, one in enumerate(steered))
        ], None

    async def grade(test: LatentTest) -> Outcome:
        contexts = test.contexts(activating, nonactivating)
        rated = await rated_contexts(test, contexts)
        written, no_clarity = await written_texts(test)
        steered, no_faithfulness = await rated_steered(test, contexts)
        missing = {"clarity": no_clarity, "faithfulness": no_faithfulness}
        undefined = {name: why for name, why in missing.items() if why}
        verdicts = [*rated, *written, *steered]
        facts = LatentFacts(firing_share=test.latent.firing_share, min_contexts=min_texts)
        report = report_fade(contexts, rated, written, steered, undefined)
        metadata = {"undefined": undefined} if undefined else {}
        return Outcome(fade_statistics(verdicts, facts), verdicts, report, metadata)

    async def who(test: LatentTest) -> str:
        return f"{await grader_name()}; texts by {writer()[1]}" if subject else await grader_name()

    return latent_scorer("fade", grade, options, who)


def read_ratings(n: int) -> Callable[[ModelOutput], list[int]]:
    """Reads an answer of n ratings."""

    def read(output: ModelOutput) -> list[int]:
        return parse_ratings(output.completion, n)

    return read
