"""`--model inspect_autointerp/oracle`: the model that knows the planted latents.

As explainer it recognises the latent by what is marked, and gives its true explanation, or with
`-M explanation=too_broad|too_narrow|wrong` one of the false ones. As grader it does what the explanation says, whether
that is true of the latent or not; it names the text that a planted latent which is all that the others' marks speak of
leaves out, and the candidate in most of whose texts an explanation holds. As writer it gives texts on which the
explanation holds, and near misses. It makes as many errors as it is told to: of a grader that errs beside an explainer
that does not, `--model-role 'grader={model: inspect_autointerp/oracle, model_args: {error_rate: 0.1}}'`.
"""

from collections.abc import Sequence

from inspect_ai.model import ChatMessage, GenerateConfig, Logprobs

from inspect_autointerp.builtin.planted.claims import BY_TEXT, Claim
from inspect_autointerp.builtin.planted.latents import LATENTS, SORTS, Planted, Sort
from inspect_autointerp.builtin.planted.writing import written
from inspect_autointerp.builtin.prompt_reader import (
    NOT_UNDERSTOOD,
    OfflineAPI,
    Passage,
    asked,
    asked_for_confidences,
    asked_for_ratings,
    read_choosing,
    read_examples,
    read_grading,
    read_lineup,
    read_simulating,
    read_writing,
    written_answer,
)
from inspect_autointerp.contexts.sampling import seed_of
from inspect_autointerp.text.prompt_lines import ANSWER_TAG
from inspect_autointerp.text.token_lines import EVERY, as_shown, places, spelled

_NOT_PLANTED = "That is no explanation of a planted latent."


class OracleAPI(OfflineAPI):
    """See the module's description.

    Args:
        model_name: `oracle`.
        base_url: Not used, as the next.
        api_key: Not used.
        config: Inspect's.
        explanation: Which explanation to give: `true`, `too_broad`, `too_narrow` or `wrong`.
        error_rate: With which probability a label, a simulated token's activation, the text that does not belong, or
            the kind of a written text is a wrong one, in [0, 1].
        seed: Of which these are. Of labels, an explanation and a text decide it, whatever stands beside them.

    Raises:
        ValueError: There is no such explanation, or the rate is no probability.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 - as Inspect's own providers
        explanation: Sort | bool = "true",
        error_rate: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        sort = "true" if explanation is True else explanation  # the command line reads `true` as a truth value
        if sort is False or sort not in SORTS:
            raise ValueError(f"explanation={sort}: unknown kind of explanation; give one of {', '.join(SORTS)}")
        if not 0 <= error_rate <= 1:
            raise ValueError(f"error_rate={error_rate}: must be a probability, from 0 to 1")
        self._sort: Sort = sort
        self._error_rate, self._seed = error_rate, seed

    def answer(self, input: list[ChatMessage], config: GenerateConfig) -> tuple[str, Logprobs | None]:
        """Answer an explainer's or a grader's prompt; to an explanation that is none of the planted it gives no label.

        An empty explanation speaks of no text.
        """
        question = input[-1].text
        match asked(question):
            case "explain":
                return f"{ANSWER_TAG} {recognised(read_examples(question)).claim(self._sort).text}", None
            case "judge":
                explanation, texts = read_grading(question)
                if explanation and explanation not in BY_TEXT:
                    return _NOT_PLANTED, None
                labels = [label(explanation, *text, self._error_rate, self._seed) for text in texts]
                if asked_for_ratings(input):
                    return str([2 * one for one in labels]), None
                surely = asked_for_confidences(input)
                return str([100 * one for one in labels] if surely else labels), None
            case "intruder":
                place = odd_one_out(read_lineup(question), self._error_rate, self._seed)
                return "No planted latent fits all texts but one." if place is None else str(place + 1), None
            case "choose":
                explanation, candidates = read_choosing(question)
                if explanation and explanation not in BY_TEXT:
                    return _NOT_PLANTED, None
                return str(described(explanation, candidates, self._error_rate, self._seed) + 1), None
            case "simulate":
                explanation, tokens = read_simulating(question)
                if explanation and explanation not in BY_TEXT:
                    return _NOT_PLANTED, None
                values = [simulated(explanation, text, self._error_rate, self._seed) for text in tokens]
                return spelled([as_shown(text) for text in tokens], values, EVERY in input[0].text), None
            case "write":
                explanation, n = read_writing(question)
                if explanation and explanation not in BY_TEXT:
                    return _NOT_PLANTED, None
                return written_answer(*written(explanation, n, self._error_rate, self._seed)), None
            case "choose_steered" | None:  # the planted latents have no subject to steer
                return NOT_UNDERSTOOD, None


def label(explanation: str, text: str, marks: set[int] | None = None, error_rate: float = 0.0, seed: int = 0) -> int:
    """Return whether an explanation holds on a text: 1 or 0, and with a probability of `error_rate` the other one.

    Args:
        explanation: A planted one, or an empty one, which holds nowhere.
        text: Without marks.
        marks: Characters. Where there are any, it holds if it speaks of every one of them.
        error_rate: In [0, 1].
        seed: Of the errors. Explanation, text and marks decide whether there is one, whatever stands beside them.

    Raises:
        KeyError: It is neither of the planted explanations nor empty.
    """
    if not explanation:
        holds = False
    elif marks is None:
        holds = BY_TEXT[explanation].holds(text)
    else:
        holds = marks <= spoken_of(BY_TEXT[explanation], text)
    errs = seed_of(seed, explanation, text, *sorted(marks or ())) < error_rate * 2**64
    return int(holds != errs)


def simulated(explanation: str, tokens: Sequence[str], error_rate: float = 0.0, seed: int = 0) -> list[int]:
    """The activation of each token of a text: 10 where the explanation speaks of it, else 0, but for errors.

    Args:
        explanation: As for `label`.
        tokens: With their spaces; together they are the text.
        error_rate: With which probability a token's activation is the other one of the two.
        seed: Of the errors. Explanation, text and the token's place decide whether there is one.

    Raises:
        KeyError: As for `label`.
    """
    text = "".join(tokens)
    spoken: set[int] = spoken_of(BY_TEXT[explanation], text) if explanation else set()
    errs = [seed_of(seed, explanation, text, i) < error_rate * 2**64 for i in range(len(tokens))]
    return [
        10 * int((not spoken.isdisjoint(range(*place))) != err) for place, err in zip(places(tokens), errs, strict=True)
    ]


def spoken_of(claim: Claim, text: str) -> set[int]:
    """The characters but spaces of a text that a claim speaks of."""
    return {i for start, end in claim.spans(text) for i in range(start, end) if text[i] != " "}


def described(explanation: str, candidates: Sequence[Sequence[Passage]], error_rate: float = 0.0, seed: int = 0) -> int:
    """The place, from 0, of the candidate in most of whose texts an explanation holds; of equals a hash decides.

    Args:
        explanation: As for `label`, and so the last two.
        candidates: The texts of each.
        error_rate: With which probability the label of a text is the other one.
        seed: Of the errors.

    Raises:
        KeyError: As for `label`.
    """
    labels = [[label(explanation, *text, error_rate, seed) for text in texts] for texts in candidates]
    shares = [round(sum(row) / max(1, len(row)), 9) for row in labels]
    ties = [seed_of(explanation, *sorted(text for text, _ in texts)) for texts in candidates]
    return max(range(len(candidates)), key=lambda i: (shares[i], ties[i]))


def odd_one_out(texts: Sequence[Passage], error_rate: float = 0.0, seed: int = 0) -> int | None:
    """The place, from 0, of the text that a planted latent leaves out of which all the others' marks speak.

    Where there are several such latents, the one that says most of what is marked, by `_fit`, decides.

    Args:
        texts: With marks.
        error_rate: With which probability it is another place, any with the same chance, in [0, 1].
        seed: Of the errors. The texts decide whether there is one and which, whatever their order.

    Returns:
        None where there is no such latent.
    """
    left_out: list[tuple[float, int]] = []
    for planted in LATENTS:
        alien = [i for i, (text, marks) in enumerate(texts) if not (marks or set()) <= spoken_of(planted.true, text)]
        if len(alien) == 1:
            left_out.append((_fit(planted, [text for i, text in enumerate(texts) if i != alien[0]]), alien[0]))
    if not left_out:
        return None
    place = max(left_out)[1]
    if seed_of(seed, *sorted(text for text, _ in texts)) >= error_rate * 2**64:
        return place
    return min((i for i in range(len(texts)) if i != place), key=lambda i: seed_of(seed, texts[i][0], "named"))


def recognised(examples: list[Passage]) -> Planted:
    """The latent that fits what is marked in examples best, by the F1 over characters; of equals the first."""
    return max(LATENTS, key=lambda planted: _fit(planted, examples))


def _fit(planted: Planted, examples: Sequence[Passage]) -> float:
    """The F1 over characters of what a latent's truth speaks of, against what is marked."""
    both = either = 0
    for text, marks in examples:
        spoken, marks = spoken_of(planted.true, text), marks or set()
        both, either = both + len(spoken & marks), either + len(spoken) + len(marks)
    return 2 * both / either if either else 0.0
