"""What a session with FINN leaves of the process that it runs in: everything, as it was."""
import contextlib
import logging
import os
import random
import sys
import tempfile
import warnings

import numpy as np
import pytest

from quarl.build_flows.lowering import session
from quarl.build_flows.lowering.session import finn_session
from quarl.host.errors import UserError


def state():
    import finn.util.settings as settings
    import finn.xsi as xsi
    levels = {name: (logger.level, list(logger.handlers)) for name, logger in logging.root.manager.loggerDict.items()
              if isinstance(logger, logging.Logger)}
    return {"environment": dict(os.environ), "folder": os.getcwd(), "disabled": logging.root.manager.disable,
            "levels": levels, "root": (logging.root.level, list(logging.root.handlers)),
            "filters": list(warnings.filters), "path": list(sys.path), "output": sys.stdout,
            "random": (random.getstate(), np.random.get_state()[1].tolist()),
            "settings": settings._SETTINGS, "hooks": {name for name in xsi._LAZY_NAMES if name in vars(xsi)}}


@pytest.fixture(params=[logging.NOTSET, logging.ERROR])
def disabled(request):
    logging.disable(request.param)
    yield request.param
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", ["a b", "it's", "x&y", "$HOME"])
def test_finn_works_where_a_shell_takes_the_name_as_it_is(tmp_path, monkeypatch, name):
    (tmp_path / name).mkdir()
    (tmp_path / "plain").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
    monkeypatch.setattr(session, "_PLACES", ("/nowhere", str(tmp_path / "plain")))
    with session.finn_folder() as folder:
        assert folder.parent == tmp_path / "plain"
    assert not folder.exists()
    monkeypatch.setattr(session, "_PLACES", ("/nowhere",))
    with pytest.raises(UserError, match=r"FINN needs a temporary folder .* Fix: set TMPDIR to another one"), \
            session.finn_folder():
        pass
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "plain"))
    with session.finn_folder() as folder:
        assert folder.parent == tmp_path / "plain"


@pytest.mark.parametrize("error", [None, UserError("a rule", "a value", "a fix"), KeyboardInterrupt()])
def test_the_process_is_as_before(tmp_path, monkeypatch, disabled, error):
    monkeypatch.setenv("FINN_BUILD_DIR", "of the caller")
    with finn_session(tmp_path / "first"):                     # imports of FINN may leave what they like, once
        pass
    before = state()
    with contextlib.suppress(UserError, KeyboardInterrupt), finn_session(tmp_path / "second"):
        inside = state()
        print("FINN's words")
        os.environ["LEFT"] = "by FINN"
        random.seed(1)
        np.random.seed(1)
        warnings.simplefilter("error")
        if error is not None:
            raise error
    assert state() == before
    assert inside["environment"]["FINN_BUILD_DIR"] == str(tmp_path / "second")
    assert inside["disabled"] == max(disabled, logging.WARNING)
    assert all(inside[name] != before[name] for name in ("settings", "output", "filters"))
    assert (tmp_path / "second" / "finn.log").read_text() == "FINN's words\n"
