"""Fuzzing: does the explanation tell the tokens on which the latent fires from others?

inspect eval tasks/fuzzing.py --model openai/gpt-4o-mini --model-role grader=openai/gpt-4o-mini -T contexts=DIR
"""

from inspect_ai import Task, task

from inspect_autointerp.errors import UserError
from inspect_autointerp.evaluation import latent_task, one_line_errors, open_dataset
from inspect_autointerp.negatives import negative_kinds
from inspect_autointerp.render import THRESHOLD
from inspect_autointerp.scorers.fuzzing import fuzzing as fuzzing_scorer
from inspect_autointerp.scorers.marks import MISMARKED
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.solvers.explainers import explainer as solver_named


@task
def fuzzing(
    contexts: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explain_examples: int = 40,
    test_activating: int = 100,
    test_nonactivating: int = 100,
    test_mismarked: int = 50,
    negatives: str | list[str] = "random",
    min_contexts: int = 20,
    window: int | None = None,
    shown: int = 5,
    confidence: bool = False,
    grader: str | None = None,
    threshold: float = THRESHOLD,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by fuzzing (arXiv 2410.13928, §3.3.2).

    Args:
        contexts: Folder of a context store that `autointerp prep` made. Without one, the demo's, made on first use.
        hookpoint: One of the store's hookpoints; the first by default.
        latents: `0:100`, `3,17,40`, `all`, or `sample:200`, a random draw of usable latents (default: 100).
        explainer: `explain` asks the model; `shuffled` (another latent's explanation) and `empty` are floors.
        explain_examples: Contexts that the explainer is shown.
        test_activating: Activating contexts to grade on, with the activating tokens marked.
        test_nonactivating: Contexts of each kind on which the latent is silent, with marks on tokens.
        test_mismarked: Further activating contexts, with marks on tokens on which the latent is silent. Where there are
            too few activating contexts for both, both get less in proportion.
        negatives: Kinds of silent contexts: `random`, and besides those `neighbours`, `cooccurring` (on which a latent
            fires that is written alike, or that fires along), `similar` (which read alike), several with commas
            between, or `all` that the store holds. Each harder kind gets a balanced score of its own.
        min_contexts: A latent with fewer activating or random contexts is skipped and counted in the log; one with
            fewer of a harder kind, or fewer mismarked ones, is undefined there.
        window: Tokens in a context, to cut them shorter than the store's windows: 16 of 32, say. The latents' firing
            rates, and the scores weighted by them, are then estimates.
        shown: Texts per call to the grader.
        confidence: Ask the grader for 0 to 100 rather than 0 or 1, for an AUROC without log-probabilities.
        grader: The grading model; `--model-role grader=…` wins. Without either the explainer grades itself.
        threshold: A token counts as activating from this share of its context's maximum on, above 0 and up to 1.
        seed: Of every random choice.
    """
    data = open_dataset(
        contexts,
        hookpoint=hookpoint,
        latents=latents,
        min_contexts=min_contexts,
        seed=seed,
        window=window,
        donors=explainer == "shuffled",
    )
    folder = str(data.store.folder)
    with one_line_errors():
        solver = solver_named(explainer, folder, explain_examples, seed, window)
        kinds = negative_kinds(data.store, data.hookpoint, negatives)
        if not 0 < threshold <= 1:
            raise UserError(f"threshold={threshold}: a share of a context's maximum lies above 0 and is 1 at most")
        if test_activating < 1:
            raise UserError(f"test_activating={test_activating}: right marks are needed, and wrong ones are like them")
    scorer = fuzzing_scorer(
        folder,
        activating=test_activating,
        nonactivating=test_nonactivating,
        mismarked=test_mismarked,
        shown=shown,
        confidence=confidence,
        seed=seed,
        window=window,
        negatives=",".join(kinds),
        min_contexts=min_contexts,
        threshold=threshold,
    )
    apart = [*kinds[1:], *([MISMARKED] if test_mismarked else [])]
    return latent_task(
        data,
        solver,
        scorer,
        score="fuzzing",
        shown=[
            *("balanced_accuracy", "auroc", "tpr", "tnr", "f1", "auprc", "unscored"),
            *(f"balanced_accuracy_{kind}" for kind in apart),
        ],
        grader=grader,
    )
