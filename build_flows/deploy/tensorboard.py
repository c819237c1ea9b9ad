"""The episodes of a run as TensorBoard scalars."""
from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from quarl.host.files import explained
from quarl.host.log.observer import Observer


class Scalars(Observer):
    """Writes below ``folder`` every figure of an episode over its number; an earlier run's give way at the first."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.writer: Any = None

    def ended(self, record: dict[str, Any]) -> None:
        # Its writer alone, which needs neither TensorFlow nor torch.
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
        with explained(self.folder):
            if self.writer is None:
                shutil.rmtree(self.folder, ignore_errors=True)
                self.writer = EventFileWriter(str(self.folder))
            values = [Summary.Value(tag="episode/" + name, simple_value=value) for name, value in record.items()
                      if name not in ("episode", "seed")]
            self.writer.add_event(Event(step=record["episode"], wall_time=time.time(), summary=Summary(value=values)))

    def close(self) -> None:
        if self.writer is not None:
            with explained(self.folder):
                self.writer.close()
