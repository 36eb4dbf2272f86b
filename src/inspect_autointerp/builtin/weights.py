"""Names of subjects and coders that are the same on every machine, and where their weights are on this one.

Manifests name the demo's weights and SmolLM2's so. A folder of such a name is given as `./smollm2`.
"""

from inspect_autointerp.builtin import demo
from inspect_autointerp.errors import UserError


def weights_folder(name: str) -> str:
    """Return the folder that a name of a built-in subject or coder stands for; any other name as it is.

    Args:
        name: As the user gives it, or a manifest has it: `smollm2`, `smollm2:layers.12`, `inspect_autointerp/demo`.

    Raises:
        UserError: It is a built-in one, and its weights are not on this machine.
    """
    from inspect_autointerp.builtin import smollm2

    subject, colon, coder = name.partition(":")
    if subject != smollm2.NAME:
        return demo.located(name)
    folder = smollm2.coder_folder(coder) if colon else smollm2.subject_folder()
    if folder is None:
        what = f"coder {name}" if colon else f"subject {name}"
        raise UserError(f"{what}: its weights are not on this machine; `{smollm2.COMMAND}` provides them")
    return str(folder)
