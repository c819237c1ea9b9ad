"""Where it all comes from: hashes, versions, settings and the files behind this page."""
from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from quarl.build_flows.report import figures
from quarl.build_flows.report.inputs import Run
from quarl.build_flows.report.markup import Html, code, join, table, tag
from quarl.host.files import sha256


def section(run: Run) -> Html:
    """Four tables."""
    built = run.accelerator
    identity: list[list[object]] = [["Policy hash (SHA-256)", code(run.policy.hash)],
                                    ["Build id", code(f"0x{run.policy.build_id:08x}")]]
    if built is not None:
        identity += [["Accelerator (SHA-256 of its description)", code(built.hash)],
                     ["Accelerator built from policy", code(built.policy_hash)]]
    versions = dict(run.policy.provenance.get("versions") or {}, **(built.versions if built else {}))
    facts = {"config": run.config, "policy": {k: v for k, v in run.policy.provenance.items() if k != "versions"}}
    tables = [table("Identity", ["What", "Value"], "ll", identity)]
    if versions:
        tables.append(table("Versions", ["Tool", "Version"], "ll", sorted(versions.items())))
    tables.append(tag("details", tag("summary", "All settings and results on record"),
                      table("On record", ["Name", "Value"], "ll", _flat(facts))))
    tables.append(table("Files behind this page", ["File", "Size", "Modified (UTC)", "SHA-256"], "lrrr", _files(run)))
    return join(tables)


def _flat(value: dict[str, Any], prefix: str = "") -> Iterator[list[object]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield [f"{prefix}{key}", "none" if item is None else item]


def _files(run: Run) -> Iterator[list[object]]:
    for path in run.files:
        stat = path.stat()
        when = datetime.datetime.fromtimestamp(stat.st_mtime, datetime.UTC)
        yield [path.relative_to(run.folder).as_posix(), figures.size(stat.st_size), f"{when:%Y-%m-%d %H:%M}",
               code(sha256(path.read_bytes())[:16])]
