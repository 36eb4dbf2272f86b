"""Latents of an attribution graph: which, in which order, at which hookpoints; and their labels put back."""

import gzip
import json
from pathlib import Path

import pytest
from inspect_ai import eval as run_eval
from inspect_ai.log import read_eval_log
from tests.formats.graphs import Node, graph_of, write_graph_file

from inspect_autointerp.contexts.graph_latents import graph_latents, is_graph
from inspect_autointerp.contexts.selection import candidate_latents, unusable
from inspect_autointerp.errors import UserError
from inspect_autointerp.formats import attribution_graph
from inspect_autointerp.formats.export import export
from inspect_autointerp.inspect_support.dataset import latent_dataset
from inspect_autointerp.leaderboard.analyse.breakdown import breakdown
from inspect_autointerp.leaderboard.load.results_from_logs import read_results
from inspect_autointerp.prep.corpus.documents import stdlib_documents
from inspect_autointerp.prep.run.run import prep
from inspect_autointerp.prep.run.run_spec import Job
from inspect_autointerp.store.settings import Settings
from inspect_autointerp.store.store import Store
from inspect_autointerp.tasks.detection import detection


@pytest.fixture(scope="module")
def folder(subject_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two layers, of which the second has two hookpoints."""
    place = tmp_path_factory.mktemp("layers")
    texts = "".join(text for text, _ in zip(stdlib_documents(), range(4), strict=False))
    rows = [json.dumps({"text": texts[at : at + 600]}) for at in range(0, 60_000, 600)]
    (place / "texts.jsonl").write_text("\n".join(rows))
    settings = Settings(corpus=str(place / "texts.jsonl"), tokens=20_000, context_length=64, window=8, pool=300)
    hookpoints = ["layers.1.mlp", "layers.2.mlp", "layers.2"]
    job = Job(subject=str(subject_folder), coders=["neurons:4"] * 3, hookpoints=hookpoints, settings=settings)
    prep(job, place / "store", progress=False)
    return place / "store"


@pytest.fixture(scope="module")
def store(folder: Path) -> Store:
    return Store.open(str(folder))


@pytest.fixture(scope="module")
def usable(store: Store) -> dict[int, list[int]]:
    """Latents that can be evaluated, by layer."""
    names = {1: "layers.1.mlp", 2: "layers.2.mlp"}
    every = {layer: list(store.at(name).latents(range(32))) for layer, name in names.items()}
    return {layer: [one.index for one in ones if not unusable(store, one, 5)][:4] for layer, ones in every.items()}


def nodes_of(usable: dict[int, list[int]]) -> list[Node]:
    (a, b, *_), (c, d, *_) = usable[1], usable[2]
    return [(1, a, 2, 0.9), (2, c, 1, 0.4), (1, b, 1, 0.7), (1, a, 3, 0.2), (2, d, 3, None)]


def test_the_smallest_cumulative_influence_comes_first(
    store: Store, usable: dict[int, list[int]], tmp_path: Path
) -> None:
    path = write_graph_file(tmp_path / "graph.json", nodes_of(usable))
    (a, b, *_), (c, d, *_) = usable[1], usable[2]
    got = graph_latents(store, str(path), "layers.*.mlp")
    assert [(one.hookpoint, one.index, one.influence) for one in got] == [
        ("layers.1.mlp", a, 0.2),
        ("layers.2.mlp", c, 0.4),
        ("layers.1.mlp", b, 0.7),
        ("layers.2.mlp", d, None),
    ]
    assert graph_latents(store, f"{path}:top2", "layers.*.mlp") == got[:2]
    assert [one.index for one in graph_latents(store, f"{path}:top2", "layers.2")] == [c, d]
    assert candidate_latents(store.at("layers.1.mlp"), str(path), 0) == ([a, b], 2)
    packed = tmp_path / "graph.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert graph_latents(store, str(packed), "layers.*.mlp") == got


@pytest.mark.parametrize("text", ["0:100", "3,17", "sample:20", "all", None, [1, 2], "graph.jsonl"])
def test_other_selections_are_no_graphs(text: object) -> None:
    assert not is_graph(text)


@pytest.mark.parametrize(
    ("nodes", "cut", "hookpoint", "message"),
    [
        ([(1, 3, 0, 0.1), (3, 3, 0, 0.2), (3, 4, 0, 0.3), (0, 1, 0, 0.4)], "", "layers.*.mlp",
         r"no hookpoint like layers.\*.mlp for layers 0 \(1 latent\), 3 \(2 latents\); it has layers.1.mlp, "),
        ([(2, 3, 0, 0.1)], "", None, "layer 2 is at layers.2 and layers.2.mlp; say which is the graph's with a"),
        ([(1, 32, 0, 0.1)], "", None, "names latent 32 of layer 1, and layers.1.mlp has 32: the graph is of another"),
        ([(1, 3, 0, 0.1)], ":50", None, "'50' is not understood; give .*graph.json:top50"),
        ([(1, 3, 0, 0.1)], "", "layers.2", "the graph has no latent in the layer of layers.2"),
        ([(1, 3, 0, 0.1)], "", "layers.*.attn", r"no hookpoint 'layers.\*.attn' in .*; it has layers.1.mlp, layers.2"),
        ([], "", None, "none of its 3 nodes is a latent"),
    ],
)  # fmt: skip
def test_a_graph_that_does_not_fit(
    store: Store, tmp_path: Path, nodes: list[Node], cut: str, hookpoint: str | None, message: str
) -> None:
    path = write_graph_file(tmp_path / "graph.json", nodes)
    with pytest.raises(UserError, match=message) as refused:
        graph_latents(store, f"{path}{cut}", hookpoint)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "graph.json:1: not an attribution graph"),
        ('{"nodes": []}', "it needs `nodes` and `links`"),
        ('{"nodes": [{"id": 3}], "links": []}', "a node has no node_id"),
        (json.dumps(graph_of([(1, 3, 0, 0.1)])).replace('"1_3_0"', '"3-1"', 1), "not LAYER_INDEX_POSITION"),
        (json.dumps(graph_of([(1, 3, 0, 0.1)])).replace("1_3_0", f"1_{'9' * 5000}_0", 1), "not LAYER_INDEX_POSITION"),
        (json.dumps(graph_of([(1, 3, 0, 0.1)])).replace('"influence": 0.1', '"influence": "x"'), "not a number"),
        (json.dumps(graph_of([(1, 3, 0, 0.1)])).replace('"influence": 0.1', f'"influence": {10**400}'), "not a number"),
    ],
)
def test_what_is_no_graph(store: Store, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "graph.json").write_text(content)
    with pytest.raises(UserError, match=message):
        graph_latents(store, str(tmp_path / "graph.json"))
    with pytest.raises(UserError, match=r"none\.json: cannot be read"):
        graph_latents(store, str(tmp_path / "none.json"))


@pytest.mark.parametrize(
    "damaged", [b"\x1f\x8b", b"\x1f\x8b\x08\0" + b"\0" * 6 + b"no stream", gzip.compress(b"{}", mtime=0)[:-4]]
)
def test_a_damaged_compressed_graph_is_named(store: Store, tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "graph.json.gz").write_bytes(damaged)
    with pytest.raises(UserError, match=r"graph\.json\.gz: broken gzip"):
        graph_latents(store, str(tmp_path / "graph.json.gz"))


def test_a_graph_that_unpacks_to_too_much_is_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribution_graph, "_LARGEST", 1 << 20)
    (tmp_path / "graph.json.gz").write_bytes(gzip.compress(b" " * (3 << 20)))
    with pytest.raises(UserError, match=r"graph\.json\.gz: it unpacks to more than 1 MiB"):
        graph_latents(store, str(tmp_path / "graph.json.gz"))


def test_a_graph_is_looked_for_where_the_shell_was(
    store: Store, usable: dict[int, list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_graph_file(tmp_path / "graph.json", [(1, usable[1][0], 2, 0.9)])
    monkeypatch.setenv("PWD", str(tmp_path))  # Inspect runs a task file's code in the file's folder
    assert [one.index for one in graph_latents(store, "graph.json", "layers.1.mlp")] == usable[1][:1]


def test_an_evaluation_of_a_graph_labels_its_nodes(
    folder: Path, usable: dict[int, list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_graph_file(tmp_path / "graph.json", [*nodes_of(usable), (1, usable[1][2], 0, 0.95)])
    data = latent_dataset(folder, hookpoint="layers.*.mlp", latents=f"{path}:top3", min_contexts=5)
    assert data.hookpoint == "layers.1.mlp, layers.2.mlp"
    assert [(sample.metadata or {})["influence"] for sample in data.samples] == [0.2, 0.4, 0.7]
    task = detection(store=str(folder), hookpoint="layers.*.mlp", latents=f"{path}:top4", min_contexts=5)
    [log] = run_eval(task, model="inspect_autointerp/lexical", log_dir=str(tmp_path / "logs"), display="none")
    assert log.status == "success"
    read = read_eval_log(log.location)
    assert len(read.samples or []) == 4
    results = read_results(str(tmp_path / "logs"))
    rows = breakdown(results, "hookpoint")
    assert rows[["group", "n"]].values.tolist() == [["layers.1.mlp", 3], ["layers.2.mlp", 1]]
    done = export([log.location], "graph", tmp_path / "out" / "labelled.json", graph=str(path))
    assert done.written == 5  # one latent is at two positions
    assert done.notes == ("latents of the graph without an explanation, which keep their labels: 1",)
    old, new = (json.loads(place.read_text()) for place in (path, tmp_path / "out" / "labelled.json"))
    texts = {str(s.id): s.metadata["explanation"]["text"] for s in read.samples or []}
    (a, *_), (c, *_) = usable[1], usable[2]
    labels = {node["node_id"]: node.get("clerp") for node in new["nodes"]}
    assert labels[f"1_{a}_2"] == labels[f"1_{a}_3"] == " ".join(texts[f"layers.1.mlp/{a}"].split())
    assert labels[f"2_{c}_1"] == " ".join(texts[f"layers.2.mlp/{c}"].split())
    assert labels["5_9_3"] == 'Output " x" (p=0.500)'
    for node, before in zip(new["nodes"], old["nodes"], strict=True):
        assert {**node, "clerp": 0} == {**before, "clerp": 0}
    assert {**new, "nodes": 0} == {**old, "nodes": 0}
    with pytest.raises(UserError, match="go together"):
        export([log.location], "graph", tmp_path / "more.json")
    other = write_graph_file(tmp_path / "other.json", [(0, 1, 1, 0.5)])
    with pytest.raises(UserError, match="none of its nodes is one of the 4 latents explained"):
        export([log.location], "graph", tmp_path / "more.json", graph=str(other))
