"""The reference cases in LAMMPS: every frame, as `run 0` in double precision."""

import ase.io
import numpy as np
import pytest
from lammps_run import BAR_A3_PER_EV, RUN_0, VOIGT, setup, write_data

FRAMES = [
    ("local-s-only", 0), ("one-layer-tanh", 0), ("three-layer", 0), ("three-layer", 1), ("f-orbitals-wide", 0),
    ("f-orbitals-wide", 1), ("molecule-and-slab", 0), ("molecule-and-slab", 1), ("molecule-and-slab", 2),
    ("published-silver-mpi", 0), ("published-silver-mpi", 1), ("published-silver-mpi", 2),
    ("published-water", 0), ("published-water", 1), ("published-water", 2),
    *((f"sevennet-{name}", index) for name in ("so3", "parity", "lmax3", "bias-fcn", "one-layer", "old")
      for index in range(4)),
]


def boundary_of(atoms):
    return " ".join("p" if periodic else "f" for periodic in atoms.pbc)


def measure(lammps, tmp_path, model, atoms, ranks=1):
    """The run, and its energy, forces, virial and atomic energies in the frame's own axes."""
    elements = sorted(set(atoms.get_chemical_symbols()))
    rotation = write_data(tmp_path / "data.test", atoms, elements)
    run = lammps(setup(model, elements, boundary=boundary_of(atoms)) + RUN_0, ranks)
    xx, yy, zz, xy, xz, yz = run.virial
    virial = rotation.T @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ rotation
    return run, run.atoms()["f"] @ rotation, virial, run.atoms()["energy"]


@pytest.mark.parametrize("case, index", FRAMES)
def test_lammps_gives_the_reference(lammps, tmp_path, golden, golden_model, case, index):
    frames = ase.io.read(golden(case) / "reference.extxyz", ":")
    atoms = frames[index]
    run, forces, virial, energies = measure(lammps, tmp_path, golden_model(case), atoms)
    assert run.row["PotEng"] == pytest.approx(atoms.get_potential_energy(), rel=0, abs=1e-8 * len(atoms))
    assert np.abs(forces - atoms.get_forces()).max() < 1e-7
    assert np.abs(virial.ravel() - np.ravel(atoms.info["virial"])).max() < 1e-6
    assert np.abs(energies - atoms.calc.results["energies"]).max() < 1e-8


def test_no_reference_frame_is_left_out(golden):
    for case in {name for name, _ in FRAMES}:
        try:
            folder = golden(case)
        except pytest.skip.Exception:
            continue  # published weights that are not on this machine
        assert len(ase.io.read(folder / "reference.extxyz", ":")) == sum(name == case for name, _ in FRAMES)


def test_cell_smaller_than_the_cutoff_on_two_ranks(lammps, tmp_path, golden, golden_model):
    atoms = ase.io.read(golden("three-layer") / "reference.extxyz", 1)
    run, forces, virial, _ = measure(lammps, tmp_path, golden_model("three-layer"), atoms, ranks=2)
    assert run.row["PotEng"] == pytest.approx(atoms.get_potential_energy(), rel=0, abs=1e-8 * len(atoms))
    assert np.abs(forces - atoms.get_forces()).max() < 1e-7
    assert np.abs(virial.ravel() - np.ravel(atoms.info["virial"])).max() < 1e-6


def test_published_silver_energy_and_pressure_at_300_kelvin(lammps, tmp_path, golden, golden_model):
    """The first line of REANN-MPI's published log: E_pair -1516.3734 eV, 112281.03 bar."""
    atoms = ase.io.read(golden("published-silver-mpi") / "reference.extxyz", 1)
    write_data(tmp_path / "data.test", atoms, ["Ag"])
    script = setup(golden_model("published-silver-mpi"), ["Ag"]) + "velocity all create 300.0 4928\n" + RUN_0
    row = lammps(script, 2).row
    assert row["PotEng"] == pytest.approx(-1516.3734, abs=5e-5)
    assert row["Temp"] == pytest.approx(300.0, abs=1e-9)
    assert row["Press"] == pytest.approx(112281.03, abs=0.1)
    # LAMMPS: N k T / V with T over 3N - 3 degrees of freedom, hence (3N - 3) / 3N of the ideal gas.
    kinetic = (len(atoms) - 1) * 8.617343e-5 * 300 / row["Volume"] * BAR_A3_PER_EV
    potential = sum(row[f"c_pv[{n}]"] for n in (1, 2, 3)) / 3
    assert potential + kinetic == pytest.approx(row["Press"], abs=0.1)
    expected = np.ravel(atoms.info["virial"])[VOIGT][:3].mean() / row["Volume"] * BAR_A3_PER_EV
    assert potential == pytest.approx(expected, abs=0.1)
