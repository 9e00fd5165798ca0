"""Message passing neural network potentials: evaluation, training, and an ASE calculator in :mod:`grapevine.ase`.

Units are eV, Angstrom, eV/Angstrom and eV/Angstrom^3 throughout; times, in a heat flux, are ASE's.
"""

from grapevine._core import Error
from grapevine._core import version as __version__
from grapevine._evaluation import Result, evaluate
from grapevine._heat_flux import HeatFlux, heat_flux
from grapevine._models import Model, import_model, info, shipped_model
from grapevine._training import train

__all__ = [
    "Error",
    "HeatFlux",
    "Model",
    "Result",
    "__version__",
    "evaluate",
    "heat_flux",
    "import_model",
    "info",
    "shipped_model",
    "train",
]

Error.__module__ = __name__  # as users know it
