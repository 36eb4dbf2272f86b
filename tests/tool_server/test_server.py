"""The MCP server, asked by the official client in the same process."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from inspect_autointerp.contexts.sampler import LatentContexts
from inspect_autointerp.contexts.selection import usable_latents
from inspect_autointerp.models.shared_engines import release
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.render import visible
from inspect_autointerp.tool_server.server import make_server


@pytest.fixture(scope="module")
def store(store_folder: Path) -> Store:
    return Store(store_folder)


def ask(store: Store, *calls: tuple[str, dict[str, Any]]) -> list[tuple[bool, str]]:
    """Return the result of each call: True if it is an error, and its text."""

    async def main() -> list[tuple[bool, str]]:
        answers = []
        async with Client(make_server(store, store.hookpoints[0])) as client:
            for name, arguments in calls:
                result: Any = await client.call_tool(name, arguments)
                answers.append((bool(result.is_error), "".join(part.text for part in result.content)))
        return answers

    try:
        return asyncio.run(main())
    finally:
        release()


def latent_id(store: Store) -> str:
    [latent], _ = usable_latents(store, store.hookpoints[0], "sample:1", 10, 0)
    return latent.id


def test_server_offers_the_agents_tools_read_only(store: Store) -> None:
    async def main() -> Any:
        async with Client(make_server(store, store.hookpoints[0])) as client:
            return (await client.list_tools()).tools

    tools = asyncio.run(main())
    assert {tool.name for tool in tools} == {
        "latents", "contexts", "activations", "steer", "promoted_tokens", "neighbours",
    }  # fmt: skip
    assert all(tool.annotations.read_only_hint for tool in tools)
    assert all(tool.description for tool in tools)


def test_every_tool_answers_as_under_inspect(store: Store) -> None:
    id = latent_id(store)
    answers = ask(
        store,
        ("latents", {}),
        ("contexts", {"latent": id}),
        ("contexts", {"latent": id.rpartition("/")[2], "kind": "silent"}),
        ("activations", {"latent": id, "texts": ["def f(self):", "the end"]}),
        ("promoted_tokens", {"latent": id}),
        ("neighbours", {"latent": id}),
        ("steer", {"latent": id, "prompts": ["def f(self):"]}),
    )
    assert not any(error for error, _ in answers[:-1]), answers
    begins = (
        "layers.1/",
        "Marked tokens stand",
        "Silent text 1: ",
        "Marked tokens stand",
        "Most probable: ",
        "Latents whose",
    )
    for (_, text), begin in zip(answers, begins, strict=False):
        assert text.startswith(begin)
    error, text = answers[-1]  # a random subject may not be steered so far
    assert text.startswith("Beginning 1: ") or (error and "cannot be steered" in text)


def test_bad_calls_are_messages(store: Store) -> None:
    id = latent_id(store)
    answers = ask(
        store,
        ("contexts", {"latent": "nowhere/3"}),
        ("contexts", {"latent": f"{store.hookpoints[0]}/99999"}),
        ("contexts", {"latent": id, "page": 10**6}),
        ("activations", {"latent": id, "texts": []}),
        ("activations", {"latent": id, "texts": ["<|bos|>"]}),
        ("latents", {"page": 0}),
    )
    assert all(error for error, _ in answers)
    expected = (
        "no hookpoint",
        "the latents 0 to",
        "there are pages",
        "Give 1 to 20",
        "control token",
        "no more latents",
    )
    for (_, text), part in zip(answers, expected, strict=True):
        assert part in text


def test_test_split_is_out_of_reach(store: Store) -> None:
    id = latent_id(store)
    contexts = LatentContexts(store, store.at(store.hookpoints[0]).latent(int(id.rpartition("/")[2])))
    tested = {visible(context.text) for context in contexts.activating("test")}
    for _, text in ask(store, *(("contexts", {"latent": id, "page": page}) for page in range(1, 8))):
        plain = text
        for mark in ("<<", ">>", "«", "»"):
            plain = plain.replace(mark, "")
        assert not {line.partition(": ")[2] for line in plain.splitlines()} & tested
