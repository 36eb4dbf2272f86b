"""Objects that Inspect finds under the prefix `inspect_autointerp/`; it loads this module, which imports no torch.

Inspect registers a task, solver, scorer or provider when its module is imported. So a new one is found once its room's
`__init__.py` imports it.
"""

from inspect_autointerp import scorers as scorers
from inspect_autointerp import solvers as solvers
from inspect_autointerp import tasks as tasks
from inspect_autointerp.builtin.provider import models as models
