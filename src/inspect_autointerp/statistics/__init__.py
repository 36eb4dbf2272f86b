"""Statistics that metrics, leaderboard and experiments share."""
