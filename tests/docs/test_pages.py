"""Each page's commands and Python run in order, in one folder for all pages: the quick ones, and slowly all of them."""
import pytest
import yaml

from quarl.build_flows.cli import main
from quarl.build_flows.study.read import read_study
from tests.docs.checkout import Checkout
from tests.docs.documents import blocks, pages
from tests.docs.listed import elsewhere, is_slow

STUDIES = [block for page in pages() for block in blocks(page) if block.kind == "yaml"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    checkout = Checkout(tmp_path_factory.mktemp("docs") / "quarl")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(checkout.folder)
        checkout.prepare()
    return checkout


@pytest.fixture
def checkout(shared, monkeypatch):
    monkeypatch.chdir(shared.folder)
    yield shared
    shared.stop()


def runs(page):
    return [block for block in blocks(page) if block.kind == "python" or (
        block.kind == "shell" and any(command not in elsewhere() for command in block.commands))]


def has_slow(page):
    return any(is_slow(command) for block in blocks(page) if block.kind == "shell" for command in block.commands)


@pytest.mark.parametrize("page", filter(runs, pages()))
def test_page(checkout, page):
    checkout.play(page, slow=False)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("page", filter(has_slow, pages()))
def test_the_whole_page(checkout, page):
    checkout.play(page, slow=True)


@pytest.fixture(params=STUDIES, ids=lambda block: f"{block.page}:{block.line}")
def study(request, tmp_path):
    """A study of a page, saved as the page says."""
    path = tmp_path / f"{yaml.safe_load(request.param.text)['name']}.yaml"
    path.write_text(request.param.text)
    return path


def test_a_study_is_one(study, capsys):
    points = read_study(study).points("core")
    assert points and main(["study", str(study), "--dry-run"]) == 0
    assert f"{len(points)} of {len(points)} points to do" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_study_runs(study, monkeypatch):
    monkeypatch.chdir(study.parent)
    assert main(["study", study.name]) == 0
    assert (study.parent / "results" / study.stem / "table.md").is_file()
