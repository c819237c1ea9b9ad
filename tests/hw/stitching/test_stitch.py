"""Stitching: block-design commands, copied sources, wrappers, and everything that can be wrong with them."""
from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from quarl.host.errors import ToolError
from quarl.hw.stitching.block_design import BlockDesign
from quarl.hw.stitching.nodes import Node, Port
from quarl.hw.stitching.stitch import stitch
from tests.hw.helpers import BIAS, RTL, hexadecimal, nodes


@pytest.fixture
def pipeline(tmp_path: Path) -> list[Node]:
    return nodes(tmp_path / "generated")


def test_the_netlist(pipeline: list[Node], tmp_path: Path) -> None:
    netlist = stitch(pipeline, tmp_path / "out")
    assert (netlist.top, netlist.in_width, netlist.out_width) == ("accel", 24, 16)
    assert netlist.instances == {"bias": ["add_bias"], "total": ["lane_sum", "weight_stream"]}
    assert [file.name for file in netlist.files] == [
        "add_bias.v", "lane_sum.v", "stream_monitor.sv", "weight_stream.sv", "accel.sv"]
    top = netlist.files[-1].read_text()
    for line in ("module accel_bias (", "module accel_total (", "module accel (", ".s_axilite_AWVALID('0)",
                 ".s_axilite_AWREADY()", ".ap_clk2x(ap_clk)", "accel_total total_i ("):
        assert line in top


def test_the_folder_can_be_moved(pipeline: list[Node], tmp_path: Path) -> None:
    """No path is left in a source, and every image has a name of its own."""
    out = tmp_path / "out"
    stitch(pipeline, out)
    assert (out / "bias_memblock.dat").read_text() == hexadecimal(BIAS, 8)
    assert (out / "total_weights.dat").exists()
    assert '"bias_memblock.dat"' in (out / "add_bias.v").read_text()
    assert 'PREFIX = "total_"' in (out / "weight_stream.sv").read_text()
    assert not any(str(tmp_path) in file.read_text() for file in out.iterdir())


def test_paths_with_spaces(tmp_path: Path) -> None:
    """As the folder test, from a folder with spaces and brackets: no path is left, whether of a file or a prefix."""
    stitch(nodes(tmp_path / "my home [1]"), tmp_path / "out")
    stitch(nodes(tmp_path / "home"), tmp_path / "same")
    for file in (tmp_path / "same").iterdir():
        assert (tmp_path / "out" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("options", ["", "-norecurse ", "-copy_to ./ip/rtl_ops/node -norecurse "])
def test_a_file_to_add_may_have_spaces(options: str) -> None:
    commands = [f"add_files {options}/my home [1]/a.v", f"add_files {options}/my home [1]/a.v",
                "create_bd_cell -type module -reference a node"]
    assert BlockDesign.from_commands(Node("node", commands, [], [])).files == ["/my home [1]/a.v"]


@pytest.mark.parametrize("text", ["100%% of it, and/or more", "a / b", "/ slash", "no/such folder/x", "%m.dat",
                                  "/no such folder/message"])
def test_a_message_is_no_path(pipeline: list[Node], tmp_path: Path, text: str) -> None:
    source = tmp_path / "generated" / "total" / "lane_sum.v"
    source.write_text(source.read_text() + f'module other; localparam TEXT = "{text}"; endmodule\n')
    stitch(pipeline, tmp_path / "out")
    assert f'"{text}"' in (tmp_path / "out" / "lane_sum.v").read_text()


def test_two_nodes_with_images_of_one_name(tmp_path: Path) -> None:
    """Each gets its own, under the node's name."""
    one = nodes(tmp_path / "a")[0]
    place = tmp_path / "b"
    place.mkdir()
    (place / "memblock.dat").write_text("7\n")
    (place / "add_more.v").write_text((RTL / "add_bias.v").read_text().replace("add_bias", "add_more")
                                      .replace("BIAS_FILE", "./memblock.dat"))
    two = Node("more", [f"add_files -norecurse {place}/add_more.v",
                        "create_bd_cell -type module -reference add_more more"], one.inputs, one.outputs)
    stitch([one, two], tmp_path / "out")
    assert (tmp_path / "out" / "more_memblock.dat").read_text() == "7\n"
    assert '"more_memblock.dat"' in (tmp_path / "out" / "add_more.v").read_text()


def test_another_engine_takes_a_file_s_place(pipeline: list[Node], tmp_path: Path) -> None:
    other = tmp_path / "other.v"
    other.write_text((RTL / "lane_sum.v").read_text() + "// mine\n")
    netlist = stitch(pipeline, tmp_path / "out", replace={"lane_sum.v": other})
    assert "other.v" in [file.name for file in netlist.files]
    assert "lane_sum.v" not in [file.name for file in netlist.files]


def test_packages_come_first(pipeline: list[Node], tmp_path: Path) -> None:
    package = tmp_path / "some_pkg.sv"
    package.write_text("package some_pkg; endpackage\n")
    last = dataclasses.replace(pipeline[1], commands=[*pipeline[1].commands, f"add_files -norecurse {package}"])
    assert stitch([pipeline[0], last], tmp_path / "out").files[0].name == "some_pkg.sv"


@pytest.mark.parametrize(("change", "message"), [
    ({"commands": ["launch_missiles now"]}, "'launch_missiles now' of total"),
    ({"commands": ["connect_bd_net [get_bd_pins a] [get_bd_ports b]"]}, "understand every block-design command"),
    ({"commands": ["save_bd_design"]}, "must create a cell, found none in total"),
    ({"commands": ["add_files -norecurse /no/such.v", "create_bd_cell -type module -reference x total"]},
     "/no/such.v .No such file or directory. of total"),
    ({"commands": ["create_bd_cell -type module -reference x total"]}, "module must be in the node's files, found x"),
    ({"inputs": [Port("in0_V", 32)]}, "bias with 24 and total with 32 bits"),
    ({"inputs": []}, "one stream among its inputs, found 0 at total"),
    ({"outputs": [Port("out0_V", 8)]}, "one width, found 16 and 8 bits"),
    ({"outputs": [Port("out1_V", 16)]}, "streams of total must lead to a cell, found m_axis_tdata")])
def test_what_is_wrong_is_named(pipeline: list[Node], tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(ToolError, match=message):
        stitch([pipeline[0], dataclasses.replace(pipeline[1], **change)], tmp_path / "out")  # type: ignore[arg-type]


def test_nothing_to_stitch(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="must have a node"):
        stitch([], tmp_path)


@pytest.mark.parametrize("name", ["memblock.dat", "add_bias.v"])
def test_a_missing_file(pipeline: list[Node], tmp_path: Path, name: str) -> None:
    (tmp_path / "generated" / "bias" / name).unlink()
    with pytest.raises(ToolError, match=f"every file that a node names must exist.*{name}"):
        stitch(pipeline, tmp_path / "out")


def test_a_prefix_without_images(pipeline: list[Node], tmp_path: Path) -> None:
    (tmp_path / "generated" / "total" / "total_weights.dat").unlink()
    with pytest.raises(ToolError, match=r"must lead to memory images.*total_"):
        stitch(pipeline, tmp_path / "out")


def test_two_sources_of_one_name(pipeline: list[Node], tmp_path: Path) -> None:
    clash = tmp_path / "lane_sum.v"
    clash.write_text("module different; endmodule\n")
    first = dataclasses.replace(pipeline[0], commands=[*pipeline[0].commands, f"add_files -norecurse {clash}"])
    with pytest.raises(ToolError, match=r"two different lane_sum\.v"):
        stitch([first, pipeline[1]], tmp_path / "out")
