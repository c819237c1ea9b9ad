"""A run's policy package, written once and again when the training has changed."""
from __future__ import annotations

import json
from pathlib import Path

from quarl.host import policy as package
from quarl.host.errors import UserError
from quarl.host.policy import Policy


def ensure_package(run: Path, renew: bool = False) -> Policy:
    """The policy package of ``run``, exported first if there is none (or if ``renew``).

    Raises :class:`UserError` for a run without a finished training and for a broken package.
    """
    if renew or not (run / "policy").exists():
        from quarl.models.export.package import export_run
        export_run(run)
    policy = package.read(run / "policy")
    trained = run / "train" / "result.json"
    if trained.exists() and json.loads(trained.read_text()) != policy.provenance.get("result"):
        raise UserError("the policy package must come from this run's training", run / "policy",
                        "export it again with `quarl export %s`" % run)
    return policy
