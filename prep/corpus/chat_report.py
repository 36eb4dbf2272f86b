"""Lines about a corpus of conversations: what was left out, how much counts, and an example with its roles."""

from collections.abc import Iterator
from itertools import groupby

from inspect_autointerp.prep.corpus.chat_template import Unusable
from inspect_autointerp.prep.corpus.chat_tokens import ChatReader
from inspect_autointerp.prep.corpus.chunks import Chunker
from inspect_autointerp.prep.corpus.conversations import Message
from inspect_autointerp.text.plural import plural

_LONGEST = 160
"""Characters of a part of an example that are shown."""


def chat_report(chunker: Chunker) -> Iterator[str]:
    """Yield what a person should know of the conversations that were read; nothing for texts."""
    chat, settings = chunker.chat, chunker.settings
    if chat is None or not chunker.n_tokens:
        return
    n_documents, held = len(chunker.test), len(chunker.windows) * settings.window
    whose = f"the {settings.role} role's" if settings.role else "all roles'"
    kind = f"{whose} turns" if settings.template_tokens else f"{whose} messages"
    counted, inside = chunker.n_counted / chunker.n_tokens, min(1.0, held / chunker.n_tokens)
    yield (
        f"{plural(n_documents, 'conversation')} of {plural(chunker.n_tokens, 'token')};"
        f" {counted:.0%} of the tokens count ({kind});"
        f" {inside:.0%} are in windows of {settings.window}"
    )
    if line := chat.report():
        yield line[0].upper() + line[1:]
    if chunker.n_long:
        yield (
            f"{chunker.n_long:,} of these {'is' if chunker.n_long == 1 else 'are'} longer than"
            f" {settings.context_length} tokens: the subject reads later parts without the earlier ones;"
            " --context-length takes more at once"
        )


def chat_example(chat: ChatReader, messages: list[Message]) -> Iterator[tuple[str, str, int, int]]:
    """Yield a conversation's parts in order: who speaks, the text, its tokens, and how many of them count.

    Args:
        chat: Reads it.
        messages: The conversation.
    """
    try:
        [tokens] = chat.tokens([chat.template.render(messages)])
    except Unusable:
        return
    counts = chat.counted(tokens)
    rows = list(zip(tokens.role, tokens.turn.tolist(), tokens.ids.tolist(), counts.tolist(), strict=True))
    for (role, _), part in groupby(rows, key=lambda row: (row[0], row[1] if row[0] else None)):
        part = list(part)
        text = chat.tokenizer.decode([row[2] for row in part], clean_up_tokenization_spaces=False)
        shown = text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"
        yield role or "template", shown, len(part), sum(row[3] for row in part)
