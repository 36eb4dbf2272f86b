"""Intervention: does the explanation tell what steering with the latent does to what the subject writes?

inspect eval tasks/intervention.py --model openai/gpt-4o-mini --model-role likelihood=hf/meta-llama/Llama-3.1-8B
"""

from collections.abc import Mapping

from inspect_ai import Task

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.inspect_support.dataset import ask_for_foils
from inspect_autointerp.scorers.intervention.foils import CHOICES, check_choices
from inspect_autointerp.scorers.intervention.scorer import Steered
from inspect_autointerp.scorers.intervention.scorer import intervention as intervention_scorer
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import explainer_solver, open_latents, score_task, task


@task
def intervention(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    target_kl: float = 1.0,
    direction: Steered = "latent",
    ablate: bool = False,
    scored_prompts: int = 30,
    tuned_prompts: int = 10,
    new_tokens: int = 8,
    temperature: float = 1.0,
    choices: int = CHOICES,
    min_contexts: int = 20,
    window: int | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and grade each explanation by what steering with the latent does (arXiv 2410.13928, §3.3.5).

    Explanation likelihoods come from the model role `likelihood`, by default the store's subject if that is SmolLM2,
    else the demo's. The store's own subject is steered. Arguments that are not listed here are as in `tasks.detection`.

    Args:
        target_kl: Strength of the effect: KL(clean ‖ steered) of the token right after a prompt, in nats. The
            paper uses 0.1, 0.33, 1 and 3.
        direction: `latent`, or `random`: a random direction at the same KL, a floor.
        ablate: Hold the latent at 0, keeping the coder's error term, instead of adding to it. Nothing is
            tuned then, and the effect of a true explanation is below 0.
        scored_prompts: Test contexts, cut where the latent first fires, that the subject continues.
        tuned_prompts: Beginnings of contexts of the explain split, cut the same way, on which the strength is tuned.
        new_tokens: Tokens that the subject writes.
        temperature: Sampling temperature of the subject.
        choices: Explanations among which the right one is ranked by how much steering raises them. The others are of
            other latents: of the same file with `-T explanations=…`, else of the lexical explainer. 1 for no choice.
    """
    with one_line_errors():
        scorer = intervention_scorer(
            target_kl, direction, ablate, scored_prompts, tuned_prompts, new_tokens, temperature, choices
        )
    data = open_latents(store, hookpoint, latents, "random", min_contexts, window, seed)
    with one_line_errors():
        from_file = explanations is not None or isinstance(explainer, Mapping)
        check_choices(data.store, data.hookpoint, choices, from_file=from_file)
    ask_for_foils(data.samples, choices - 1)
    return score_task(data, explainer_solver(explainer, explanations, data), {"intervention": scorer})
