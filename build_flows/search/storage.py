"""The trials of a search in Optuna's SQLite storage, where it goes on after whatever end."""
from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quarl.build_flows.search.question import Search
from quarl.build_flows.search.space import Candidate
from quarl.host.errors import UserError

if TYPE_CHECKING:
    from optuna import Study

NAME, _STUDY, _ASKED = "optuna.db", "quarl", "search"
_RANDOM = 10            # trials before Optuna models the others


@dataclasses.dataclass(frozen=True)
class Trial:
    """One that has ended: ``state`` is ``COMPLETE``, ``PRUNED`` (ruled out) or ``FAIL``."""

    candidate: Candidate
    state: str


class Storage:
    """The storage of ``search`` in ``folder``, made if there is none.

    A trial is written once it has ended. Optuna asks in memory, and what it draws depends on the trials that have ended
    and on their number alone: a search that was cut off asks for the same again. Raises :class:`UserError` for a
    damaged file, or that of another search.
    """

    def __init__(self, folder: Path, search: Search):
        from optuna import create_study
        from optuna.distributions import BaseDistribution, IntDistribution
        self.path, self.short = folder / NAME, 0.0
        self.starts = search.space.starts()
        self.distributions: dict[str, BaseDistribution] = {
            name: IntDistribution(low, high, step=step) for name, (low, high, step) in search.space.ranges().items()}
        with self._readable():
            self._check_whole()
            self.kept = self._open(search)
            self.asking = create_study(directions=self.kept.directions)
            self.asking.add_trials(self.kept.get_trials())

    def _check_whole(self) -> None:
        if self.path.exists():
            with contextlib.closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=rw", uri=True)) as database:
                found = database.execute("PRAGMA integrity_check").fetchone()[0]
            if found != "ok":
                raise sqlite3.DatabaseError(found)

    def _open(self, search: Search) -> Study:
        import optuna
        from sqlalchemy import URL
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        database = optuna.storages.RDBStorage(URL.create("sqlite", database=str(self.path)).render_as_string())
        names = optuna.study.get_all_study_names(database)
        if names and _STUDY not in names:
            raise self._another(f"{self.path}, with Optuna's study {names[0]}")
        study = optuna.create_study(storage=database, study_name=_STUDY, load_if_exists=True,
                                    directions=["maximize", "minimize", "minimize"])      # return, LUTs, latency
        asked, kept = search.describe(), study.user_attrs.get(_ASKED)
        if kept is None:
            study.set_user_attr(_ASKED, asked)
        elif kept != asked:
            differs = next(key for key in asked if kept.get(key) != asked[key])
            raise self._another(f"{self.path}, of a search with {differs} {kept.get(differs)} instead of "
                                f"{asked[differs]}")
        return study

    @staticmethod
    def _another(found: str) -> UserError:
        return UserError("a folder holds one search", found, "repeat that search's options, or choose another --out")

    @contextlib.contextmanager
    def _readable(self) -> Iterator[None]:
        from optuna.exceptions import OptunaError
        from sqlalchemy.exc import SQLAlchemyError
        try:
            yield
        except (sqlite3.Error, SQLAlchemyError, OptunaError, LookupError, RuntimeError) as error:
            reason = " ".join(str(error.__cause__ or error).split())[:200]
            raise UserError("the storage of a search must be a whole SQLite file of Optuna's that can be written",
                            f"{reason} in {self.path}",
                            "restore it, or delete it: results stay, and the search runs through them again"
                            ) from error

    def trials(self) -> list[Trial]:
        """All that have ended, in order."""
        return [Trial(Candidate(**trial.params), trial.state.name)
                for trial in self.asking.get_trials(deepcopy=False) if trial.state.is_finished()]

    def ask(self) -> Candidate:
        """The candidate of the next trial, which one of the methods below ends."""
        from optuna.samplers import TPESampler
        ended = len(self.trials())
        if ended < len(self.starts):
            self.asking.enqueue_trial(dataclasses.asdict(self.starts[ended]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")         # of what Optuna calls experimental
            self.asking.sampler = TPESampler(seed=ended, n_startup_trials=_RANDOM,
                                             constraints_func=lambda trial: (self.short,))
        return Candidate(**self.asking.ask(self.distributions).params)

    def tell(self, values: tuple[float, float, float], short: float) -> None:
        """Keep return, LUTs and latency of the candidate; ``short`` is by how much it misses parity."""
        self._end("COMPLETE", short, values=values)

    def rule_out(self) -> None:
        """Keep that the candidate need not be measured."""
        self._end("PRUNED", 1.0)

    def fail(self) -> None:
        """Keep that the candidate failed."""
        self._end("FAIL", 1.0)

    def _end(self, state: str, short: float, **values: Any) -> None:
        from optuna.trial import TrialState
        self.short = short
        with self._readable():
            self.kept.add_trial(self.asking.tell(len(self.trials()), state=TrialState[state], **values))
