"""From FINN's layers to an emulator, by FINN's own transformations and our stitcher."""
import contextlib

from quarl.build_flows.building import parity
from quarl.build_flows.lowering import describe_nodes
from quarl.host.devices.emulator import Emulator
from quarl.hw.boards import board
from quarl.hw.emulation.emulator import build_emulator
from quarl.hw.shell.shell import write_shell
from quarl.hw.stitching.stitch import stitch

BOARD = board("pynq-z2")
STALLS = ((0.0, 0.0), *parity.STALLS)


@contextlib.contextmanager
def emulated(model, geometry, folder):
    """An emulator of a model whose code is generated."""
    stitch(describe_nodes.describe(model), folder / "rtl")
    write_shell(geometry, 1, folder / "rtl")
    emulator = Emulator(build_emulator(folder / "rtl", geometry, folder), folder / "rtl")
    try:
        yield emulator
    finally:
        emulator.close()


def operations(model):
    from qonnx.custom_op.registry import getCustomOp
    return [getCustomOp(node) for node in model.graph.node]


def generated(model):
    """FINN's own transformations from specialised layers to RTL."""
    from finn.transformation.fpgadataflow.insert_dwc import InsertDWC
    from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
    from finn.transformation.fpgadataflow.replace_verilog_relpaths import ReplaceVerilogRelPaths
    from finn.transformation.fpgadataflow.specialize_layers import SpecializeLayers
    from qonnx.transformation.general import GiveUniqueNodeNames
    model = model.transform(InsertDWC())
    for operation in operations(model):
        operation.set_nodeattr("preferred_impl_style", "rtl")
    for transformation in (SpecializeLayers(BOARD.part), GiveUniqueNodeNames(), PrepareIP(BOARD.part, 10.0),
                           ReplaceVerilogRelPaths()):
        model = model.transform(transformation)
    return model
