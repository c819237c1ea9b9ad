"""The unit behind FINN's sliding window: a convolution, held to its definition."""
import dataclasses

import numpy as np
import pytest

from quarl.build_flows.lowering.session import finn_session
from quarl.host.accelerator.geometry import Geometry, Stream
from tests.build_flows.lowering.mvtu_node.rom_engine_helpers import STALLS, emulated, generated, operations


@dataclasses.dataclass
class Convolution:
    """A 3x3 convolution of a 6x6x2 image with four output channels, and its thresholds."""

    stride: int
    weights: np.ndarray       # [out, in, height, width]
    thresholds: np.ndarray    # [out, 15]

    @property
    def size(self) -> int:
        return 3 // self.stride + 1

    def __call__(self, images):
        """Codes [N, size, size, 4] of images [N, 6, 6, 2], by the definition of a convolution."""
        codes = np.empty((len(images), self.size, self.size, 4), int)
        for row, column in np.ndindex(self.size, self.size):
            window = images[:, row * self.stride:, column * self.stride:][:, :3, :3]
            sums = np.einsum("nhwc,ochw->no", window, self.weights)
            codes[:, row, column] = (sums[:, :, None] >= self.thresholds).sum(axis=2)
        return codes

    def lowered(self, window_simd, simd, pe):
        """FINN's layers: a sliding window, a matrix-vector unit, thresholding."""
        import onnx.helper as oh
        from qonnx.core.datatype import DataType
        from qonnx.core.modelwrapper import ModelWrapper
        from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul
        n, kind = self.size, {"domain": "finn.custom_op.fpgadataflow.rtl", "backend": "fpgadataflow"}
        float_convolution = ModelWrapper(oh.make_model(oh.make_graph(
            [oh.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3], strides=[self.stride] * 2, pads=[0] * 4,
                          group=1, dilations=[1, 1])], "convolution", [oh.make_tensor_value_info("x", 1, [1, 2, 6, 6])],
            [oh.make_tensor_value_info("y", 1, [1, 4, n, n])])))
        float_convolution.set_initializer("w", self.weights.astype(np.float32))
        model = ModelWrapper(oh.make_model(oh.make_graph([
            oh.make_node("ConvolutionInputGenerator_rtl", ["x"], ["windows"], ConvKernelDim=[3, 3], IFMChannels=2,
                         IFMDim=[6, 6], OFMDim=[n, n], SIMD=window_simd, Stride=[self.stride] * 2, Dilation=[1, 1],
                         inputDataType="UINT4", outputDataType="UINT4", **kind),
            oh.make_node("MVAU_rtl", ["windows", "w"], ["sums"], MW=18, MH=4, SIMD=simd, PE=pe, inputDataType="UINT4",
                         weightDataType="INT4", accDataType="INT13", outputDataType="INT13", noActivation=1,
                         numInputVectors=[1, n, n], **kind),
            oh.make_node("Thresholding_rtl", ["sums", "t"], ["codes"], NumChannels=4, PE=pe, numSteps=15,
                         inputDataType="INT13", weightDataType="INT13", outputDataType="UINT4",
                         numInputVectors=[1, n, n], **kind)],
            "lowered", [oh.make_tensor_value_info("x", 1, [1, 6, 6, 2])],
            [oh.make_tensor_value_info("codes", 1, [1, n, n, 4])])))
        for name, shape in (("windows", [1, n, n, 18]), ("sums", [1, n, n, 4])):
            model.set_tensor_shape(name, shape)
        model.set_tensor_datatype("x", DataType["UINT4"])
        model.set_initializer("w", float_convolution.transform(LowerConvsToMatMul()).get_initializer("w"))
        model.set_initializer("t", self.thresholds.astype(np.float32))
        return model


@pytest.mark.parametrize(("stride", "window_simd", "simd", "pe", "layers"), [
    (1, 2, 6, 2, ["ConvolutionInputGenerator_rtl", "MVTU_rtl"]),
    (2, 1, 9, 4, ["ConvolutionInputGenerator_rtl", "MVTU_rtl"]),
    (1, 2, 9, 4, ["ConvolutionInputGenerator_rtl", "StreamingDataWidthConverter_rtl", "MVTU_rtl"])])
def test_a_convolution(stride, window_simd, simd, pe, layers, tmp_path):
    rng = np.random.default_rng(stride)
    convolution = Convolution(stride, rng.integers(-8, 8, (4, 2, 3, 3)), np.sort(rng.integers(-60, 60, (4, 15))))
    images = rng.integers(0, 16, (20, 6, 6, 2))
    expected = convolution(images)
    with finn_session(tmp_path / "finn"):
        from qonnx.core.onnx_exec import execute_onnx

        from quarl.build_flows.lowering.mvtu_node.infer_mvtu import InferMVTU
        model = generated(convolution.lowered(window_simd, simd, pe).transform(InferMVTU()))
        assert [node.op_type for node in model.graph.node] == layers
        assert operations(model)[-1].get_exp_cycles() == convolution.size ** 2 * (18 // simd) * (4 // pe)
        for operation in operations(model):
            operation.set_nodeattr("exec_mode", "cppsim")
        executed = execute_onnx(model, {"x": images[:1].astype(np.float32)})["codes"]
        np.testing.assert_array_equal(executed, expected[:1])
        geometry = Geometry(Stream(72 // window_simd, window_simd, 4, 8, False),
                            Stream(expected[0].size // pe, pe, 4, 4 * pe, False))
        with emulated(model, geometry, tmp_path) as emulator:
            for stalls in STALLS:
                emulator.reset()                 # the last rows of an image may come after its last code
                emulator.stall(*stalls, 1)
                beats = geometry.observation.pack(images).reshape(-1, geometry.observation.beat_bytes)
                out, _, _ = emulator.stream(beats, len(images) * geometry.action.beats, geometry.action.beat_bytes,
                                            100_000)
                found = geometry.action.unpack(out.reshape(len(images), -1)).reshape(expected.shape)
                np.testing.assert_array_equal(found, expected)
