"""The notebook in examples/ runs from top to bottom, and shows what it says."""

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    """The notebook with its outputs; its kernel is this Python, whatever kernels are installed."""
    notebook = nbformat.read(EXAMPLES / "explore.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(EXAMPLES)}})
    client.create_kernel_manager()
    assert client.km and client.km.kernel_spec
    client.km.kernel_spec.argv[0] = sys.executable
    client.execute(env=os.environ | {"OMP_NUM_THREADS": "1", "JPY_PARENT_PID": str(os.getpid())})
    return notebook


def outputs(notebook: nbformat.NotebookNode, source: str) -> str:
    [cell] = [cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source]
    return str(cell.outputs)


def test_notebook_shows_contexts_in_colour(notebook: nbformat.NotebookNode) -> None:
    assert outputs(notebook, "strongest = ").count("rgba(255, 170, 0, 1.00)") >= 1
    assert "activating" in outputs(notebook, "contexts.test(")
    assert "random" in outputs(notebook, "contexts.test(")


def test_notebook_compares_the_committed_explainers(notebook: nbformat.NotebookNode) -> None:
    assert "0.66" in outputs(notebook, "ia.results(")
    assert "shuffled" in outputs(notebook, "ia.differences(")
    assert "<svg" in outputs(notebook, "alt.Chart(")


def test_committed_notebook_holds_no_outputs() -> None:
    notebook = nbformat.read(EXAMPLES / "explore.ipynb", as_version=4)
    assert not any(cell.outputs for cell in notebook.cells if cell.cell_type == "code")
