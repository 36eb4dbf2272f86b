"""Detection: does the explanation tell texts on which the latent fires from texts on which it does not?

inspect eval tasks/detection.py --model openai/gpt-4o-mini --model-role grader=openai/gpt-4o-mini -T store=DIR
"""

from inspect_ai import Task

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.scorers.detection.scorer import detection as detection_scorer
from inspect_autointerp.scorers.shared.judging_option import Judging
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import check_judging, explainer_solver, open_latents, read_graders, score_task, task


@task
def detection(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    test_activating: int = 100,
    test_nonactivating: int = 100,
    negatives: str | list[str] = "random",
    min_contexts: int = 20,
    window: int | None = None,
    texts_per_call: int = 5,
    confidence: bool = False,
    judging: Judging = "answer",
    stop: str | list[str] | None = None,
    stop_mean: str | list[str] | None = None,
    concepts: bool | str = False,
    grader: str | None = None,
    graders: str | list[str] | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by detection (arXiv 2410.13928, §3.3.1).

    Args:
        store: Context store: a folder or URL that `autointerp prep` made, or a built-in one (`smollm2`, `demo`,
            `planted`). The default is `smollm2`, which the package ships.
        hookpoint: Hookpoint of the store; the first by default.
        latents: Latents: `0:100`, `3,17,40`, `all`, or `sample:200`, a random draw of usable latents (default: 100);
            or a file, an attribution graph or that of `autointerp triage`.
        explainer: Source of the explanations: `explain`, `refine`, `best_of`, `single_token`, `clusters` and `agent`
            ask the model, `verbalizer` asks an endpoint; `shuffled` (another latent's explanation), `constant`,
            `verbose` and `empty` are floors. To set options: `{name: explain, examples: 20, cot: true}`;
            docs/explainers.md lists them.
        explanations: File or log to take explanations from, see `solvers.supply`. With `explainer=human` the explainer
            is called *human*; with `explainer=shuffled` each latent gets another one's explanation from the file.
        test_activating: Activating contexts to grade on.
        test_nonactivating: Non-activating contexts of each kind to grade on.
        negatives: Kinds of non-activating contexts, with commas: `random`, or `importance` (where false alarms are
            likely, weighted); `neighbours` (a latent of a similar direction fires), `cooccurring` (one that often fires
            with it), `similar` (similar text), `other_subject` (it fires in the other subject); `all` but `importance`.
        min_contexts: A latent with fewer activating or random contexts is skipped and counted in the log; one with
            fewer of a harder kind is undefined there.
        window: Tokens in a context, to make contexts shorter than the store's windows: 16 of 32, say. Firing
            rates of latents, and the scores weighted by them, are then estimates.
        texts_per_call: Texts in one call to the grader.
        confidence: Ask the grader for 0 to 100 instead of 0 or 1, for an AUROC without log-probabilities.
        judging: `answer`: the grader writes its labels. `probability`: it writes nothing; its probabilities of the two
            labels are read, one text at a time. That needs a grader in memory (`hf/…`) or behind a server that returns
            log-probabilities of prompts. Options: `{name: probability, tuning: 20, content_free: true}`.
        stop: Rule to stop grading a latent early: its contexts are graded in batches until the interval of its balanced
            accuracy is narrow (`width:0.2`) or on one side of a value (`above:0.7,below:0.7`). None grades all.
        stop_mean: Rule to stop the evaluation early: latents are evaluated in random order until the interval of their
            mean satisfies `width:0.04`, `above:0.6,below:0.6` or `differs_from:LOG`. None evaluates all.
        concepts: Judge each concept of an explanation that has several by itself; a context counts as active if any
            concept says so. The name of an embedder (`minilm`, …) does the same, and computes polysemanticity with it.
        grader: The grading model; `--model-role grader=…` wins. Without either the explainer grades itself.
        graders: Three or more grading models, separated by commas. Each judges every context, and the score comes from
            their combined labels. To give each its settings: `--model-role 'grader=[{model: a, temperature: 0}, …]'`.
        seed: Random seed of every draw.
    """
    judges = read_graders(grader, graders)
    with one_line_errors():
        scorer = detection_scorer(
            test_activating, test_nonactivating, texts_per_call, confidence, judging, stop, concepts
        )
        check_judging(judging, judges)
    data = open_latents(store, hookpoint, latents, negatives, min_contexts, window, seed)
    solver = explainer_solver(explainer, explanations, data)
    return score_task(data, solver, {"detection": scorer}, grader=judges, stop=stop, stop_mean=stop_mean)
