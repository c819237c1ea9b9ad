"""FINN, set up to run inside our process: its build folder, its RTL library (our patched copy), its silence."""
from __future__ import annotations

import contextlib
import io
import logging
import os
import random
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from quarl.host.errors import UserError
from quarl.host.files import explained, scratch_folder
from quarl.hw.engines.finn.library import patched_library

_PLACES = ("/tmp", "/var/tmp", "/dev/shm")
_PLAIN = re.compile(r"[\w./+@%:,=-]+")


@contextlib.contextmanager
def finn_folder() -> Iterator[Path]:
    """A folder for FINN to build in as long as the block runs: in ``TMPDIR``, or where FINN's scripts, which do not
    quote it, could not name that, in another usual place. Raises :class:`UserError` where there is none.
    """
    usual = tempfile.gettempdir()
    able = [place for place in (usual, *_PLACES) if _PLAIN.fullmatch(place) and os.access(place, os.W_OK | os.X_OK)]
    if not able:
        raise UserError("FINN needs a temporary folder whose name has no space and nothing else that a shell reads",
                        usual, "set TMPDIR to another one")
    with scratch_folder("finn", able[0]) as folder:
        yield folder


@contextlib.contextmanager
def finn_session(build: Path) -> Iterator[None]:
    """Point FINN at ``build`` (its generated code goes there) and at the patched RTL library, and keep it quiet.

    What FINN prints goes to ``build/finn.log``. The process is as before afterwards: its environment, what it logs
    and warns of, its random numbers, and FINN's own settings.
    """
    library = patched_library()
    with explained(build):
        build.mkdir(parents=True, exist_ok=True)
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), warnings.catch_warnings(), _logging_disabled(), _state_kept(), \
                contextlib.ExitStack() as stack:
            warnings.simplefilter("ignore")
            # Two uses in FINN read the library's place from the environment, the others from its settings.
            os.environ.update(FINN_BUILD_DIR=str(build), FINN_RTLLIB=str(library), NUM_DEFAULT_WORKERS="1")
            _initialise(build, library, stack)
            yield
    finally:
        with contextlib.suppress(OSError):            # the log is a convenience; what matters was raised before
            (build / "finn.log").write_text(output.getvalue())


@contextlib.contextmanager
def _logging_disabled() -> Iterator[None]:
    """Warnings and less are not logged."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _state_kept() -> Iterator[None]:
    """The environment, and the random numbers, which FINN draws names from, are as before afterwards."""
    environment, python, numpy = dict(os.environ), random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        random.setstate(python)
        np.random.set_state(numpy)


def _initialise(build: Path, library: Path, stack: contextlib.ExitStack) -> None:
    """Set FINN up; ``stack`` takes it back."""
    import finn.util.settings as settings
    from finn.interface.settings import FINNSettings

    stack.callback(setattr, settings, "_SETTINGS", settings._SETTINGS)
    settings._SETTINGS = FINNSettings.init(override_settings_path=build / "settings.yaml",
                                           flow_config=build / "flow.yaml", auto_set_environment_vars=True,
                                           finn_build_dir=str(build), finn_rtllib=str(library))
    import finn.xsi as xsi
    # The steps import these simulator hooks by name; without Vivado they do not exist, and we never call them.
    for name in xsi._LAZY_NAMES:
        if name not in vars(xsi):
            setattr(xsi, name, None)
            stack.callback(delattr, xsi, name)
