"""Equality and hash by content, for frozen dataclasses that hold arrays."""
from __future__ import annotations

import dataclasses
import json
from typing import Any, Dict, Hashable

import numpy as np


def _key(value: Any) -> Hashable:
    """What stands for a field's ``value``: of an array, or a torch tensor, its dtype, its shape and its bytes.

    Of a dict, which holds what JSON has, it is its text.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    found: Hashable = value
    return found


class Content:
    """Base of a dataclass with ``frozen=True, eq=False``, whose own comparison fails at arrays.

    Two of one class are equal if all fields are, but those with ``compare=False``: arrays in dtype, shape and every
    bit, in whatever order their memory is. What an object keeps of a computation is no content: a pickle leaves it out.
    """

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(_key(getattr(self, name)) == _key(getattr(other, name)) for name in _compared(self))

    def __hash__(self) -> int:
        found = self.__dict__.get("_content_hash")
        if found is None:
            found = self.__dict__["_content_hash"] = hash(tuple(_key(getattr(self, name)) for name in _compared(self)))
        return int(found)

    def __getstate__(self) -> Dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in _fields(self)}


def _fields(content: Any) -> Any:
    return dataclasses.fields(content)


def _compared(content: Any) -> Any:
    return [field.name for field in _fields(content) if field.compare]
