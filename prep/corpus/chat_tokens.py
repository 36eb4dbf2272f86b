"""Conversations to tokens, with which of them count and where windows may lie."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.corpus.chat_template import ChatTemplate, Part, Rendering, Unusable
from inspect_autointerp.prep.corpus.conversations import Message
from inspect_autointerp.prep.corpus.tokens import AT_ONCE, TokenizedDocument
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.text.plural import plural

_LOOK = 1000
"""Conversations of which none can be used, after which the corpus is refused."""
_REASON, _REASONS = 200, 1000
"""Characters of a reason for leaving a conversation out, and reasons that are told apart."""
_OTHER = "other reasons"


@dataclass(frozen=True)
class ChatTokens:
    """A conversation as tokens."""

    rendering: Rendering
    ids: np.ndarray
    """int64 (token,): with the template's own BOS, where it writes one."""
    role: list[str | None]
    """(token,): whose text each token holds; None for the template's."""
    turn: np.ndarray
    """int64 (token,): number of the turn that it begins in, −1 before the first."""


class ChatReader:
    """Reads conversations as the documents of a store.

    Args:
        tokenizer: A fast Hugging Face tokenizer with a chat template.
        settings: The store's: role, template_tokens.
        subject: The subject's name, for errors.

    Attributes:
        read: Conversations that were read so far.
        left_out: How many were left out, by the reason.
        folded: How many have their system message in the first user message.

    Raises:
        UserError: The tokenizer has no chat template, or does not say where in a text its tokens are.
    """

    def __init__(self, tokenizer: Any, settings: Settings, subject: str) -> None:
        if not getattr(tokenizer, "is_fast", False):
            raise UserError(f"--chat needs a fast tokenizer, and {subject} has {type(tokenizer).__name__}")
        self.tokenizer, self.settings = tokenizer, settings
        self.template = ChatTemplate(tokenizer, subject)
        self.read = self.folded = 0
        self.left_out: Counter[str] = Counter()
        self._roles: Counter[str] = Counter()
        self._special = frozenset(tokenizer.all_special_ids)

    @property
    def writes_bos(self) -> bool:
        """Return whether the template itself begins a conversation with BOS."""
        for messages in ([{"role": "user", "content": "Hello"}], [{"role": "system", "content": "Hello"}]):
            try:
                tokens = self.tokens([self.template.render(messages)])[0]
            except Unusable:
                continue
            if len(tokens.ids):  # a template may write nothing of a role
                return bool(self._is_bos(tokens.ids).any())
        return False

    def tokenized(
        self, conversations: Iterable[Sequence[Message]], wanted: Callable[[], int], with_bos: bool
    ) -> Iterator[TokenizedDocument]:
        """Render and tokenize conversations; those that cannot be used are left out and counted.

        Args:
            conversations: Messages of each.
            wanted: How many tokens more are wanted: a conversation is cut there.
            with_bos: BOS stands before every chunk, so that the template's own is left out.

        Raises:
            UserError: None of many conversations can be used.
        """
        group: list[Rendering] = []
        for messages in conversations:
            self.read += 1
            if (rendering := self._usable(messages)) is not None:
                group.append(rendering)
            elif self.read == _LOOK and self.left_out.total() == _LOOK:
                self.refuse_all()
            if len(group) == AT_ONCE:
                yield from self._documents(group, wanted, with_bos)
                group = []
            if wanted() <= 0:
                return
        yield from self._documents(group, wanted, with_bos)
        if self.read and self.left_out.total() == self.read:
            self.refuse_all()

    def refuse_all(self) -> None:
        """Refuse a corpus of which no conversation can be used.

        Raises:
            UserError: Always.
        """
        roles = f"; roles of their messages: {', '.join(sorted(self._roles))}" if self._roles else ""
        raise UserError(f"--chat: none of {self.read:,} conversations can be used: {self._reasons()}{roles}")

    def report(self) -> str | None:
        """Return what was left out or changed, in words; None if nothing was."""
        parts: list[str] = []
        if n := self.left_out.total():
            parts.append(
                f"{n:,} of {plural(self.read, 'conversation')} {'was' if n == 1 else 'were'} left out:"
                f" {self._reasons()}"
            )
        if self.folded:
            parts.append(
                f"in {self.folded:,} the system message was put before the first user message, since the chat template"
                " takes none"
            )
        return "; ".join(parts) or None

    def tokens(self, renderings: Sequence[Rendering]) -> list[ChatTokens]:
        """Return renderings as tokens, and whose each token is."""
        encoded = self.tokenizer(
            [rendering.text for rendering in renderings],
            add_special_tokens=False,
            return_offsets_mapping=True,
            verbose=False,
        )
        pairs = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        return [
            ChatTokens(
                rendering,
                np.array(ids, dtype=np.int64),
                _roles(rendering.messages, begin, end),
                np.searchsorted([turn.begin for turn in rendering.turns], begin, side="right") - 1,
            )
            for rendering, (ids, offsets) in zip(renderings, pairs, strict=True)
            for begin, end in [np.array(offsets, dtype=np.int64).reshape(-1, 2).T]
        ]

    def counted(self, tokens: ChatTokens) -> np.ndarray:
        """Return which tokens count, bool (token,)."""
        if self.settings.template_tokens:
            roles = [tokens.rendering.turns[turn].role if turn >= 0 else None for turn in tokens.turn.tolist()]
            counts = [self.settings.role in (None, role) for role in roles]
            return np.array(counts, dtype=bool) & ~self._is_bos(tokens.ids)
        wanted = self.settings.role
        counts = [role is not None and wanted in (None, role) for role in tokens.role]
        return np.array(counts, dtype=bool) & ~np.isin(tokens.ids, list(self._special))

    def _is_bos(self, ids: np.ndarray) -> np.ndarray:
        """Bool (token,): a BOS that begins the conversation."""
        first = np.zeros(len(ids), dtype=bool)
        first[:1] = ids[:1] == self.tokenizer.bos_token_id if self.tokenizer.bos_token_id is not None else False
        return first

    def _usable(self, messages: Sequence[Message]) -> Rendering | None:
        self._roles.update({str(message["role"]) for message in messages})
        role = self.settings.role
        if role and all(message["role"] != role for message in messages):
            self.left_out[f"no message has the role {role}"] += 1
            return None
        try:
            rendering = self.template.render(messages)
        except Unusable as error:
            self._leave_out(str(error))
            return None
        if not any(role in (None, part.role) for part in rendering.messages):
            self.left_out[f"no message{f' of role {role}' if role else ''} has text"] += 1
            return None
        self.folded += rendering.folded
        return rendering

    def _documents(
        self, renderings: Sequence[Rendering], wanted: Callable[[], int], with_bos: bool
    ) -> Iterator[TokenizedDocument]:
        for tokens in self.tokens(renderings) if renderings else ():
            if wanted() <= 0:
                return
            begin = int(with_bos and self._is_bos(tokens.ids).any())
            end = begin + wanted()
            counts = self.counted(tokens)[begin:end]
            yield TokenizedDocument(tokens.ids[begin:end], counts, self._ranges(tokens, begin, len(counts)))

    def _ranges(self, tokens: ChatTokens, begin: int, n_tokens: int) -> list[tuple[int, int]]:
        """The stretches of a document that windows are cut from: all of it, or the role's turns."""
        if self.settings.role is None:
            return [(0, n_tokens)]
        turn = tokens.turn[begin : begin + n_tokens]
        first = np.flatnonzero(np.diff(turn, prepend=-2))
        bounds = zip(first.tolist(), [*first[1:].tolist(), n_tokens], strict=True)
        role_of = [part.role for part in tokens.rendering.turns]
        return [(a, b) for a, b in bounds if turn[a] >= 0 and role_of[turn[a]] == self.settings.role]

    def _leave_out(self, reason: str) -> None:
        """Count a reason; a template's own words may quote the conversation, so that each is another."""
        reason = reason if len(reason) <= _REASON else f"{reason[: _REASON - 1]}…"
        self.left_out[reason if reason in self.left_out or len(self.left_out) < _REASONS else _OTHER] += 1

    def _reasons(self) -> str:
        most = Counter({reason: n for reason, n in self.left_out.items() if reason != _OTHER}).most_common(3)
        words = [f"{reason} ({n:,})" for reason, n in most]
        rest = self.left_out.total() - sum(n for _, n in most)
        return ", ".join([*words, *([f"{_OTHER} ({rest:,})"] if rest else [])])


def _roles(parts: Sequence[Part], begin: np.ndarray, end: np.ndarray) -> list[str | None]:
    """Return the role of the message that each token belongs to, by its first character that is of a message."""
    if not parts:
        return [None] * len(begin)
    behind = np.searchsorted([part.end for part in parts], begin, side="right")
    inside = np.minimum(behind, len(parts) - 1)
    holds = (behind < len(parts)) & (np.array([part.begin for part in parts])[inside] < end)
    return [
        parts[number].role if is_in else None for number, is_in in zip(inside.tolist(), holds.tolist(), strict=True)
    ]
