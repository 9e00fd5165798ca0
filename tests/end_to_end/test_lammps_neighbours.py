"""pair_style grapevine neighbours own: the same numbers without any neighbour list of LAMMPS."""

import re

import numpy as np
import pytest
from lammps_run import (MEASURE, RUN_0, dump, fcc_mixture, relative_difference, setup, thermal_velocities, write_data)

ELEMENTS = ["O", "C", "Ni"]
BOXES = {  # atoms, commands before and after the atoms are read
    "cube": (fcc_mixture(3, 3, 3), "", ""),
    "slabs": (fcc_mixture(6, 2, 2), "processors * 1 1", ""),
    "triclinic": (fcc_mixture(3, 3, 3, tilt=(3.1, -1.7, 2.2)), "", ""),
    "tiled": (fcc_mixture(3, 3, 3), "", "comm_style tiled\nbalance 1.0 rcb"),
    "far ghosts": (fcc_mixture(3, 3, 3), "", "comm_modify cutoff 9.0"),
}
MOVE = MEASURE + dump(every=40) + "timestep 0.0002\nfix move all nve\nthermo 40\nrun 40\n"


@pytest.fixture
def script(tmp_path, three_layer):
    """script(style, box, ...): writes the data file and returns an input of some steps."""

    def write(style, box="cube", model=three_layer, rest=MOVE):
        atoms, before, after = BOXES[box]
        write_data(tmp_path / "data.test", atoms, ELEMENTS, thermal_velocities(atoms, 300))
        return setup(model, ELEMENTS, before=before, precision=style) + f"{after}\nneighbor 0.5 bin\n" + rest

    return write


def assert_same(run, reference, tolerance):
    for frame in (0, -1):
        atoms, others = run.atoms(frame=frame), reference.atoms(frame=frame)
        assert (atoms["id"] == others["id"]).all()
        for name in ("x", "v", "f", "energy", "stress"):
            assert relative_difference(atoms[name], others[name]) < tolerance, name
    assert run.row["PotEng"] == pytest.approx(reference.row["PotEng"], rel=tolerance)


def lists_of(run):
    return int(max(re.findall(r"(\d+) neighbor lists, perpetual", run.output), default=0))


@pytest.mark.parametrize("box", BOXES)
def test_the_trajectory_is_that_of_lists_on_any_number_of_ranks(lammps, script, box):
    for ranks in (1, 8) if box == "cube" else (3,):
        reference = lammps(script("double", box), ranks, timeout=300)
        run = lammps(script("double neighbours own", box), ranks, timeout=300)
        assert lists_of(reference) == 1 and lists_of(run) == 0
        assert_same(run, reference, 1e-11)
        assert run.work == reference.work, "other atoms are computed or sent"


@pytest.mark.parametrize("ranks", [1, 3])
def test_by_lammps_own_exchange_as_well(lammps, script, ranks):
    reference = lammps(script("double"))
    assert_same(lammps(script("double neighbours own exchange lammps"), ranks), reference, 1e-11)


def test_in_mixed_precision_and_by_threads(lammps, script):
    reference = lammps(script("double"))
    for ranks, threads in ((1, 1), (2, 1), (1, 3)):
        run = lammps(script("mixed neighbours own"), ranks, threads=threads)
        assert run.row["PotEng"] == pytest.approx(reference.row["PotEng"], rel=1e-6)
        assert relative_difference(run.atoms()["f"], reference.atoms()["f"]) < 1e-4


def test_of_a_committee(lammps, script, three_layer):
    models = f"{three_layer} {three_layer}"
    runs = [lammps(script(f"double neighbours {whose}", model=models), 2) for whose in ("own", "lammps")]
    assert_same(*runs, 1e-11)


def test_of_sevennet(lammps, tmp_path, golden, golden_model):
    from ase.io import read

    case = "sevennet-one-layer"
    atoms = read(golden(case) / "reference.extxyz", 0)
    elements = sorted(set(atoms.get_chemical_symbols()))
    boundary = " ".join("p" if periodic else "s" for periodic in atoms.pbc)
    write_data(tmp_path / "data.test", atoms, elements)
    runs = [lammps(setup(golden_model(case), elements, boundary=boundary, precision=f"double neighbours {whose}") + RUN_0,
                   ranks) for whose, ranks in (("lammps", 1), ("own", 1), ("own", 2))]
    for run in runs[1:]:
        assert run.row["PotEng"] == pytest.approx(runs[0].row["PotEng"], rel=1e-11)
        assert relative_difference(run.atoms()["f"], runs[0].atoms()["f"]) < 1e-10


def test_atoms_come_and_go_between_runs(lammps, script):
    rest = MEASURE + "run 0\ngroup some id 3 17 40\ndelete_atoms group some\n" + MOVE.replace(MEASURE, "")
    rest += "minimize 0 1e-3 3 3\nrun 5 pre no\nrun 5\n"
    runs = [lammps(script(f"double neighbours {whose}", rest=rest), 2) for whose in ("own", "lammps")]
    assert_same(*runs, 1e-9)


def test_atoms_far_apart(lammps, tmp_path, three_layer):
    from ase import Atoms

    positions = [[1, 1, 1], [1, 1, 3.2], [900, 1, 1], [900, 3.1, 1], [400, 500, 600], [2, 899, 899]]
    write_data(tmp_path / "data.test", Atoms("OCNiOCNi", positions, cell=[1000, 900, 900], pbc=True), ELEMENTS)
    for precision in ("double", "mixed"):
        runs = [lammps(setup(three_layer, ELEMENTS, precision=f"{precision} neighbours {whose}") + RUN_0, 2)
                for whose in ("own", "lammps")]
        assert np.abs(runs[0].atoms()["f"]).max() > 0.01
        assert relative_difference(runs[0].atoms()["f"], runs[1].atoms()["f"]) < 1e-6


ALONE = {  # commands for which a list of LAMMPS is needed, and what is said
    "hybrid": ("", "A pair style beside this one"),
    "exclude": ("group few id 2 17\nneigh_modify exclude group few all\n", "neigh_modify exclude"),
    "include": ("group first type 1 2 3\natom_modify first first\nneigh_modify include first\n", "neigh_modify include"),
    "gcmc": ("fix mc all gcmc 1000000 1 0 1 12345 300.0 -5.0 0.1\n", "Fix mc (gcmc)"),
}


@pytest.mark.parametrize("case", ALONE)
def test_where_only_lists_tell_they_are_taken_and_it_is_said(lammps, script, three_layer, case):
    commands, said = ALONE[case]
    runs = []
    for whose in ("own", "lammps"):
        text = script(f"double neighbours {whose}", rest=commands + MOVE)
        if case == "hybrid":
            pair = f"pair_coeff * * {three_layer} {' '.join(ELEMENTS)}"
            assert pair in text
            text = text.replace("pair_style grapevine", "pair_style hybrid/overlay zbl 0.5 1.0 grapevine")
            text = text.replace(pair, pair.replace("* *", "* * grapevine") + "\npair_coeff * * zbl 6 6")
        runs.append(lammps(text, 2))
    assert_same(*runs, 1e-11)
    warnings = [line for line in runs[0].output.splitlines() if "WARNING" in line and "neighbour list" in line]
    assert len(warnings) == 1 and said in warnings[0]
    assert "needs LAMMPS's neighbour list" not in runs[1].output


def test_another_word_is_refused(lammps, script):
    assert "use own or lammps" in lammps(script("double neighbours mine"), must="fail").output
