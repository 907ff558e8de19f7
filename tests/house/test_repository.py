"""The repository keeps its own promises: words, maps, locks and links."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "overround"
LONGEST_FILE_LINES = 500

# Spelled apart, so that this file does not name them either.
REGISTRY_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "ana" + "conda.org",
    "registry.np" + "mjs.org",
    "proxy.golang" + ".org",
    "deb.debian" + ".org",
)

VAGUE_NAMES = {"utils", "helpers", "common", "misc", "manager"}

TERMS = """
account, banker, best odds guaranteed, book, cell, checkpoint, clearing, command, competition,
conflation, cool-off, dead heat, delta, each-way, edge, epoch, event, exposure, factor, feed, fencing,
fold, follower, gateway, half lost, half won, hold, hold percentage, idempotency key, image, in-play
delay, journal, lease, leg, liability, line, line of a bet, loosening, market, market version, minor
unit, odds-change policy, open stakes, overround, payout, price, profit, projection, push, refusal,
resettlement, returns, role, rollback, room, Rule 4, selection, self-exclusion, sequence, settlement,
snapshot, specifier, sport, stake, starting price, sum-to-zero, suspension, system, ticket, tightening,
trading profit, transfer, turnover, void, waiting period, worker
"""


def tracked_files() -> list[Path]:
    """Every file of the repository, also those about to be added."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def documents() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".md"]


def source_files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_names_a_package_registry() -> None:
    found = [
        f"{name_of(path)}: {host}"
        for path in tracked_files()
        for host in REGISTRY_HOSTS
        if host.encode() in path.read_bytes()
    ]
    assert not found


def test_locks_carry_a_hash_for_every_package_and_no_address() -> None:
    for lock in ("run.txt", "dev.txt"):
        text = (ROOT / "requirements" / lock).read_text()
        packages = re.split(r"^(?=[a-z0-9][\w.-]*==)", text, flags=re.MULTILINE)[1:]
        assert packages
        assert all("--hash=sha256:" in package for package in packages)
        assert "://" not in text
        assert "index-url" not in text


def direct_dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return sorted({re.split(r"[\[<>=~! ;]", line, maxsplit=1)[0] for group in groups for line in group})


@pytest.mark.parametrize("dependency", direct_dependencies())
def test_every_dependency_has_its_reason(dependency: str) -> None:
    rows = re.findall(r"^\| `(\S+)` \| (.+?) \| (.+?) \|$", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
    reasons = {name: (licence, reason) for name, licence, reason in rows}
    assert dependency in reasons
    licence, reason = reasons[dependency]
    assert licence
    assert reason.endswith(".")


def test_dependencies_that_left_are_forgotten() -> None:
    named = re.findall(r"^\| `(\S+)` \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
    assert sorted(named) == direct_dependencies()


def test_every_source_folder_is_on_the_map() -> None:
    named = set(re.findall(r"`([\w/]+)/`", (ROOT / "ARCHITECTURE.md").read_text()))
    folders = {path.parent.relative_to(SOURCE).as_posix() for path in source_files()} - {"."}
    assert sorted(folders - named) == []


def glossary_entries() -> list[str]:
    text = (ROOT / "docs/glossary.md").read_text()
    return re.findall(r"^\*\*(.+?)\*\*", text, re.MULTILINE)


def test_the_glossary_has_every_term_once() -> None:
    entries = glossary_entries()
    assert len(entries) == len(set(entries))
    wanted = {" ".join(term.split()) for term in TERMS.split(",")}
    assert sorted(wanted - set(entries)) == []


def test_decisions_are_numbered_densely_and_fit_a_page() -> None:
    records = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    numbers = [int(record.name[:4]) for record in records]
    assert numbers == list(range(1, len(records) + 1))
    for record in records:
        lines = record.read_text().splitlines()
        assert lines[0].startswith(f"# {record.name[:4]} ")
        assert len(lines) <= 50, f"{record.name} is longer than a page"


def heading_anchors(document: Path) -> set[str]:
    """The anchors that a Markdown page's headings have on the usual hosts."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(document: Path) -> list[str]:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        page = (document.parent / path).resolve() if path else document
        missing = not page.exists()
        if missing or (anchor and page.suffix == ".md" and anchor not in heading_anchors(page)):
            broken.append(f"{name_of(document)}: {target}")
    return broken


def test_links_in_documents_lead_somewhere() -> None:
    assert [link for document in documents() for link in broken_links(document)] == []


def test_every_room_fits_a_reader() -> None:
    long = [name_of(path) for path in source_files() if path.read_text().count("\n") > LONGEST_FILE_LINES]
    assert long == []


def test_no_file_is_named_for_nothing() -> None:
    assert [name_of(path) for path in tracked_files() if path.stem in VAGUE_NAMES] == []


def test_every_source_file_says_what_it_owns() -> None:
    silent = [name_of(path) for path in source_files() if not path.read_text().startswith(('"""', 'r"""'))]
    assert silent == []
