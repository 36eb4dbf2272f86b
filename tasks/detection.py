"""Detection: does the explanation tell texts on which the latent fires from texts on which it does not?

inspect eval tasks/detection.py --model openai/gpt-4o-mini --model-role grader=openai/gpt-4o-mini -T contexts=DIR
"""

from inspect_ai import Task, task

from inspect_autointerp.inspect_support.evaluation import latent_task
from inspect_autointerp.scorers.detection.scorer import detection as detection_scorer
from inspect_autointerp.scorers.shared.score import columns
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._explained import explained


@task
def detection(
    contexts: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    test_activating: int = 100,
    test_nonactivating: int = 100,
    negatives: str | list[str] = "random",
    min_contexts: int = 20,
    window: int | None = None,
    shown: int = 5,
    confidence: bool = False,
    grader: str | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by detection (arXiv 2410.13928, §3.3.1).

    Args:
        contexts: Folder of a context store that `autointerp prep` made. Without one, the demo's, made on first use.
        hookpoint: One of the store's hookpoints; the first by default.
        latents: `0:100`, `3,17,40`, `all`, or `sample:200`, a random draw of usable latents (default: 100).
        explainer: What the explanations come from: `explain` asks the model, and so do `refine`, `best_of` and, of most
            latents, `single_token`; `shuffled` (another latent's explanation), `constant` and `empty` are floors.
            With options of the solver: `{name: explain, examples: 20, cot: true}`; see solvers/.
        explanations: Take them from a file or a log, see `solvers.supply`; with `explainer=human` under that name, with
            `explainer=shuffled` each for another latent.
        test_activating: Activating contexts to grade on.
        test_nonactivating: Non-activating contexts of each kind to grade on.
        negatives: Kinds of non-activating contexts: `random`, and besides those `neighbours`, `cooccurring` (on which a
            latent fires that is written alike, or that fires along), `similar` (which read alike), several with commas
            between, or `all` that the store holds. Each harder kind gets a balanced score of its own.
        min_contexts: A latent with fewer activating or random contexts is skipped and counted in the log; one with
            fewer of a harder kind is undefined there.
        window: Tokens in a context, to cut them shorter than the store's windows: 16 of 32, say. The latents' firing
            rates, and the scores weighted by them, are then estimates.
        shown: Texts per call to the grader.
        confidence: Ask the grader for 0 to 100 rather than 0 or 1, for an AUROC without log-probabilities.
        grader: The grading model; `--model-role grader=…` wins. Without either the explainer grades itself.
        seed: Of every random choice.
    """
    what = explained(
        contexts,
        hookpoint=hookpoint,
        latents=latents,
        explainer=explainer,
        explanations=explanations,
        negatives=negatives,
        min_contexts=min_contexts,
        window=window,
        seed=seed,
    )
    scorer = detection_scorer(
        what.folder,
        activating=test_activating,
        nonactivating=test_nonactivating,
        shown=shown,
        confidence=confidence,
        seed=seed,
        window=window,
        negatives=",".join(what.kinds),
        min_contexts=min_contexts,
    )
    return latent_task(what.data, what.solver, scorer, shown={"detection": columns(what.kinds[1:])}, grader=grader)
