"""A suite as an Inspect eval set: several explainers and the floors, retried where they fail, resumed where they stop.

python examples/suite_eval_set.py
MODEL=openai/gpt-4o-mini SUITE=smollm2 python examples/suite_eval_set.py

Run it again with the same settings to continue: evaluations that are complete are not repeated.
"""

import os
import sys

from inspect_ai import eval_set

from inspect_autointerp.tasks import multi_score

MODEL = os.environ.get("MODEL", "inspect_autointerp/lexical")
SUITE = os.environ.get("SUITE", "smollm2")
LOGS = os.environ.get("LOGS", f"logs/suite-{SUITE}")
LIMIT = int(os.environ["LIMIT"]) if "LIMIT" in os.environ else None
"""Latents to evaluate, for a try; a result of the suite needs all of them."""
EXPLAINERS = ("explain", "shuffled", "empty")

if __name__ == "__main__":
    complete, logs = eval_set(
        [multi_score(suite=SUITE, explainer=explainer) for explainer in EXPLAINERS],
        log_dir=LOGS,
        model=MODEL,
        limit=LIMIT,
        max_tasks=1,
    )
    done = sum(log.status == "success" for log in logs)
    sys.stdout.write(f"{done} of {len(logs)} complete: autointerp leaderboard {LOGS}\n")
    sys.exit(0 if complete else 1)
