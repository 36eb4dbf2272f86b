"""Writes the page's folder: the page, its data, a card per latent, and the logs in the Inspect viewer."""

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import cache
from importlib.resources import files
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fsspec
import pandas as pd
from inspect_ai.log import bundle_log_dir, list_eval_logs, read_eval_log

from inspect_autointerp import __version__
from inspect_autointerp.card.html import environment, styles
from inspect_autointerp.errors import UserError
from inspect_autointerp.leaderboard.results import Results
from inspect_autointerp.leaderboard.show.page.cards import as_json, chosen_latents, write_cards
from inspect_autointerp.leaderboard.show.page.tables import extra_content, latents_content, page_content, values_content
from inspect_autointerp.leaderboard.show.view import View
from inspect_autointerp.store.atomic import atomic_folder
from inspect_autointerp.store.folder_kind import Kind, files_in

_FILES, _WRITER = "data/files.json", "autointerp leaderboard"
_PACKAGE = "inspect_autointerp.leaderboard.show.page"
_SCRIPTS = ("data.js", "grid.js", "charts.js", "card.js", "page.js")
_TITLE = "Explanations of latents"


def write_page(
    results: Results,
    out: Path,
    *,
    logs: str | None = None,
    cards: int = 1000,
    stores: Sequence[str] = (),
    extra: Sequence[tuple[Sequence[View], str]] = (),
    people: pd.DataFrame | None = None,
) -> None:
    """Write the leaderboard as static files; a page of before is replaced.

    Args:
        results: What to show.
        out: The folder.
        logs: Folder of logs to include in the Inspect viewer; None to leave it out.
        cards: At most so many latents get a card.
        stores: Folders of stores that cards read the texts of contexts from, beside the package's own.
        extra: Further tables, of graders and of people, with a note on each group of them.
        people: See `page_content`.

    Raises:
        UserError: The folder holds something else, lies among the logs or cannot be written, or a package of the extra
            `page` is missing.
    """
    charts, bundle = _charts()
    check_target(out, logs)
    with atomic_folder(out, kind=PAGE, overwrite=True) as folder:
        whole = [
            str(log) for log in results.entries["log"].unique() if log not in results.shards
        ]  # a sweep has no one log
        viewed = _view(logs, folder, whole) if logs else {}
        latents = chosen_latents(results, cards)
        (folder / "data").mkdir()
        for name, content in (
            ("content", page_content(results, viewed, people) | {"extra": extra_content(extra)}),
            ("latents", latents_content(results, latents)),
            ("charts", charts()),
        ):
            _write_data(folder, name, content)
        for table in results.tables:
            _write_data(folder, f"values-{table}", values_content(results, table))
        write_cards(results, latents, folder / "cards", stores)
        _write_assets(folder, bundle, f"{len(latents):,} of {len(results.latents):,} latents")
        (folder / _FILES).write_text(json.dumps({"written_by": _WRITER, "files": files_in(folder)}), encoding="utf-8")


def _charts() -> tuple[Callable[[], dict[str, Any]], str]:
    """The specifications, and Vega with what draws them, as a script."""
    try:
        from vl_convert import javascript_bundle

        from inspect_autointerp.leaderboard.show.page.charts import specifications
    except ImportError as error:
        raise UserError(f'the page needs {error.name}: pip install "inspect-autointerp[page]"') from error
    return specifications, _bundle(javascript_bundle)


@cache
def _bundle(javascript_bundle: Callable[[str], str]) -> str:
    return f"(() => {{{javascript_bundle('window.vegaEmbed = vegaEmbed;')}}})();\n"


def check_target(out: Path, logs: str | None) -> None:
    """Check early whether `write_page` will accept a folder.

    Raises:
        UserError: See `write_page`.
    """
    if out.exists():
        PAGE.check(out)
    if logs and "://" not in logs and out.resolve().is_relative_to(Path(logs).resolve()):
        raise UserError(
            f"{out} is inside the folder of logs that the page includes;"
            f" give --html a folder outside of {logs}, or add --no-view"
        )


def _view(logs: str, folder: Path, used: list[str]) -> dict[str, str]:
    """Bundle the logs with the Inspect viewer; how each is called there, by its path."""
    root = f"{_path(logs).rstrip('/')}/"
    with TemporaryDirectory() as place, redirect_stdout(StringIO()):  # Inspect would name a folder that is not whole
        bundle_log_dir(_without_unreadable(logs, root, Path(place)), str(folder / "view"))
    return {log: _path(log).removeprefix(root) for log in used}


def _without_unreadable(logs: str, root: str, place: Path) -> str:
    """A folder of the logs that the viewer can read: the same one, or copies of them; one damaged log stops it."""
    names = [info.name for info in list_eval_logs(logs)]
    readable = [name for name in names if _is_readable(name)]
    if len(readable) == len(names):
        return logs
    for name in readable:
        copy = place / _path(name).removeprefix(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        fs, source = fsspec.core.url_to_fs(name)
        fs.get_file(source, str(copy))
    return str(place)


def _is_readable(log: str) -> bool:
    try:
        read_eval_log(log, header_only=True)
    except Exception:  # a damaged log can fail in any layer
        return False
    return True


def _path(place: str) -> str:
    """A local path, or URL of a file, as an absolute path; another URL as it is."""
    place = place.removeprefix("file://")
    return place if "://" in place else str(Path(place).resolve())


def _write_data(folder: Path, name: str, content: object) -> None:
    (folder / "data" / f"{name}.js").write_text(f'receive("{name}", {as_json(content)});\n', encoding="utf-8")


def _write_assets(folder: Path, bundle: str, carded: str) -> None:
    assets = folder / "assets"
    assets.mkdir()
    (assets / "vega.js").write_text(bundle, encoding="utf-8")
    (assets / "styles.css").write_text(styles(), encoding="utf-8")
    templates = files(_PACKAGE).joinpath("templates")
    for name in ("page.css", *_SCRIPTS):
        with templates.joinpath(name).open("rb") as source, (assets / name).open("wb") as target:
            shutil.copyfileobj(source, target)
    data, *others = (f"assets/{name}" for name in _SCRIPTS)
    page = environment(_PACKAGE).get_template("index.html")
    made = f"Made by inspect-autointerp {__version__}."
    scripts = [data, "data/content.js", *others]
    text = page.render(title=_TITLE, scripts=scripts, made=made, carded=carded)
    (folder / "index.html").write_text(text, encoding="utf-8")


def _page_files(folder: Path) -> Callable[[str], bool]:
    about = json.loads((folder / _FILES).read_text(encoding="utf-8"))
    if about["written_by"] != _WRITER:
        raise ValueError("not a page of this package")
    return {_FILES, *about["files"]}.__contains__


PAGE = Kind("a leaderboard's page", _page_files, "--html")
"""Kind of folder that `atomic_folder` may replace by a page."""
