"""The summaries of a log's samples: what each scored, without messages and events.

Inspect's `samples_df` and `read_eval_log_sample_summaries` parse all summaries of a log at once and shorten every text
of each again: 3 ms and 150 kB a sample of eight scores, so an hour and a half, and 15 GB, for 20 logs of 100,000. Here
the same member of the log is read as a stream, 0.2 ms a sample, and what is not wanted is dropped at once. What is not
laid out that way (a log in JSON) goes the public way.
"""

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any
from zipfile import ZipFile, is_zipfile

import fsspec
from inspect_ai.log import read_eval_log_sample_summaries

_MEMBER = "summaries.json"
_CHUNK = 1 << 22
_LARGEST = 1 << 26
"""Characters of an element: Inspect shortens what is long in a summary, so a longer one is none."""


def summaries(path: str) -> Iterator[dict[str, Any]]:
    """The fields of Inspect's `EvalSampleSummary` of each sample: `id`, `metadata`, `scores` and so on.

    Of a sample that was run again the last comes last. Errors are those of the layers below: a log can be cut short
    anywhere.

    Args:
        path: A log's path or URL.
    """
    fs, place = fsspec.core.url_to_fs(path)
    with fs.open(place, "rb") as file:
        if is_zipfile(file):
            with ZipFile(file) as archive:
                if _MEMBER in archive.namelist():
                    with archive.open(_MEMBER) as member:
                        yield from elements(member)
                    return
    for summary in read_eval_log_sample_summaries(path):
        yield summary.model_dump()


def elements(file: IO[bytes]) -> Iterator[Any]:
    """The elements of a JSON array, of which a few megabytes are held at a time. NaN and infinities are numbers.

    Raises:
        ValueError: It is not an array, is cut short, or has an element that is too large.
    """
    decoder, utf8 = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8")()
    text, at, opened = "", 0, False
    while True:
        chunk = file.read(_CHUNK)
        text, at = text[at:] + utf8.decode(chunk, final=not chunk), 0
        while True:
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
            if not opened:
                if text[at : at + 1] not in ("[", ""):
                    raise ValueError("not a JSON array")
                opened = text[at : at + 1] == "["
                at += opened
                if not opened:
                    break
            elif text[at : at + 1] == "]":
                while file.read(_CHUNK):  # to the end, where a compressed file's checksum is compared
                    pass
                return
            else:
                try:
                    element, at = decoder.raw_decode(text, at)
                except ValueError:  # the rest is in the next chunk, or nowhere
                    break
                yield element
        if len(text) - at > _LARGEST:
            raise ValueError("an element of a JSON array that is too large for a summary")
        if not chunk:
            raise ValueError("a JSON array that is cut short")
