"""Active learning, by the same code as ``grapevine learn``: explore, select, label, train, in rounds.

Molecular dynamics is LAMMPS with a committee of models, training is ``grapevine train``, labels come from any ASE
calculator or from a command. All of a run is in one folder; killed at any moment, it goes on where it was.
"""

from __future__ import annotations

from grapevine.learn.learning import learn

__all__ = ["learn"]
