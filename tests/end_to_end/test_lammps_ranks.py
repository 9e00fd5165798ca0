"""The same physics on any number of ranks: a model with T = 3 message passing layers and a halo of one cutoff."""

import re

import numpy as np
import pytest
from ase.neighborlist import neighbor_list
from lammps_run import MEASURE, ROOT, dump, fcc_mixture, relative_difference, setup, thermal_velocities, write_data

ELEMENTS = ["O", "C", "Ni"]
CUTOFF = 5.0
SKIN = 0.5
WIDTH = 8  # numbers per atom and layer: nwave of the model
LAYERS = 3

# Subdomains of 5.85 Angstrom are barely larger than one halo of 5.5; `slabs` on 8 ranks has them smaller than that.
CUBE = fcc_mixture(3, 3, 3)
BOXES = {  # atoms, processor grid, steps, ranks
    "cube": (CUBE, "", 200, (1, 2, 3, 4, 8)),
    "slabs": (fcc_mixture(6, 2, 2), "processors * 1 1", 60, (1, 3, 4, 8)),
    "triclinic": (fcc_mixture(3, 3, 3, tilt=(3.1, -1.7, 2.2)), "", 60, (1, 3, 8)),
}


def script(model, steps, before="", precision="double"):
    # Random weights bind atoms without a bottom; a short step keeps them apart for 200 steps.
    measure = MEASURE + dump(every=steps) + f"timestep 0.0002\nfix move all nve\nthermo {steps}\nrun {steps}\n"
    return setup(model, ELEMENTS, before=before, precision=precision) + f"neighbor {SKIN} bin\n" + measure


def assert_same_first_step(run, one, tolerance):
    first, reference = run.atoms(frame=0), one.atoms(frame=0)
    assert (first["id"] == reference["id"]).all()
    for name in ("energy", "f", "stress"):
        assert relative_difference(first[name], reference[name]) < tolerance, name
    assert run.tables[0][0]["PotEng"] == pytest.approx(one.tables[0][0]["PotEng"], rel=tolerance)


def assert_same_trajectory(run, one, tolerance):
    last, reference = run.atoms(), one.atoms()
    assert (last["id"] == reference["id"]).all()
    assert run.row["PotEng"] == pytest.approx(one.row["PotEng"], rel=tolerance)
    for name in ("x", "v", "f"):
        assert relative_difference(last[name], reference[name]) < tolerance, name


def assert_nothing_redundant(run, atoms):
    work = run.work
    assert work["computed"] == [atoms] * (LAYERS + 1)
    assert work["atoms"] == atoms
    assert 0 <= work["halo"] <= work["ghosts"]
    for direction in ("forward", "reverse"):
        assert work[direction] == pytest.approx(LAYERS * WIDTH * work["halo"], rel=1e-8)


def assert_halo_of_one_cutoff(run):
    assert float(re.search(r"ghost atom cutoff = (\S+)", run.output).group(1)) == CUTOFF + SKIN
    assert float(re.search(r"master list distance cutoff = (\S+)", run.output).group(1)) == CUTOFF + SKIN


@pytest.mark.parametrize("box", BOXES)
def test_any_number_of_ranks_gives_the_same_trajectory(lammps, tmp_path, three_layer, box):
    atoms, before, steps, rank_counts = BOXES[box]
    write_data(tmp_path / "data.test", atoms, ELEMENTS, thermal_velocities(atoms, 300))
    runs = [lammps(script(three_layer, steps, before), ranks, timeout=300) for ranks in rank_counts]
    one = runs[0]
    assert np.abs(one.atoms()["x"] - one.atoms(frame=0)["x"]).max() > SKIN / 2, "the atoms hardly moved"
    for run in runs:
        assert_halo_of_one_cutoff(run)
        assert_nothing_redundant(run, len(atoms))
        assert_same_first_step(run, one, 1e-10)
        # Sums in another order differ in the last bits; measured after 200 steps of 0.2 fs: 7e-15.
        assert_same_trajectory(run, one, 1e-12)


@pytest.mark.parametrize("exchange", ["own", "lammps"])
@pytest.mark.parametrize("before", ["", "comm_style tiled\nbalance 1.0 rcb", "comm_modify cutoff 9.0"])
def test_both_exchanges_give_the_same_numbers(lammps, tmp_path, three_layer, exchange, before):
    atoms = BOXES["triclinic"][0] if "tiled" not in before else CUBE
    write_data(tmp_path / "data.test", atoms, ELEMENTS, thermal_velocities(atoms, 300))
    # Subdomains are made by `balance` after the atoms were read.
    split = before if "tiled" not in before else ""
    after = before if "tiled" in before else ""
    one = lammps(script(three_layer, 20, split))
    text = script(three_layer, 20, split, precision=f"double exchange {exchange}")
    run = lammps(text.replace("neighbor ", f"{after}\nneighbor ", 1), 4)
    assert_nothing_redundant(run, len(atoms))
    assert_same_first_step(run, one, 1e-10)
    assert_same_trajectory(run, one, 1e-12)


def halo_atoms(atoms, grid, reach):
    """Atoms of other ranks within reach of a rank's own atoms, summed over the ranks of a uniform grid."""
    fractions = atoms.get_scaled_positions()
    cells = np.minimum((fractions * grid).astype(int), np.array(grid) - 1)
    rank = np.ravel_multi_index(cells.T, grid)
    centres, neighbours = neighbor_list("ij", atoms, reach)
    pairs = {(rank[i], j) for i, j in zip(centres, neighbours) if rank[j] != rank[i]}
    return len(pairs)


@pytest.mark.parametrize("grid", [(1, 1, 1), (2, 1, 1), (2, 2, 1), (2, 2, 2), (7, 1, 1)])
def test_halo_is_what_theory_says_to_the_atom(lammps, tmp_path, three_layer, grid):
    atoms = fcc_mixture(4, 4, 4)
    write_data(tmp_path / "data.test", atoms, ELEMENTS)
    run = lammps(script(three_layer, 1, f"processors {' '.join(map(str, grid))}"), int(np.prod(grid)))
    work = run.work
    assert work["halo"] == halo_atoms(atoms, grid, CUTOFF + SKIN)
    assert work["forward"] == work["reverse"] == LAYERS * WIDTH * work["halo"]


@pytest.mark.parametrize("grid", ["3 1 1", "1 1 5", "1 7 1"])
def test_processor_grids_and_odd_rank_counts(lammps, tmp_path, three_layer, grid):
    write_data(tmp_path / "data.test", CUBE, ELEMENTS, thermal_velocities(CUBE, 300))
    one = lammps(script(three_layer, 2))
    ranks = int(np.prod([int(word) for word in grid.split()]))
    run = lammps(script(three_layer, 2, f"processors {grid}"), ranks)
    assert_nothing_redundant(run, len(CUBE))
    assert_same_first_step(run, one, 1e-10)


def test_mixed_precision_on_ranks_agrees_to_its_own_precision(lammps, tmp_path, three_layer):
    write_data(tmp_path / "data.test", CUBE, ELEMENTS, thermal_velocities(CUBE, 300))
    one = lammps(script(three_layer, 10, precision="mixed"))
    for ranks in (2, 4):
        run = lammps(script(three_layer, 10, precision="mixed"), ranks)
        assert_nothing_redundant(run, len(CUBE))
        assert_same_first_step(run, one, 2e-6)


def test_a_run_on_two_ranks_gives_the_same_bits_every_time(lammps, tmp_path, three_layer):
    write_data(tmp_path / "data.test", CUBE, ELEMENTS, thermal_velocities(CUBE, 300))
    first, second = (lammps(script(three_layer, 20), 2) for _ in range(2))
    for name in ("x", "v", "f", "energy", "stress"):
        assert (first.atoms()[name] == second.atoms()[name]).all()


def test_the_shipped_alloy_is_the_same_on_any_number_of_ranks(lammps):
    settings = {"model": ROOT / "models" / "nbmotaw.safetensors", "cells": 4, "heat": 0, "hold": 0, "measure": 0}
    words = [word for name, value in settings.items() for word in ("-var", name, str(value))]
    script_of_example = (ROOT / "examples" / "alloy" / "in.alloy").read_text()
    one, two, four = (lammps(script_of_example, ranks, arguments=words).row for ranks in (1, 2, 4))
    assert two["PotEng"] == pytest.approx(one["PotEng"], rel=1e-9)
    assert four["PotEng"] == pytest.approx(one["PotEng"], rel=1e-9)
