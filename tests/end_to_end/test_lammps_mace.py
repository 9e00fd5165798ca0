"""MACE models on any number of ranks: densities, transforms, repulsion, vectors and more in the messages, one to four
interactions, and a halo of one cutoff."""

import json
import re
import subprocess

import ase.io
import numpy as np
import pytest
from lammps_run import ROOT, RUN_0, fcc_mixture, relative_difference, setup, thermal_velocities, write_data
from test_lammps_committee import COLUMNS, DEVIATION, assert_deviation, assert_mean
from test_lammps_golden import boundary_of, measure
from test_lammps_nequip import SKIN, assert_halo_of_one_cutoff, assert_same, script
from test_lammps_ranks import halo_atoms

CASES = {  # model: elements, cutoff
    "mace-mixed-density": (["H", "O"], 4.5),  # densities, Agnesi, Gaussians, one head of three
    "mace-one-interaction": (["Si"], 4.0),  # nothing is exchanged
    "mace-two-body-order": (["Ge", "Sb", "Te"], 5.0),
    "mace/four-interactions": (["H", "C"], 4.0),
    "mace/l2": (["Cu", "Au"], 4.5),
    "mace/mp0b3-like": (["O", "Al", "Ti"], 5.0),  # densities, Agnesi, ZBL; one element of four is not there
}
ALL_RANKS = {"mace-mixed-density", "mace/four-interactions"}  # others are tried on two and eight
ROUNDED = {"mace-float32-soft", "mace/mp0a-like", "mace/mp0b3-like"}  # weights and constants are of single precision

# With an edge of 4.5 Angstrom for a cutoff of 4 the eight parts of the cube are barely wider than the halo of 4.4. The
# slab has parts that are narrower. Of the drop's eight parts, side by side, most have no atoms.
CUBE, SLAB, TILTED = (2, 2, 2), (8, 2, 2), (3, 3, 3)
BOXES = {
    "slab": ("processors * 1 1", SLAB, {"edge": 3.6}, "mace-two-body-order", 8),
    "tilted": ("", TILTED, {"edge": 3.7, "tilt": (2.3, -1.1, 1.9)}, "mace-mixed-density", 3),
    "drop": ("processors * 1 1", CUBE, {"edge": 4.5, "room": 3}, "mace-mixed-density", 8),
}


def atoms_of(case, cells=CUBE, edge=4.5, tilt=(0, 0, 0), room=1):
    """A lattice of the case's elements with that edge for a cutoff of 4 Angstrom, in a box that is `room` times as long."""
    elements, cutoff = CASES[case]
    atoms = fcc_mixture(*cells, elements=elements, a=edge * (cutoff + SKIN) / (4.0 + SKIN), tilt=tilt)
    atoms.set_cell(atoms.cell.array * [[room], [1], [1]])
    return atoms


def prepare(folder, case, **shape):
    atoms = atoms_of(case, **shape)
    write_data(folder / "data.test", atoms, CASES[case][0], thermal_velocities(atoms, 300))
    return atoms


def facts_of(grapevine, model):
    return json.loads(subprocess.check_output([grapevine, "info", "--json", model]))


def sent_in_theory(facts):
    """Numbers of an atom in each message: what the edges of all interactions but the first take of a neighbour, with
    channels filled up to a cache line of single precision."""
    widths = []
    for interaction in facts["hyperparameters"]["interactions"][1:]:
        irreps = re.findall(r"(\d+)x(\d)", interaction["edge_input"])
        widths.append(sum((2 * int(order) + 1) * -(-int(channels) // 16) * 16 for channels, order in irreps))
    return widths


def assert_work(run, atoms, widths):
    assert run.work["computed"] == [atoms] * (len(widths) + 1) and run.work["layers"] == len(widths)
    for direction in ("forward", "reverse"):
        assert run.work[direction] == pytest.approx(sum(widths) * run.work["halo"], rel=1e-8)
    if not widths:
        assert run.work["halo"] == run.work["messages"] == 0


@pytest.mark.parametrize("case", CASES)
def test_any_number_of_ranks_gives_the_same_trajectory(lammps, tmp_path, grapevine, golden_model, case):
    elements, cutoff = CASES[case]
    facts = facts_of(grapevine, golden_model(case))
    widths = sent_in_theory(facts)
    assert facts["architecture"] == "mace" and facts["cutoff"] == cutoff and facts["message_width"] == widths
    atoms = prepare(tmp_path, case)
    one = lammps(script(golden_model(case), elements, 10))
    for ranks in (2, 3, 4, 8) if case in ALL_RANKS else (2, 8):
        run = lammps(script(golden_model(case), elements, 10), ranks, timeout=300)
        assert_halo_of_one_cutoff(run, cutoff)
        assert_work(run, len(atoms), widths)
        assert_same(run, one, 1e-10, 0)
        assert_same(run, one, 1e-10, -1)


@pytest.mark.parametrize("box", BOXES)
def test_narrow_tilted_and_empty_parts(lammps, tmp_path, grapevine, golden_model, box):
    before, cells, shape, case, ranks = BOXES[box]
    elements, _ = CASES[case]
    atoms = prepare(tmp_path, case, cells=cells, **shape)
    one = lammps(script(golden_model(case), elements, 10, before))
    run = lammps(script(golden_model(case), elements, 10, before), ranks, timeout=300)
    assert (" 0 min" in re.search(r"Nlocal: .*", run.output).group(0)) == (box == "drop")
    assert_work(run, len(atoms), sent_in_theory(facts_of(grapevine, golden_model(case))))
    assert_same(run, one, 1e-10, 0)
    assert_same(run, one, 1e-10, -1)


@pytest.mark.parametrize(["case", "grid"], [("mace-two-body-order", (1, 1, 1)), ("mace-two-body-order", (7, 1, 1)),
                                            ("mace/four-interactions", (2, 2, 2))])
def test_halo_is_what_theory_says_to_the_atom(lammps, tmp_path, grapevine, golden_model, case, grid):
    elements, cutoff = CASES[case]
    atoms = prepare(tmp_path, case, cells=TILTED)
    run = lammps(script(golden_model(case), elements, 0, f"processors {' '.join(map(str, grid))}"), int(np.prod(grid)))
    assert run.work["halo"] == halo_atoms(atoms, grid, cutoff + SKIN)
    widths = sent_in_theory(facts_of(grapevine, golden_model(case)))
    assert run.work["forward"] == run.work["reverse"] == sum(widths) * run.work["halo"]


@pytest.mark.parametrize(["before", "style"], [
    ("", "exchange lammps"), ("", "neighbours own"), ("comm_style tiled\nbalance 1.0 rcb", "exchange own"),
    ("comm_style tiled\nbalance 1.0 rcb", "neighbours own exchange lammps"),
], ids=["exchange", "neighbours", "tiled", "tiled, both"])
def test_exchange_and_neighbours_by_others_give_the_same_numbers(lammps, tmp_path, golden_model, before, style):
    case = "mace-two-body-order"
    elements, _ = CASES[case]
    prepare(tmp_path, case)
    one = lammps(script(golden_model(case), elements, 5))
    text = script(golden_model(case), elements, 5, precision=f"double {style}")
    run = lammps(text.replace("neighbor", f"{before}\nneighbor", 1), 3)
    assert ("neighbor lists, perpetual" in run.output) == ("neighbours" not in style)
    assert_same(run, one, 1e-10, 0)
    assert_same(run, one, 1e-10, -1)


def test_mixed_precision_on_ranks_and_threads(lammps, tmp_path, golden_model):
    case = "mace-two-body-order"
    elements, _ = CASES[case]
    atoms = prepare(tmp_path, case, cells=TILTED)
    text = script(golden_model(case), elements, 5, precision="mixed")
    one, double = lammps(text), lammps(text.replace("grapevine mixed", "grapevine double"))
    assert abs(one.tables[0][0]["PotEng"] - double.tables[0][0]["PotEng"]) < 6e-6 * len(atoms)
    assert 0 < np.abs(one.atoms(0)["f"] - double.atoms(0)["f"]).max() < 5e-5
    for ranks, threads in ((4, 1), (1, 3), (2, 2)):
        assert_same(lammps(text, ranks, threads=threads), one, 1e-5, 0)


# ---- beside other models


@pytest.mark.parametrize("style", ["double", "double exchange lammps neighbours own"])
def test_committee(lammps, tmp_path, golden_model, style):
    """Of different shapes, elements and cutoffs: scalars are sent by the second, vectors too by the others."""
    models = [golden_model(case) for case in ("mace-mixed-density", "mace-float32-soft", "mace-two-heads")]
    prepare(tmp_path, "mace-mixed-density")
    elements = ["H", "O"]
    singles = [lammps(setup(model, elements) + RUN_0) for model in models]
    thermo = RUN_0.replace(COLUMNS, f"{COLUMNS} {' '.join(f'c_dev[{n}]' for n in range(1, 5))}")
    for ranks in (1, 3):
        run = lammps(setup(" ".join(map(str, models)), elements, precision=style) + DEVIATION + thermo, ranks)
        assert_mean(run, singles)
        assert_deviation(run, tmp_path, singles)


def test_overlay_with_a_pair_potential_and_a_model_of_another_architecture(lammps, tmp_path, golden_model):
    models = [golden_model("mace-float32-soft"), ROOT / "models" / "water.safetensors"]
    elements = ["H", "O"]
    prepare(tmp_path, "mace-mixed-density")
    zbl = "pair_coeff 1 1 zbl 1 1\npair_coeff 1 2 zbl 1 8\npair_coeff 2 2 zbl 8 8\n"
    parts = [lammps(setup(model, elements) + RUN_0) for model in models]
    parts.append(lammps(setup(None, None, style="pair_style zbl 2.0 3.5\n" + zbl.replace("zbl ", "")) + RUN_0))
    style = "pair_style hybrid/overlay grapevine double grapevine double exchange lammps zbl 2.0 3.5\n" + zbl
    for n, model in enumerate(models, 1):
        style += f"pair_coeff * * grapevine {n} {model} H O\n"
    run = lammps(setup(None, None, style=style) + RUN_0, 2)
    assert run.row["PotEng"] == pytest.approx(sum(part.row["PotEng"] for part in parts), rel=1e-10)
    for name in ("f", "energy", "stress"):
        assert relative_difference(run.atoms()[name], sum(part.atoms()[name] for part in parts)) < 1e-10, name


# ---- reference results


@pytest.mark.parametrize("case", ["mace-float32-soft", "mace-mixed-density", "mace-nu-one", "mace-one-interaction",
                                  "mace-two-body-order", "mace-two-heads", "mace/mp0b3-like", "mace/three-interactions"])
def test_lammps_gives_the_reference(lammps, tmp_path, grapevine, golden, golden_model, case):
    frames = ase.io.read(golden(case) / "reference.extxyz", ":")
    head = frames[0].info.get("head")
    energy, force, virial = (1e-7, 1e-6, 1e-5) if case in ROUNDED else (1e-8, 1e-7, 1e-6)
    for atoms in [frame for frame in frames if frame.info.get("head") == head]:
        ase.io.write(tmp_path / "frame.extxyz", atoms)
        program = [grapevine, "evaluate", golden_model(case), tmp_path / "frame.extxyz", "--json"]
        [evaluated] = json.loads(subprocess.check_output(program))["frames"]
        run, forces, stress, energies = measure(lammps, tmp_path, golden_model(case), atoms)
        assert run.row["PotEng"] == pytest.approx(atoms.get_potential_energy(), rel=0, abs=energy * len(atoms))
        assert np.abs(forces - atoms.get_forces()).max() < force
        if "virial" in atoms.info:
            assert np.abs(stress.ravel() - np.ravel(atoms.info["virial"])).max() < virial
        assert np.abs(energies - evaluated["energies"]).max() < 1e-8


PUBLISHED = ["mace/mace-published-gst", "mace/mace-published-spice"]


@pytest.mark.parametrize(["precision", "energy", "force"], [("double", 1e-8, 1e-7), ("mixed", 3e-6, 5e-5)],
                         ids=["double", "mixed"])
@pytest.mark.parametrize("case", PUBLISHED)
def test_published_weights_give_the_reference(lammps, tmp_path, golden, golden_model, case, precision, energy, force):
    for atoms in ase.io.read(golden(case) / "reference.extxyz", ":"):
        elements = sorted(set(atoms.get_chemical_symbols()))
        rotation = write_data(tmp_path / "data.test", atoms, elements)
        text = setup(golden_model(case), elements, boundary=boundary_of(atoms), precision=precision) + RUN_0
        run = lammps(text, 3 if atoms.pbc.all() else 1, timeout=300)
        assert abs(run.row["PotEng"] - atoms.get_potential_energy()) < energy * len(atoms)
        assert np.abs(run.atoms()["f"] @ rotation - atoms.get_forces()).max() < force
