"""Low-bit reinforcement-learning policies, trained, proved bit for bit down to RTL, and run on FPGAs.

    import quarl
    quarl.train("CartPole-v1", "runs/x", bits=quarl.Bits(4, 4, 8))
    quarl.build("runs/x", quarl.Options(target="synth"))
    with quarl.open_device("runs/x") as device:
        action, reply = device.act(observation)

``help(quarl.train)`` and so on explain the functions, ``docs/api.md`` shows them at work. A name is loaded when it is
first used. The functions do what the commands of the ``quarl`` command line do, print only with ``verbose=True``, and
leave the process as they found it: threads, random numbers, warnings, logging, signals, working directory, environment.
What begins with an underscore or is not in ``__all__`` may change without notice.
"""
import importlib
from typing import TYPE_CHECKING, Any, List

__version__ = "0.1.0"
__all__ = ["Bits", "Built", "Device", "Log", "MismatchError", "Options", "Policy", "Predictor", "Quantised", "Reply",
           "Run", "Settings", "Style", "ToolError", "Trained", "UserError", "build", "evaluate", "export",
           "open_device", "play", "ptq", "read_policy", "read_run", "train", "write_report"]

_WHERE = {
    "Bits": "quarl.models.actors.bits",
    "Built": "quarl.build_flows.api.building",
    "Device": "quarl.host.devices.interface",
    "Log": "quarl.build_flows.report.inputs",
    "MismatchError": "quarl.host.errors",
    "Options": "quarl.build_flows.building.options",
    "Policy": "quarl.host.policy.program",
    "Predictor": "quarl.host.loop.predictor",
    "Quantised": "quarl.build_flows.api.training",
    "Reply": "quarl.host.devices.interface",
    "Run": "quarl.build_flows.report.inputs",
    "Settings": "quarl.host.loop.settings",
    "Style": "quarl.hw.engines.mvtu.design",
    "ToolError": "quarl.host.errors",
    "Trained": "quarl.build_flows.api.training",
    "UserError": "quarl.host.errors",
    "build": "quarl.build_flows.api.building",
    "evaluate": "quarl.build_flows.api.playing",
    "export": "quarl.build_flows.api.building",
    "open_device": "quarl.build_flows.api.playing",
    "play": "quarl.build_flows.api.playing",
    "ptq": "quarl.build_flows.api.training",
    "read_policy": "quarl.host.policy.package",
    "read_run": "quarl.build_flows.report.inputs",
    "train": "quarl.build_flows.api.training",
    "write_report": "quarl.build_flows.report.page",
}

if TYPE_CHECKING:
    from quarl.build_flows.api.building import Built, build, export
    from quarl.build_flows.api.playing import evaluate, open_device, play
    from quarl.build_flows.api.training import Quantised, Trained, ptq, train
    from quarl.build_flows.building.options import Options
    from quarl.build_flows.report.inputs import Log, Run, read_run
    from quarl.build_flows.report.page import write_report
    from quarl.host.devices.interface import Device, Reply
    from quarl.host.errors import MismatchError, ToolError, UserError
    from quarl.host.loop.predictor import Predictor
    from quarl.host.loop.settings import Settings
    from quarl.host.policy.package import read_policy
    from quarl.host.policy.program import Policy
    from quarl.hw.engines.mvtu.design import Style
    from quarl.models.actors.bits import Bits
else:
    def __getattr__(name: str) -> Any:
        """Load ``name``. Raises ``ToolError`` where a package that it needs is not installed, as on a board."""
        if name not in _WHERE:
            raise AttributeError("module %r has no attribute %r" % (__name__, name))
        try:
            value = getattr(importlib.import_module(_WHERE[name]), name)
        except ModuleNotFoundError as error:
            from quarl.host.errors import missing_package
            raise missing_package("quarl." + name, error) from error
        globals()[name] = value
        return value


def __dir__() -> List[str]:
    return ["__version__", *__all__]
