"""Why a Hugging Face model could not be loaded, in one line."""

from huggingface_hub.errors import GatedRepoError


def why(error: BaseException, source: str) -> str:
    """Say in one line what transformers says in many.

    Args:
        error: What it raised; what that was raised from counts as well.
        source: Name or folder of the model.
    """
    if _gated(error):
        return f"access is gated: ask for it at https://huggingface.co/{source}, then `hf auth login` or set HF_TOKEN"
    if "trust_remote_code" in str(error):
        return "it needs code that comes with it, which --trust-remote-code lets run on this machine"
    return (str(error).strip().splitlines() or [type(error).__name__])[0].strip()[:400]


def _gated(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, GatedRepoError):
        error = error.__cause__ or error.__context__
    return error is not None
