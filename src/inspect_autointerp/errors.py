"""What a user's mistake raises, and what a user's interruption does."""


class UserError(Exception):
    """What the user gave cannot be used: the message is one line that says what is wrong and what to do.

    The command line prints it without a traceback and exits with status 2; tasks hand it to Inspect as a
    `PrerequisiteError`, which is shown in the same way.
    """


class Interrupted(UserError):
    """The user, or a scheduler, asked to stop: the message says how to go on. Exit status 130."""
