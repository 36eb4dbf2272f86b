"""Models and stores that come with the package and need no key."""
