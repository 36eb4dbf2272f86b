"""Commands, options and links that the documentation names exist, and the blocks that it marks as runnable run."""

import inspect
import re
from pathlib import Path

import pytest
import typer
import yaml
from tests.repository.documentation import DOCUMENTS, PAGES, ROOT, RUNNABLE, SCRIPTS, lines, names_in, read, tables
from tests.warm_commands import run_command

from inspect_autointerp import cli, tasks
from inspect_autointerp.contexts.negatives import HARD
from inspect_autointerp.experiments.stability.cli import stability
from inspect_autointerp.scorers.shared.specs import SCORES
from inspect_autointerp.solvers.explainers import EXPLAINERS

COMMANDS = typer.main.get_command(cli.app).commands  # pyright: ignore[reportAttributeAccessIssue]
TASKS = {name: getattr(tasks, name) for name in (*SCORES, "multi_score")}
INSPECT = r"\binspect (eval-set|eval-retry|eval|score|view bundle|view)\b"
BLOCKS = [(page, number) for page in DOCUMENTS for number in range(len(RUNNABLE.findall(read(page))))]


def flags(command: object) -> set[str]:
    return {flag for p in command.params for flag in (*p.opts, *p.secondary_opts)}  # pyright: ignore


def inspect_flags(name: str) -> set[str]:
    from inspect_ai._cli.main import inspect as group

    command = group
    for part in name.split():
        command = command.commands[part]  # pyright: ignore[reportAttributeAccessIssue]
    return flags(command)


@pytest.mark.parametrize("name", [*DOCUMENTS, *SCRIPTS])
def test_commands_and_their_options_exist(name: str) -> None:
    wrong = []
    for line in lines(name):
        for command, rest in re.findall(r"(?<![\w./-])autointerp ([a-z][a-z-]+)((?:(?!&&|\|\s|;).)*)", line):
            if command not in COMMANDS:
                wrong.append(f"autointerp {command}")
                continue
            known = flags(COMMANDS[command]) | {"--help"}
            if command == "study" and rest.startswith(" stability"):
                known |= flags(_stability())
            if command == "eval-sharded":
                known |= inspect_flags("eval")
            wrong += [f"autointerp {command} {flag}" for flag in _flags(rest) if flag not in known]
        for command, rest in re.findall(rf"{INSPECT}((?:(?!&&|\|\s|;).)*)", line):
            known = inspect_flags(command) | {"--help"}
            wrong += [f"inspect {command} {flag}" for flag in _flags(rest) if flag not in known]
    assert wrong == []


def _stability() -> object:
    app = typer.Typer()
    app.command()(stability)
    return typer.main.get_command(app)


def _flags(rest: str) -> list[str]:
    return re.findall(r"(?<=\s)(--[a-z][a-z-]+|-[A-Z])\b", rest)


@pytest.mark.parametrize("name", [*DOCUMENTS, *SCRIPTS])
def test_task_options_exist(name: str) -> None:
    parameters = {parameter for task in TASKS.values() for parameter in inspect.signature(task).parameters}
    parameters |= {"trust_remote_code", "min_letters"}  # an option, and that of the example in add-a-score
    named = {option for line in lines(name) for option in re.findall(r"-T ['\"]?([a-z_]+)=", line)}
    assert named - parameters == set()


@pytest.mark.parametrize("name", SCORES)
def test_score_page_states_arguments_and_defaults(name: str) -> None:
    parameters = inspect.signature(TASKS[name]).parameters
    seen = []
    for table in tables(f"docs/scores/{name}.md"):
        if table.head[:2] == ["`-T`", "default"]:
            for row in table.rows:
                options = names_in(row[0])
                seen += options
                assert set(options) <= set(parameters), row[0]
                values = [cell.strip("` ") for cell in row[1].split(",")]
                for option, value in zip(options, values * len(options) if len(values) == 1 else values, strict=True):
                    default = parameters[option].default
                    assert default is None or yaml.safe_load(value) == default, f"{option}: {default}"
    assert seen or name == "surprisal", "no table of arguments"


@pytest.mark.parametrize("name", SCORES)
def test_score_page_names_statistics_that_there_are(name: str) -> None:
    spec = SCORES[name]
    there = (
        set(spec.statistics((*HARD, "mismarked")))
        | {*spec.optional}
        | {f"{one}_KIND" for one in spec.by_kind}
        | {"tnr_KIND"}
    )
    found_names = [
        statistic
        for table in tables(f"docs/scores/{name}.md")
        if table.head[:2] == ["name", "meaning"]
        for row in table.rows
        for statistic in names_in(row[0])
        if not statistic.startswith("_")
    ]
    assert set(found_names) <= there
    assert name in ("fuzzing", "embedding") or spec.headline == found_names[0]


def test_overview_states_questions_and_chance() -> None:
    [table] = [table for table in tables("docs/scores/index.md") if table.head[0] == "score"]
    rows = {row[0].split("[")[1].split("]")[0]: row for row in table.rows}
    assert set(rows) == set(SCORES)
    for name, spec in SCORES.items():
        question, chance = rows[name][1], float(rows[name][3])
        assert spec.explained == (question == spec.question)
        assert spec.question in question
        assert chance == pytest.approx(spec.chance, abs=0.005)


def test_readme_states_headlines_and_chance() -> None:
    [table] = [table for table in tables("README.md") if table.head[0] == "`inspect eval …`"]
    rows = {names_in(row[0])[0]: row for row in table.rows}
    for name, spec in SCORES.items():
        if (
            f"tasks/{name}.py" not in rows
        ):  # the table has the paper's scores, and the text below it links to the others
            assert f"[`{name}`](docs/scores/{name}.md)" in read("README.md")
            continue
        label, chance = re.findall(r"(.+) \((.+)\)", rows[f"tasks/{name}.py"][2])[0]
        assert float(chance) == pytest.approx(spec.chance, abs=0.005)
        assert label in spec.labels[spec.headline] or label == "nats"


@pytest.mark.parametrize("name", EXPLAINERS)
def test_explainers_page_states_options_and_defaults(name: str) -> None:
    assert any(f"`{name}`" in row[0] for table in tables("docs/explainers.md") for row in table.rows)
    for table in tables("docs/explainers.md"):
        if table.heading == name and table.head[0] == "option":
            parameters = inspect.signature(EXPLAINERS[name]).parameters
            for row in table.rows:
                [option] = names_in(row[0])
                assert yaml.safe_load(row[1].strip("`")) == parameters[option].default, option


def test_shared_options_are_those_of_detection() -> None:
    [table] = [table for table in tables("docs/running.md") if table.head[0] == "`-T`"]
    named = [option for row in table.rows for option in names_in(row[0])]
    assert sorted(named) == sorted(inspect.signature(TASKS["detection"]).parameters)


@pytest.mark.parametrize("name", [*DOCUMENTS, "CHANGELOG.md"])
def test_links_lead_to_files_and_headings(name: str) -> None:
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", read(name), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://|mailto:", link):
            continue
        target, _, anchor = link.partition("#")
        file = (ROOT / name).parent / target if target else ROOT / name
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in _anchors(file)):
            broken.append(link)
    assert broken == []


def _anchors(file: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    words = [re.sub(r"[^\w\s-]", "", heading.lower()).strip() for heading in headings]
    return {re.sub(r"\s+", "-", heading) for heading in words}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_and_environment_variables_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))
    named = {target for line in lines(name) for target in re.findall(r"^make (?:[A-Z]+=\S+ )?([a-z-]+)", line)}
    assert named - targets == set()
    source = "".join(path.read_text("utf-8") for room in ("src", "prep") for path in (ROOT / room).rglob("*.py"))
    variables = set(re.findall(r"INSPECT_AUTOINTERP_[A-Z_]+", read(name)))
    assert {variable for variable in variables if variable not in source} == set()


def test_readme_is_short() -> None:
    text = read("README.md")
    assert len(text.splitlines()) <= 130
    assert len(text.split()) <= 1000


def test_site_and_llms_txt_list_every_page() -> None:
    def pages(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        parts = entry if isinstance(entry, list) else list(entry.values())  # pyright: ignore
        return [page for part in parts for page in pages(part)]

    there = sorted(page.removeprefix("docs/") for page in PAGES)
    nav = yaml.safe_load(read("mkdocs.yml"))["nav"]
    assert sorted(pages(nav)) == there
    assert sorted(re.findall(r"\]\(([^)]+)\)", read("docs/llms.txt"))) == there


def test_some_blocks_are_runnable() -> None:
    assert len(BLOCKS) >= 5


@pytest.mark.parametrize(("page", "number"), BLOCKS, ids=lambda part: str(part))
def test_runnable_block_runs(page: str, number: int, commands: dict[str, str], tmp_path: Path) -> None:
    language, block = RUNNABLE.findall(read(page))[number]
    command = ["python", "-c", block] if language == "python" else ["bash", "-euo", "pipefail", "-c", block]
    done = run_command(command, cwd=tmp_path, env=commands)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert done.stdout.strip()
