"""Every private name of Inspect that this package uses, in one place.

Inspect has no public name for these. tests/inspect_support/test_compat.py says which Inspect version broke one.
"""

from inspect_ai._cli.eval import eval_command as eval_command  # pyright: ignore[reportMissingTypeStubs]  # Inspect has none
from inspect_ai._util.config import parse_cli_args as parse_cli_args
from inspect_ai._util.error import PrerequisiteError as PrerequisiteError
from inspect_ai.model._generate_config import active_generate_config as active_generate_config
from inspect_ai.model._model import active_model as active_model
from inspect_ai.model._model_info import _get_model_info_direct  # pyright: ignore[reportPrivateUsage]  # see above
from inspect_ai.solver._task_state import sample_state as sample_state

known_model_info = _get_model_info_direct

__all__ = [
    "PrerequisiteError",
    "active_generate_config",
    "active_model",
    "eval_command",
    "known_model_info",
    "parse_cli_args",
    "sample_state",
]
