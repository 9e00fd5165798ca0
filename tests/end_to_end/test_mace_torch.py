"""Models of published sizes, made and evaluated by mace-torch where it is installed: GRAPEVINE_MACE_PYTHON names a Python."""

import json
import subprocess

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from lammps_run import ROOT, RUN_0, fcc_mixture, setup, write_data

ELEMENTS = 89
SIZES = {"32x0e": 2, "128x0e+128x1o": 2, "mp-0": ELEMENTS, "mpa-0": ELEMENTS}  # name: elements


def structures(elements):
    """A crystal, a tilted one of a few more elements, a slab and molecules."""
    heavy = ["Li", "O", "Fe", "Cs", "W", "Pu"] if elements == ELEMENTS else ["H", "O"]
    tilted = fcc_mixture(2, 2, 1, heavy, a=4.4, tilt=(1.1, -0.7, 0.9))
    slab = fcc_mixture(2, 2, 1, heavy[:3], a=4.2, seed=8)
    slab.set_cell(slab.cell.array * [[1], [1], [4]])
    slab.pbc = [True, True, False]
    water = molecule("H2O", vacuum=4)
    water.rattle(0.05, seed=2)
    close = Atoms([heavy[0], heavy[-1]], [[0, 0, 0], [0.5, 0.6, 0.8]])  # within the reach of the repulsion
    return [fcc_mixture(2, 1, 1, heavy[:2], a=4.1, seed=6), tilted, slab, water, close, Atoms(heavy[-1])]


@pytest.fixture(scope="module")
def case(grapevine, mace_python, tmp_path_factory):
    """case(name): imported model and the file of structures with mace-torch's results; made once."""
    folder = tmp_path_factory.mktemp("mace")

    def make(name):
        source, model = folder / f"MACE-{name}.model", folder / f"{name}.safetensors"
        frames, results = folder / f"{name}.extxyz", folder / f"{name}-results.extxyz"
        if not results.exists():
            ase.io.write(frames, structures(SIZES[name]))
            for words in ([ROOT / "bench" / "make_mace_models.py", folder, "--models", name, "--dtype", "float64"],
                          [ROOT / "examples" / "mace" / "mace_torch.py", source, frames, results]):
                done = subprocess.run([mace_python, *words], capture_output=True, text=True, timeout=300)
                assert done.returncode == 0, done.stderr
            subprocess.run([grapevine, "import", source, "-o", model], check=True, timeout=60)
        return model, results

    return make


def evaluate(grapevine, model, frames, precision):
    command = [grapevine, "evaluate", model, frames, "--json", "--precision", precision]
    return json.loads(subprocess.check_output(command, timeout=300))["frames"]


@pytest.mark.parametrize("name", SIZES)
def test_double_precision_gives_the_results_of_mace_torch(name, case, grapevine):
    model, results = case(name)
    frames = ase.io.read(results, ":")
    isolated = {}
    for found, atoms in zip(evaluate(grapevine, model, results, "double"), frames, strict=True):
        assert abs(found["energy"] - atoms.get_potential_energy()) < 1e-8 * len(atoms)
        np.testing.assert_allclose(found["forces"], atoms.get_forces(), rtol=0, atol=1e-7)
        if atoms.pbc.all():
            np.testing.assert_allclose(np.ravel(found["virial"]), np.ravel(atoms.info["virial"]), rtol=0, atol=1e-6)
        for element, energy in zip(atoms.symbols, found["energies"] - atoms.arrays["node_energies"], strict=True):
            assert abs(energy - isolated.setdefault(element, energy)) < 1e-7
    assert len(isolated) >= min(SIZES[name], 7)


@pytest.mark.parametrize("name", SIZES)
def test_mixed_precision_is_near_mace_torch(name, case, grapevine):
    model, results = case(name)
    frames = ase.io.read(results, ":")
    for found, atoms in zip(evaluate(grapevine, model, results, "mixed"), frames, strict=True):
        assert abs(found["energy"] - atoms.get_potential_energy()) < 6e-6 * len(atoms)
        scale = max(1, np.abs(atoms.get_forces()).max() / 10)
        np.testing.assert_allclose(found["forces"], atoms.get_forces(), rtol=0, atol=5e-5 * scale)


def test_a_model_of_full_size_under_lammps(case, lammps, tmp_path):
    model, results = case("mpa-0")
    atoms = ase.io.read(results, 1)
    elements = sorted(set(atoms.get_chemical_symbols()))
    rotation = write_data(tmp_path / "data.test", atoms, elements)
    for ranks in (1, 2):
        run = lammps(setup(model, elements) + RUN_0, ranks, timeout=300)
        assert abs(run.row["PotEng"] - atoms.get_potential_energy()) < 1e-8 * len(atoms)
        assert np.abs(run.atoms()["f"] @ rotation - atoms.get_forces()).max() < 1e-7
