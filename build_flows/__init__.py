"""From a policy package to verified hardware: lowering, folding, flows, reports and the ``quarl`` command."""
