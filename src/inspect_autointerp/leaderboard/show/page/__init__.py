"""The leaderboard as a folder of static files: no server, no network, no build."""
