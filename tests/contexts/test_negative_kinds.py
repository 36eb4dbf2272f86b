from pathlib import Path

import pytest

from inspect_autointerp.contexts.negatives import negative_kinds
from inspect_autointerp.errors import UserError
from inspect_autointerp.store.store import Store

HOOKPOINT = "layers.1"


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        pytest.param("random", ("random",), id="random"),
        pytest.param("neighbours", ("random", "neighbours"), id="random goes along"),
        pytest.param("neighbours, random", ("random", "neighbours"), id="and comes first"),
        pytest.param(["random", "neighbours"], ("random", "neighbours"), id="as the command line gives a list"),
        pytest.param("all", ("random", "neighbours"), id="all that the store holds"),
        pytest.param("importance", ("importance",), id="importance in place of random"),
        pytest.param("neighbours,importance", ("importance", "neighbours"), id="which comes first, too"),
    ],
)
def test_what_is_asked_for(asked: object, kinds: tuple[str, ...], store_folder: Path) -> None:
    assert negative_kinds(Store.open(str(store_folder)), HOOKPOINT, asked) == kinds


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param(
            "hard",
            r"negatives=hard: unknown kind 'hard'; give all, or some of random, importance, neighbours",
            id="name",
        ),
        pytest.param("all,random", r"unknown kind 'all'", id="all beside another"),
        pytest.param("similar", r"no similar contexts; `autointerp negatives .* --kind similar` adds them", id="kind"),
        pytest.param("", r"negatives=: unknown kind ''", id="nothing"),
    ],
)
def test_what_cannot_be_had(asked: str, message: str, store_folder: Path) -> None:
    with pytest.raises(UserError, match=message):
        negative_kinds(Store.open(str(store_folder)), HOOKPOINT, asked)
