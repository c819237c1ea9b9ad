"""FINN, set up to run inside our process: its build folder, its RTL library (our patched copy), its silence."""
from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from quarl.host.files import explained
from quarl.hw.engines.finn.library import patched_library


@contextlib.contextmanager
def finn_session(build: Path) -> Iterator[None]:
    """Point FINN at ``build`` (its generated code goes there) and at the patched RTL library, and keep it quiet.

    What FINN prints goes to ``build/finn.log``. The environment is as before afterwards.
    """
    library = patched_library()
    with explained(build):
        build.mkdir(parents=True, exist_ok=True)
    saved = dict(os.environ)
    # Two uses in FINN read the library's place from the environment, the others from its settings.
    os.environ.update(FINN_BUILD_DIR=str(build), FINN_RTLLIB=str(library), NUM_DEFAULT_WORKERS="1")
    output = io.StringIO()
    try:
        logging.disable(logging.WARNING)
        with contextlib.redirect_stdout(output), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _initialise(build, library)
            yield
    finally:
        logging.disable(logging.NOTSET)
        os.environ.clear()
        os.environ.update(saved)
        with contextlib.suppress(OSError):            # the log is a convenience; what matters was raised before
            (build / "finn.log").write_text(output.getvalue())


def _initialise(build: Path, library: Path) -> None:
    import finn.util.settings as settings
    from finn.interface.settings import FINNSettings

    settings._SETTINGS = FINNSettings.init(override_settings_path=build / "settings.yaml",
                                           flow_config=build / "flow.yaml", auto_set_environment_vars=True,
                                           finn_build_dir=str(build), finn_rtllib=str(library))
    import finn.xsi as xsi
    # The steps import these simulator hooks by name; without Vivado they do not exist, and we never call them.
    for name in xsi._LAZY_NAMES:
        if name not in vars(xsi):
            setattr(xsi, name, None)
