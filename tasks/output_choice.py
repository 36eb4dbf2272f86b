"""Output choice: which of three texts was steered with the latent that the explanation describes?

inspect eval tasks/output_choice.py --model openai/gpt-4o-mini
"""

from inspect_ai import Task

from inspect_autointerp.errors import one_line_errors
from inspect_autointerp.scorers.intervention.scorer import Steered
from inspect_autointerp.scorers.output_choice.scorer import output_choice as output_choice_scorer
from inspect_autointerp.scorers.output_choice.steered_texts import FOILS, check_foils
from inspect_autointerp.solvers.explainers import Explainer
from inspect_autointerp.tasks._task import explainer_solver, open_latents, score_task, task


@task
def output_choice(
    store: str | None = None,
    hookpoint: str | None = None,
    latents: str | int | list[int] | None = None,
    explainer: Explainer = "explain",
    explanations: str | None = None,
    target_kl: float = 1.0,
    direction: Steered = "latent",
    questions: int = 20,
    tuned_prompts: int = 10,
    foils: int = FOILS,
    promoted: bool = False,
    new_tokens: int = 16,
    temperature: float = 1.0,
    min_contexts: int = 20,
    window: int | None = None,
    grader: str | None = None,
    seed: int = 0,
) -> Task:
    """Explain latents, and ask which of three texts was steered with the latent; chance is one third.

    The two other texts are steered by other latents after the same beginning, at the same KL. The store's own subject
    is steered. Arguments that are not listed here are as in `tasks.detection`.

    Args:
        target_kl: Strength of the effect: KL(clean ‖ steered) of the token right after a beginning, in nats.
        direction: `latent`, or `random`: a random direction at the same KL, a floor.
        questions: Questions per latent, each with another beginning.
        tuned_prompts: Other beginnings, of the explain split, on which strengths are tuned.
        foils: Latents that steer the other texts, the same for all latents.
        promoted: Also show the tokens that each of the three latents promotes.
        new_tokens: Tokens that the subject writes.
        temperature: Sampling temperature of the subject.
    """
    with one_line_errors():
        scorer = output_choice_scorer(
            target_kl, direction, questions, tuned_prompts, foils, promoted, new_tokens, temperature
        )
    data = open_latents(store, hookpoint, latents, "random", min_contexts, window, seed)
    with one_line_errors():
        check_foils(data.store, data.hookpoint, foils)
    solver = explainer_solver(explainer, explanations, data)
    return score_task(data, solver, {"output_choice": scorer}, grader=grader)
