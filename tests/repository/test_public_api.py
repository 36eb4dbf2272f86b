"""The public Python API: what is exported is what is documented, it works, and importing it costs next to nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import inspect_autointerp
from inspect_autointerp.errors import UserError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/index.md").read_text(encoding="utf-8")


def test_exported_is_what_is_documented() -> None:
    documented = re.findall(r"^::: inspect_autointerp\.(\w+)$", PAGE, flags=re.MULTILINE)
    assert sorted(documented) == sorted(inspect_autointerp.__all__) == sorted(inspect_autointerp._PUBLIC)
    assert set(documented) <= set(dir(inspect_autointerp))


@pytest.mark.parametrize("name", inspect_autointerp.__all__)
def test_exported_name_has_a_docstring(name: str) -> None:
    public = getattr(inspect_autointerp, name)
    module, attribute = inspect_autointerp._PUBLIC[name]
    assert (public.__module__, public.__name__) == (module, attribute)
    assert public.__doc__


def test_static_imports_are_those_at_run_time() -> None:
    source = Path(inspect_autointerp.__file__).read_text(encoding="utf-8")
    static = re.findall(r"^    from (\S+) import (\w+) as (\w+)$", source, flags=re.MULTILINE)
    assert {name: (module, attribute) for module, attribute, name in static} == inspect_autointerp._PUBLIC


def test_unknown_name_lists_those_that_there_are() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'stores'; its public names are Context, Latent"):
        _ = inspect_autointerp.stores  # pyright: ignore[reportAttributeAccessIssue]


def test_import_loads_nothing_heavy() -> None:
    code = "import sys, inspect_autointerp; print([m for m in ('numpy', 'pandas', 'inspect_ai') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_contexts_of_a_latent_by_its_name(planted_store: Path) -> None:
    store = inspect_autointerp.open_store(planted_store)
    by_name = inspect_autointerp.latent_contexts(store, "planted/3")
    by_latent = inspect_autointerp.latent_contexts(store, store.at("planted").latent(3))
    assert by_name.latent == by_latent.latent
    [context] = by_name.explain(1, seed=0)
    assert context.max_activation > 0
    assert "".join(context.tokens())
    with pytest.raises(UserError, match=r"^latent planted/24: planted has the latents planted/0 to planted/23$"):
        inspect_autointerp.latent_contexts(store, "planted/24")


def test_open_store_cuts_contexts_to_a_window(planted_store: Path) -> None:
    store = inspect_autointerp.open_store(planted_store, window=16)
    [context] = inspect_autointerp.latent_contexts(store, "planted/0").explain(1, seed=0)
    assert len(context.tokens()) == 16


def test_results_of_the_committed_logs_have_a_summary() -> None:
    results = inspect_autointerp.results(str(ROOT / "logs/explainers"))
    table = results.entries.join(inspect_autointerp.summary(results))
    best = table[(table["score"] == "detection") & ~table["floor"]]["mean"].max()
    assert best == pytest.approx(0.664, abs=5e-4)  # docs/validation.md
