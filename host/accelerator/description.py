"""``accel.json``: what a built accelerator is, as the devices need to know it."""
from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Dict, List, Optional

from quarl.host.accelerator.geometry import Geometry, Stream
from quarl.host.errors import UserError
from quarl.host.files import PathLike, canonical_json, recover, sha256, write_json

SCHEMA = 1
_FIX = "build the accelerator again with `quarl build RUN`"


@dataclasses.dataclass(frozen=True)
class Accelerator:
    """A built accelerator: its policy's hash and build id, board, engine, folding, clock (MHz) and streams.

    ``latency_cycles`` and ``interval_cycles`` are measured on the emulated RTL; ``folding`` is one dict a layer;
    ``style`` says how engine rom is made: timing, products, weight_rom; ``base_address`` is where the bitstream places
    the bridge, None without a bitstream.
    """

    policy_hash: str
    build_id: int
    board: str
    engine: str
    fold: str
    clock_mhz: float
    geometry: Geometry
    latency_cycles: int
    interval_cycles: float
    folding: List[Dict[str, int]] = dataclasses.field(default_factory=list)
    versions: Dict[str, str] = dataclasses.field(default_factory=dict)
    style: Dict[str, str] = dataclasses.field(default_factory=dict)
    base_address: Optional[int] = None

    @property
    def hash(self) -> str:
        """SHA-256 of what it is, wherever its bitstream lies: logs name the accelerator that was played on by it."""
        fields = dataclasses.asdict(self)
        del fields["base_address"]
        return sha256(canonical_json(fields))


def write(accelerator: Accelerator, folder: PathLike) -> None:
    """Write ``folder/accel.json`` atomically."""
    write_json(Path(folder) / "accel.json", dict(dataclasses.asdict(accelerator), schema=SCHEMA))


def read(folder: PathLike) -> Accelerator:
    """Read ``folder/accel.json``. Raises :class:`UserError` where there is none or it breaks the format."""
    recover(folder)
    path = Path(folder) / "accel.json"
    try:
        fields = json.loads(path.read_text())
        schema = fields.pop("schema", None)
        if schema != SCHEMA:
            raise UserError("the accelerator schema must be %d" % SCHEMA, schema, _FIX)
        streams = fields.pop("geometry")
        geometry = Geometry(Stream(**streams["observation"]), Stream(**streams["action"]))
        return Accelerator(geometry=geometry, **fields)
    except OSError as error:
        raise UserError("a built accelerator has an accel.json", "%s at %s" % (error.strerror, path), _FIX) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError("accel.json must hold every field of an accelerator", "%s in %s" % (error, path),
                        _FIX) from error
