"""Films of episodes, as the environment draws itself."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from quarl.host.errors import UserError
from quarl.host.files import PathLike, explained

EPISODES = 3          # the first ones of a run, which are filmed


def check(env: Any) -> None:
    """Raise :class:`UserError` where ``env`` cannot be filmed, or a package is missing that draws or films."""
    import gymnasium
    modes = env.metadata.get("render_modes", [])
    if "rgb_array" not in modes:
        raise UserError("an environment that is filmed must be able to draw itself (render mode rgb_array)",
                        "the modes %s" % modes if modes else "no render mode", "leave --video out for this task")
    try:
        import imageio_ffmpeg
        imageio_ffmpeg.get_ffmpeg_exe()
        import imageio  # noqa: F401
    except (ImportError, RuntimeError) as error:
        raise UserError("films need imageio and ffmpeg", error, "pip install 'imageio[ffmpeg]'") from error
    try:
        env.reset(seed=0)
        env.render()
    except gymnasium.error.DependencyNotInstalled as error:
        raise UserError("an environment that is filmed needs what it draws with", error,
                        "install it, or leave --video out") from error


class Film:
    """An mp4 file at ``path`` with a frame of each state of ``env``: there only once the episode has ended."""

    def __init__(self, env: Any, path: PathLike):
        import imageio
        self._env, self.path = env, Path(path)
        self._unfinished = self.path.with_name(".unfinished-" + self.path.name)
        with explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = imageio.get_writer(str(self._unfinished), fps=env.metadata.get("render_fps", 30),
                                              macro_block_size=2, ffmpeg_log_level="error")

    def shoot(self) -> None:
        """Add a frame of what is now."""
        with explained(self.path):
            self._writer.append_data(self._env.render())

    def finish(self) -> None:
        """The episode has ended: the film is whole."""
        with explained(self.path):
            self._writer.close()
            self._unfinished.replace(self.path)

    def discard(self) -> None:
        """The episode was broken off."""
        self._writer.close()
        if self._unfinished.exists():
            self._unfinished.unlink()
