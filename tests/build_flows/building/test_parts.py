"""Names of the design: which layer an instance belongs to, by our hierarchy, FINN's nodes, or FINN+'s Zynq design."""
import pytest

from quarl.build_flows.building import parts

UNIT = "accel_i.MVTU_rtl_1_i.MVTU_rtl_1_i.unit"


@pytest.mark.parametrize(("instance", "names"), [
    (f"{UNIT}.genTables.genPE[17].dot_i.sum_i.genChain[6].genLink[0]", ("layer 1", "dot.sum", 17)),
    (f"{UNIT}.genWeights[0].rom_i", ("layer 1", "rom", 0)),
    (f"{UNIT}.queue_i.queue.0", ("layer 1", "queue", None)),
    (UNIT, ("layer 1", "mvtu", None)),
    ("accel_i.MVAU_rtl_0_i.MVAU_rtl_0_i.inst", ("layer 0", "mvau", None)),
    ("accel_i.StreamingFIFO_rtl_2_i.fifo_i", ("streams", "fifo", None)),
    ("accel_i.StreamingFIFO_rtl_2_i", ("streams", "StreamingFIFO_rtl_2", None)),
    ("bridge_i.port_i", ("bridge", "port", None)),
    ("bridge_i", ("bridge", "axil_bridge", None)),
    ("", ("shell", "quarl_shell", None))])
def test_names_of_the_design(instance, names):
    assert parts.named(instance) == names


@pytest.mark.parametrize(("instance", "group"), [
    ("instrumentation_wrap_0", "bridge"), ("StreamingDataflowPartition_0_MVTU_rtl_1", "layer 1"),
    ("StreamingDataflowPartition_1_Thresholding_rtl_0", "layer 0"),
    ("StreamingDataflowPartition_0_StreamingFIFO_rtl_3", "streams"),
    ("StreamingDataflowPartition_0", None), ("StreamingDataflowPartition_0_i", None), ("axi_gpio_0", None)])
def test_instances_belong_to_layers(instance, group):
    assert parts.group_in_zynq(instance) == group


@pytest.mark.parametrize(("node", "group"), [
    ("MVTU_rtl_0", "layer 0"), ("MVAU_rtl_12", "layer 12"), ("Thresholding_rtl_1", "layer 1"), ("bridge", "bridge"),
    ("StreamingFIFO_rtl_1", "streams"), ("StreamingDataWidthConverter_rtl_0", "streams")])
def test_nodes_belong_to_layers(node, group):
    assert parts.group_of(node) == group
