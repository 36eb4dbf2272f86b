"""Log detail: an environment variable, since a scorer's arguments define the score and not what is logged of it.

Lean logs leave out what can be had from elsewhere in them: calls to graders have no spans, which are two events each;
reports list no contexts, which the verdicts point to; what was said to the explainer is in its call alone.
"""

import os

LEAN = "INSPECT_AUTOINTERP_LEAN"
"""The environment variable: 1 for lean logs."""


def lean() -> bool:
    """Return whether logs are lean."""
    return os.environ.get(LEAN) == "1"
