"""Counts with their noun in the right number."""


def plural(n: int, noun: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 document`, `2,000 documents`.

    Args:
        n: The count.
        noun: The noun in the singular.
        many: The noun in the plural, if it is not the singular with an s.
    """
    return f"{n:,} {noun if n == 1 else many or noun + 's'}"
