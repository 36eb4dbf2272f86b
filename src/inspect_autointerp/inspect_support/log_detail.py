"""Whether logs are to hold less: of the environment, since a scorer's arguments say what a score is, not what is kept.

In lean logs calls to graders stand without spans of their own, which are two events each; reports on judged texts have
signs for the texts, which can be read in the calls; what was said to the explainer is in its call alone.
"""

import os

LEAN = "INSPECT_AUTOINTERP_LEAN"
"""The environment variable: 1 for lean logs."""


def lean() -> bool:
    """Whether logs are to be lean."""
    return os.environ.get(LEAN) == "1"
