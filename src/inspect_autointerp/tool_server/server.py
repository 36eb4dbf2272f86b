"""The MCP server: the agent's tools on any latent of one store, with the same guards.

A tool here takes the latent as its first argument; what it shows is what the tool of the same name shows an agent under
Inspect. Nothing is written, and nothing of a latent's test split can be asked for.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Literal

from inspect_ai.tool import ToolError

from inspect_autointerp import __version__
from inspect_autointerp.contexts.selection import MIN_CONTEXTS, usable_latents
from inspect_autointerp.errors import UserError
from inspect_autointerp.models.shared_engines import release
from inspect_autointerp.solvers.tools.activations import show_activations
from inspect_autointerp.solvers.tools.contexts import show_contexts
from inspect_autointerp.solvers.tools.latent_at_hand import LatentAtHand, of_store
from inspect_autointerp.solvers.tools.neighbours import show_neighbours
from inspect_autointerp.solvers.tools.promoted_tokens import show_promoted
from inspect_autointerp.solvers.tools.steer import show_steering
from inspect_autointerp.store.store import Store

if TYPE_CHECKING:
    from mcp.server import MCPServer

_LISTED = 50
_INSTRUCTIONS = (
    "Tools to find out what the latents of a language model respond to. Call `latents` for a few to look at. Form"
    " several hypotheses from `contexts`, test them with `activations` on texts of your own, and look for"
    " counterexamples: silent texts with a search word, weak deciles, neighbours. Explain a latent in one sentence."
    ' Write explanations as JSON lines of {"latent": "HOOKPOINT/INDEX", "explanation": "…"} if they are to be'
    " scored."
)
Hookpoint = Annotated[str, "hookpoint/index, as `latents` lists them: layers.2/17"]


def make_server(store: Store, hookpoint: str) -> "MCPServer":
    """Return the server.

    Args:
        store: The store.
        hookpoint: The hookpoint whose latents are listed; all can be asked about.

    Raises:
        UserError: The package `mcp` is missing, or too old.
    """
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError as McpToolError
        from mcp.types import ToolAnnotations
    except ImportError as error:
        raise UserError(f'the MCP server needs `pip install "inspect-autointerp[mcp]"` ({error})') from error

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            release()

    server = MCPServer(
        "inspect-autointerp", instructions=_INSTRUCTIONS, version=__version__, log_level="ERROR", lifespan=lifespan
    )
    read_only = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)

    def at(latent: str) -> LatentAtHand:
        return of_store(store, latent if "/" in latent else f"{hookpoint}/{latent}")

    @asynccontextmanager
    async def messages() -> AsyncGenerator[None]:
        try:
            yield
        except ToolError as error:
            raise McpToolError(error.message) from error
        except UserError as error:
            raise McpToolError(str(error)) from error

    @server.tool(annotations=read_only)
    async def latents(page: int = 1, seed: int = 0) -> str:
        """List latents that are active often enough to be explained, fifty to a page, in a random order.

        Args:
            page: Which page, from 1.
            seed: Another number gives another random order.
        """
        async with messages():
            usable, _ = usable_latents(store, hookpoint, f"sample:{_LISTED * max(1, page)}", MIN_CONTEXTS, seed)
            shown = usable[_LISTED * (page - 1) :] if page >= 1 else []
            if not shown:
                raise ToolError(f"page={page}: there are no more latents of {hookpoint}.")
            lines = [f"{latent.id}: active in {100 * latent.firing_share:.2g} % of texts" for latent in shown]
            return "\n".join(lines)

    @server.tool(annotations=read_only)
    async def contexts(
        latent: Hookpoint,
        kind: Literal["activating", "silent"] = "activating",
        decile: int | None = None,
        search: str | None = None,
        page: int = 1,
        seed: int = 0,
    ) -> str:
        """Look through texts from the corpus in which a latent is active, or silent.

        Args:
            latent: Which latent.
            kind: `activating`: the latent is active in them. `silent`: it is not.
            decile: Show activating texts of this decile alone, the strongest first: 10 is the strongest tenth.
            search: Show texts alone in which these letters occur.
            page: Which page of the texts, from 1.
            seed: Another number gives another random order.
        """
        async with messages():
            return show_contexts(at(latent), kind, decile, search, page, seed)

    @server.tool(annotations=read_only)
    async def activations(latent: Hookpoint, texts: list[str]) -> str:
        """Run the model on texts that you write, and see on which tokens a latent is active.

        Args:
            latent: Which latent.
            texts: 1 to 20 texts, each up to 2,000 characters.
        """
        async with messages():
            return await show_activations(at(latent), texts)

    @server.tool(annotations=read_only)
    async def steer(latent: Hookpoint, prompts: list[str] | None = None, strength: float = 1.0) -> str:
        """Amplify a latent at the end of prompts, and see what the model then says, beside what it says otherwise.

        Args:
            latent: Which latent.
            prompts: Up to 8 beginnings of texts of yours. Without any, beginnings of texts in which it is active.
            strength: How strong the effect is to be, from 0.05 to 10 nats of KL divergence. 1 is clearly visible.
        """
        async with messages():
            return await show_steering(at(latent), prompts, strength)

    @server.tool(annotations=read_only)
    async def promoted_tokens(latent: Hookpoint) -> str:
        """List the tokens that a latent, by itself, makes most and least probable as the next one.

        Args:
            latent: Which latent.
        """
        async with messages():
            return show_promoted(at(latent))

    @server.tool(annotations=read_only)
    async def neighbours(latent: Hookpoint, page: int = 1) -> str:
        """List the latents that are close to this one, with texts in which they are active and this one is silent.

        Args:
            latent: Which latent.
            page: Which page of the neighbours, three to a page, from 1.
        """
        async with messages():
            return show_neighbours(at(latent), page)

    return server
