"""`autointerp mcp`: the agent's tools for any coding agent, by the Model Context Protocol, read-only."""
