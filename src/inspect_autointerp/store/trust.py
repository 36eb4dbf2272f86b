"""Code that data name: a store, a checkpoint, a study, a file of options. It runs where the user allows it, not else.

What the user types on the command line is allowed. What stands in data is allowed by the variable
`INSPECT_AUTOINTERP_TRUST_REMOTE_CODE=1`, or by `autointerp prep --trust-remote-code` (README.md says all of it). No
digest covers the name of a coder, since the same data made twice have the same digest: the refusal alone makes a forged
name visible.
"""

import os
import re

VARIABLE = "INSPECT_AUTOINTERP_TRUST_REMOTE_CODE"
OPTION = "--trust-remote-code"
"""Option of `autointerp prep` that does the same as the variable; named in the messages below."""
_FACTORY = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*)")
_WORDS = ("neurons", "random")
"""Kinds of coders whose options also follow a colon."""


def trusted() -> bool:
    """Return whether the environment allows code that data name."""
    return os.environ.get(VARIABLE) == "1"


def factory(coder: str) -> tuple[str, str] | None:
    """Return the module and the function in a coder's source `module:factory`; None where it is of another form.

    A release of SAELens's registry can have this form as well.
    """
    match = _FACTORY.fullmatch(coder)
    return (match[1], match[2]) if match and match[1] not in _WORDS else None


def factory_refusal(coder: str) -> str:
    """Return why a factory is not called, and how to allow it."""
    module, function = factory(coder) or (coder, "")
    return (
        f"coder {coder}: this names code, not weights: the Python module {module}, of the installed packages or of the"
        f" working folder, would be imported and its {function} called, which {OPTION} lets run on this machine; use it"
        " if you know that code and trust it"
    )


def kernel_refusal(attention: str | None) -> str | None:
    """Return why an implementation of attention is not loaded; None where it is one of transformers's own.

    `owner/name` is a repository of compiled code, which transformers would download and run.
    """
    if attention is None or "/" not in attention:
        return None
    return (
        f"attention {attention}: this names compiled code on the Hugging Face Hub, which {OPTION} lets run on this"
        " machine; use it if you know that code and trust it"
    )
