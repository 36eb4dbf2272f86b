"""`autointerp mcp`: the command that serves the agent's tools."""

from typing import Annotated

import typer


def mcp(
    store: Annotated[str, typer.Argument(help="A context store: a folder, a URL, `smollm2` or `demo`.")],
    hookpoint: Annotated[
        str | None, typer.Option(help="Hookpoint whose latents are listed; the first by default.")
    ] = None,
) -> None:
    """Serve the agent's tools on a store to any coding agent, by the Model Context Protocol over standard input.

    The tools are read-only and show nothing of the test split, so an explanation that an agent finds here can be scored
    on the same store afterwards.

    \b
    Example, for a client that takes a configuration in JSON:
      {"mcpServers": {"latents": {"command": "autointerp", "args": ["mcp", "contexts/gpt2"]}}}
    """
    import sys
    from contextlib import redirect_stdout

    from inspect_autointerp.builtin.locate import locate
    from inspect_autointerp.store.store import Store
    from inspect_autointerp.tool_server.server import make_server

    with redirect_stdout(sys.stderr):  # standard output is the protocol's
        opened = Store.open(locate(store))
        server = make_server(opened, opened.at(hookpoint).name)
    server.run("stdio")
