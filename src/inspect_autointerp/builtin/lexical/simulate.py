"""The lexical simulator: a token is as active as the heaviest listed word that stands on it."""

from inspect_autointerp.builtin.lexical.judge import listed
from inspect_autointerp.builtin.prompt_reader import read_simulating
from inspect_autointerp.text.token_lines import places


def simulate(question: str) -> list[list[int]]:
    """The activation of each token of each text of a simulator's prompt, 0 to 10.

    It is the weight, 1 to 10, of the heaviest listed word of which a character is the token's, and 0 without any.
    """
    explanation, texts = read_simulating(question)
    activations: list[list[int]] = []
    for tokens in texts:
        words = listed(explanation, "".join(tokens))
        activations.append(
            [
                max((weight for word, weight in words if word.start < end and start < word.stop), default=0)
                for start, end in places(tokens)
            ]
        )
    return activations
