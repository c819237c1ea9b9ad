"""Arguments that several commands share."""
from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarl.host.errors import UserError
from quarl.hw.engines.registry import ENGINES

if TYPE_CHECKING:
    from quarl.hw.engines.mvtu.design import Style


def add_run(parser: argparse.ArgumentParser) -> None:
    """The run folder, as the first argument."""
    parser.add_argument("folder", metavar="RUN", type=Path, help="the run folder, for example runs/x")


def run_folder(args: argparse.Namespace) -> Path:
    """The run folder of ``args``. Raises :class:`UserError` where it is none."""
    folder = Path(args.folder)
    if not (folder / "config.yaml").is_file():
        raise UserError("RUN must be a run folder with a config.yaml", folder,
                        f"make one with `quarl train --task CartPole-v1 --out {folder}`")
    return folder


def widths(text: str) -> int | tuple[int, ...]:
    """Bits of all layers, as in ``4``, or of their parts, as in ``8,4,8``."""
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of bits nor numbers as in 8,4,8") from None
    return found if len(found) > 1 else found[0]


def add_bits(parser: argparse.ArgumentParser, usual: int) -> None:
    """Bit widths of a quantised policy; ``usual`` ones of weights and activations."""
    parser.add_argument("--weight-bits", type=widths, default=usual, metavar="BITS", help="of every weight, 2 to 8, or "
                        "of the first, the core and the last layer, as in 8,4,8 (default %(default)s)")
    parser.add_argument("--act-bits", type=widths, default=usual, metavar="BITS", help="of hidden activations, 2 to 8, "
                        "or of the first layer and the core, as in 8,4 (default %(default)s)")
    parser.add_argument("--input-bits", type=int, default=8, metavar="BITS",
                        help="of the encoded observation, 2 to 8 (default %(default)s)")
    parser.add_argument("--per-channel", action="store_true", help="one weight scale a channel, not one a layer")


def add_environment(parser: argparse.ArgumentParser) -> None:
    """What the task is made with."""
    parser.add_argument("--env-kwargs", action="append", default=[], metavar="KEY=VALUE",
                        help="an argument of the environment, the value as in YAML")
    parser.add_argument("--wrapper", action="append", default=[], metavar="NAME[:JSON]",
                        help="a wrapper of Gymnasium's, or module:Class, with its arguments; the innermost first")
    add_time_limit(parser, "the environment's own")


def add_time_limit(parser: argparse.ArgumentParser, usual: str) -> None:
    """Where an episode is cut off."""
    parser.add_argument("--max-episode-steps", type=int, metavar="STEPS", help="time limit of an episode (default: "
                        f"{usual})")


def environment_of(args: argparse.Namespace) -> dict[str, Any]:
    """What the options say of the environment, as ``Description.record`` has it. Raises :class:`UserError`."""
    from quarl.host.environments.description import Description
    wrappers = [_wrapper(text) for text in args.wrapper]
    return Description(args.task, pairs("--env-kwargs", args.env_kwargs, "size=8"), wrappers,
                       args.max_episode_steps).record()


def _wrapper(text: str) -> tuple[str, Any]:
    """``FlattenObservation``, ``TimeLimit:{"max_episode_steps": 100}`` or ``module:Class:{}`` as name and arguments."""
    name, brace, arguments = text.partition(":{")
    try:
        return name, json.loads("{" + arguments) if brace else {}
    except ValueError as error:
        raise UserError("--wrapper takes NAME or NAME:JSON, where JSON is a mapping", f"{text} ({error})",
                        "write --wrapper 'TimeLimit:{\"max_episode_steps\": 100}'") from error


def pairs(option: str, texts: Sequence[str], example: str) -> dict[str, Any]:
    """``KEY=VALUE`` each, the value as in YAML. Raises :class:`UserError`, with an ``example``."""
    import yaml
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        try:
            found[key] = _json_or_yaml(value)
        except yaml.YAMLError:
            equals = ""
        if not equals:
            raise UserError(f"{option} takes KEY=VALUE, the value as in YAML", text, f"write {option} {example}")
    return found


def _json_or_yaml(text: str) -> Any:
    """As JSON where it is that, since 1e-05 is a text in YAML."""
    import yaml
    try:
        return json.loads(text)
    except ValueError:
        return yaml.safe_load(text)


def add_design(parser: argparse.ArgumentParser, keeps: bool = False) -> None:
    """What a design is made for, and how its layers compute. A command that ``keeps`` what is built has no defaults
    here: it must know what was asked for."""
    def add(option: str, usual: str | float, what: str) -> None:
        parser.add_argument(option, type=type(usual), default=None if keeps else usual,
                            help=f"{what} (default {'as built, else ' if keeps else ''}"
                                 f"{usual if isinstance(usual, str) else format(usual, 'g')})")

    add("--board", "pynq-z2", "board name, see `quarl boards`")
    add("--compute", "rom", f"engine: {', '.join(ENGINES)}")
    add("--max-lut-percent", 70.0, "share of the board's LUTs that the design may take")
    add("--timing", "small", "engine rom: small, balanced or fast-clock")
    add("--products", "lut", "engine rom: lut or dsp")
    add("--weight-rom", "lut", "engine rom: lut or block")


def style_of(args: argparse.Namespace) -> Style:
    """How units of engine rom are made. Raises :class:`UserError` for a style that does not exist."""
    from quarl.hw.engines.mvtu.design import Style
    return Style(args.timing, args.products, args.weight_rom)
