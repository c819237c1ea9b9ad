"""An accelerator behind FINN's own DMA shell, through FINN+'s driver as it is (the package finn-plus-driver).

The driver loads the bitstream and moves buffers. Packing is ours: it is the same, and the driver's results are
float32, which does not hold every accumulator.
"""
from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Dict, Optional

import numpy as np

from quarl.host.devices.bridge import described
from quarl.host.devices.interface import Device, Reply, check_codes, closed
from quarl.host.devices.pynq import bitstream, import_pynq, loaded
from quarl.host.errors import ToolError, UserError
from quarl.host.files import PathLike
from quarl.host.policy import Policy

SETTINGS = "settings.json"
_DONE = 0x2             # of a DMA's control register, ap_done
_PATIENCE = 1.0         # s
_FIX = "copy the settings.json and the accel.bit of one build"


class FinnDmaDevice(Device):
    """Reports no cycles: FINN's DMA shell does not count them."""

    name = "finn-dma"

    def __init__(self, policy: Policy, accel: PathLike):
        self.policy, self.accel = policy, Path(accel)
        self.driver: Any = None         # FINN's, while this is open
        self._inferences, self._stuck = 0, False

    def open(self) -> None:
        if self.driver is not None:
            return
        self._description = described(self.policy, self.accel)
        self._geometry = self._description.geometry
        settings = self._settings()
        if import_pynq() is None:
            raise ToolError("the finn-dma device needs the package pynq", "none", "run it on the board's own image")
        try:
            from finn_plus_driver import get_driver_class
            overlay = get_driver_class("FINNDMAOverlay")
        except ImportError as error:
            raise ToolError("the finn-dma device needs the package finn-plus-driver", error,
                            "install it with `pip install --no-deps finn-plus-driver`") from error
        path = str(bitstream(self.accel))
        self.driver = loaded(lambda: overlay(path, **settings))
        self._inferences, self._stuck = 0, False

    def _settings(self) -> Dict[str, Any]:
        """What FINN's build tells its driver. Raises :class:`UserError` where it is missing or does not fit."""
        path = self.accel / SETTINGS
        try:
            settings: Dict[str, Any] = json.loads(path.read_text())["driver_information"]
            shapes = settings["io_shape_dict"]
            found = [shapes[name] for name in ("ishape_packed", "oshape_packed")]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError("the finn-dma device needs the settings.json of FINN's build",
                            "%s: %s" % (type(error).__name__, error), _FIX) from error
        expected = [[[1, stream.beats, stream.beat_bytes]]
                    for stream in (self._geometry.observation, self._geometry.action)]
        if found != expected:
            raise UserError("settings.json must have the accelerator's packed shapes %s" % expected, found, _FIX)
        weights = str(self.accel / "runtime_weights")
        return dict({"runtime_weight_dir": weights}, **settings)

    def step(self, codes: np.ndarray) -> Reply:
        driver = self._opened()
        check_codes(self.policy, codes)
        observation, action = self._geometry.observation, self._geometry.action
        frame = observation.pack(codes).reshape(1, observation.beats, observation.beat_bytes)
        driver.copy_input_data_to_device(frame)
        try:
            driver.execute_on_buffers(asynch=True)
        except AssertionError as error:         # the driver's way to say that the last inference never ended
            raise self._never_ends(error) from error
        deadline: Optional[float] = None
        while not driver.odma[0].read(0) & _DONE:
            now = time.monotonic()
            deadline = now + _PATIENCE if deadline is None else deadline
            if now > deadline:
                raise self._never_ends("the output DMA busy after %g s" % _PATIENCE)
        driver.copy_output_data_from_device(driver.obuf_packed[0])
        self._inferences += 1
        return Reply(action.unpack(np.asarray(driver.obuf_packed[0]))[0])

    def _never_ends(self, found: Any) -> ToolError:
        self._stuck = True
        return ToolError("every inference must end", found, "reset the device, which loads the bitstream again")

    def _opened(self) -> Any:
        if self.driver is None:
            raise closed()
        return self.driver

    def reset(self) -> None:
        """Clear the counter; after an inference that never ended, load the bitstream again: the shell has no reset."""
        self._opened()
        if self._stuck:
            self.close()
            self.open()
        self._inferences = 0

    def stats(self) -> Dict[str, Any]:
        self._opened()
        return {"inferences": self._inferences, "accelerator": self._description.hash}

    def close(self) -> None:
        self.driver = None
