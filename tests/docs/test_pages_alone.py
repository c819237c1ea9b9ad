"""Pages that make their own runs: all of each runs in order, in an empty folder, as for a user who begins with it."""
import pytest

from tests.docs.checkout import Checkout
from tests.docs.documents import pages
from tests.docs.listed import listed


@pytest.mark.parametrize("page", [page for page in pages() if page in listed()["alone"]])
def test_page(tmp_path, monkeypatch, page):
    checkout = Checkout(tmp_path / "quarl")
    monkeypatch.chdir(checkout.folder)
    try:
        checkout.play(page, slow=True)
    finally:
        checkout.stop()
