"""The integer program that a policy is, its package on disk, its codec, and the integer reference."""
from quarl.host.policy.package import read, write
from quarl.host.policy.program import BITS, HEADS, SCHEMAS, ActionSpace, Layer, Policy
from quarl.host.policy.rules import validate

__all__ = ["BITS", "HEADS", "SCHEMAS", "ActionSpace", "Layer", "Policy", "read", "validate", "write"]
