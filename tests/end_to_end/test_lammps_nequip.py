"""Equivariant models on any number of ranks: wide messages, several layers, and a halo of one cutoff."""

import json
import re
import subprocess

import ase.io
import numpy as np
import pytest
from lammps_run import (
    MEASURE,
    RUN_0,
    dump,
    fcc_mixture,
    relative_difference,
    setup,
    thermal_velocities,
    write_data,
)

SKIN = 0.4

# For a cutoff of 4 Angstrom; larger for more. On 8 ranks subdomains of the cube are 4.5 Angstrom wide, barely more than
# the halo of 4.4; the receptive field of four interactions is 16 Angstrom.
CUBE = ("", {"nx": 2, "ny": 2, "nz": 2, "a": 4.5})
SLAB = ("processors * 1 1", {"nx": 8, "ny": 2, "nz": 2, "a": 3.6})
TILTED = ("", {"nx": 3, "ny": 3, "nz": 3, "a": 3.7, "tilt": (2.3, -1.1, 1.9)})

CASES = {  # model: elements, cutoff
    "sevennet-parity": (["C", "H"], 4.0),
    "sevennet-lmax3": (["Cu", "Zr"], 4.0),
    "nequip-parity-four-layers": (["C", "H", "O"], 4.5),
    "nequip-framework/l2-parity-edge-cutoffs": (["C", "H", "O"], 5.0),
    "nequip-framework/l3": (["Cu", "Zr"], 5.0),
    "nequix-norm": (["Cu", "H", "O"], 4.0),
}


def atoms_for(case, shape):
    """fcc_mixture() of the case's elements, widened so that `shape` stands in the same proportion to its cutoff."""
    elements, cutoff = CASES[case]
    return fcc_mixture(elements=elements, **{**shape, "a": shape["a"] * (cutoff + SKIN) / (4.0 + SKIN)})


def script(model, elements, steps, before="", precision="double"):
    measure = MEASURE + dump(every=max(steps, 1)) + f"timestep 0.0002\nfix move all nve\nthermo {steps}\nrun {steps}\n"
    return setup(model, elements, before=before, precision=precision) + f"neighbor {SKIN} bin\n" + measure


def assert_halo_of_one_cutoff(run, cutoff):
    assert float(re.search(r"ghost atom cutoff = (\S+)", run.output).group(1)) == pytest.approx(cutoff + SKIN)


def assert_same(run, one, tolerance, frame):
    atoms, reference = run.atoms(frame), one.atoms(frame)
    assert (atoms["id"] == reference["id"]).all()
    for name in ("x", "v", "f", "energy", "stress"):
        assert relative_difference(atoms[name], reference[name]) < tolerance, name
    row, expected = run.tables[0][frame], one.tables[0][frame]
    assert row["PotEng"] == pytest.approx(expected["PotEng"], rel=tolerance)
    for n in range(1, 7):
        assert row[f"c_pv[{n}]"] == pytest.approx(expected[f"c_pv[{n}]"], abs=tolerance * abs(expected["Press"]) * 10)


@pytest.mark.parametrize("box", [CUBE, SLAB, TILTED], ids=["cube", "slab", "tilted"])
@pytest.mark.parametrize("case", CASES)
def test_any_number_of_ranks_gives_the_same_trajectory(lammps, tmp_path, grapevine, golden_model, case, box):
    elements, cutoff = CASES[case]
    before, shape = box
    info = json.loads(subprocess.check_output([grapevine, "info", "--json", golden_model(case)]))
    widths = info["message_width"]
    atoms = atoms_for(case, shape)
    write_data(tmp_path / "data.test", atoms, elements, thermal_velocities(atoms, 300))
    one = lammps(script(golden_model(case), elements, 10, before), 1)
    for ranks in (2, 3, 4, 8):
        run = lammps(script(golden_model(case), elements, 10, before), ranks, timeout=300)
        assert_halo_of_one_cutoff(run, cutoff)
        assert run.work["computed"] == [len(atoms)] * (len(widths) + 1)
        for direction in ("forward", "reverse"):
            assert run.work[direction] == pytest.approx(sum(widths) * run.work["halo"], rel=1e-8)
        assert_same(run, one, 1e-10, 0)
        assert_same(run, one, 1e-10, -1)


@pytest.mark.parametrize("before", ["", "comm_style tiled\nbalance 1.0 rcb"], ids=["bricks", "tiled"])
def test_exchange_of_lammps_gives_the_same_numbers(lammps, tmp_path, golden_model, before):
    elements, _ = CASES["sevennet-parity"]
    atoms = atoms_for("sevennet-parity", CUBE[1])
    write_data(tmp_path / "data.test", atoms, elements, thermal_velocities(atoms, 300))
    model = golden_model("sevennet-parity")
    one = lammps(script(model, elements, 10))
    text = script(model, elements, 10, precision="double exchange lammps").replace("neighbor", f"{before}\nneighbor", 1)
    assert_same(lammps(text, 4), one, 1e-10, -1)


def test_mixed_precision_on_ranks_and_threads(lammps, tmp_path, golden_model):
    elements, _ = CASES["sevennet-parity"]
    atoms = atoms_for("sevennet-parity", CUBE[1])
    write_data(tmp_path / "data.test", atoms, elements, thermal_velocities(atoms, 300))
    text = script(golden_model("sevennet-parity"), elements, 10, precision="mixed")
    one = lammps(text)
    assert_same(lammps(text, 4), one, 1e-5, 0)
    assert_same(lammps(text, 1, threads=2), one, 1e-5, 0)


# ---- the published weights, where they can be had


@pytest.mark.parametrize("index", range(8))
def test_published_weights_give_the_reference(lammps, tmp_path, golden, sevennet_0, index):
    """energy 1e-5 eV/atom, forces 2e-4 eV/Angstrom, virial 1e-3: in mixed precision, on one rank and on two."""
    atoms = ase.io.read(golden("sevennet-0") / "reference.extxyz", index)
    elements = sorted(set(atoms.get_chemical_symbols()))
    rotation = write_data(tmp_path / "data.test", atoms, elements)
    boundary = " ".join("p" if periodic else "f" for periodic in atoms.pbc)
    for ranks in (1, 2):
        run = lammps(setup(sevennet_0, elements, boundary=boundary, precision="mixed") + RUN_0, ranks)
        assert abs(run.row["PotEng"] - atoms.get_potential_energy()) < 1e-5 * len(atoms)
        assert np.abs(run.atoms()["f"] @ rotation - atoms.get_forces()).max() < 2e-4
        xx, yy, zz, xy, xz, yz = run.virial
        virial = rotation.T @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ rotation
        assert relative_difference(virial.ravel(), np.ravel(atoms.info["virial"])) < 1e-3


@pytest.mark.parametrize("cells", [(2, 2, 2), (3, 2, 2)])
def test_published_weights_on_up_to_eight_ranks(lammps, tmp_path, sevennet_0, cells):
    """Rock salt in boxes whose parts are barely one halo wide, the receptive field being 25 Angstrom."""
    edge = 5.5  # half of eleven Angstrom is a little more than 5.4
    atoms = fcc_mixture(*cells, elements=["Mg"], a=edge)
    oxygen = atoms.copy()
    oxygen.set_chemical_symbols(["O"] * len(oxygen))
    oxygen.positions += [edge / 2, 0.1, -0.1]
    atoms = atoms + oxygen
    atoms.wrap()
    write_data(tmp_path / "data.test", atoms, ["Mg", "O"], thermal_velocities(atoms, 300))
    text = script(sevennet_0, ["Mg", "O"], 2, precision="mixed")
    one = lammps(text)
    for ranks in (2, 3, 4, 8):
        run = lammps(text, ranks, timeout=300)
        assert_halo_of_one_cutoff(run, 5.0)
        assert run.work["computed"] == [len(atoms)] * 5
        assert_same(run, one, 2e-5, 0)
    double = [lammps(script(sevennet_0, ["Mg", "O"], 0, precision="double"), ranks, timeout=300) for ranks in (1, 8)]
    assert_same(double[1], double[0], 1e-10, 0)
