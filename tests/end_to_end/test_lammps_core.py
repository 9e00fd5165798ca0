"""A model with a core, of which other programs are told nothing: the file says it, and LAMMPS has it on any number of ranks."""

import json
import subprocess

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from lammps_run import BUILD, RUN_0, relative_difference, setup, write_data

ELEMENTS = ["O", "Ni"]


def clusters(count, spacing, seed):
    """Crystals of two elements, shaken, with the energies and forces of a soft pair potential."""
    random = np.random.default_rng(seed)
    frames = []
    for _ in range(count):
        grid = spacing * np.stack(np.meshgrid(*3 * [np.arange(3)], indexing="ij"), -1).reshape(-1, 3)
        atoms = Atoms("ONi" * 13 + "O", grid + random.normal(0, 0.12, grid.shape), cell=3 * [3 * spacing], pbc=True)
        vectors = atoms.get_all_distances(mic=True, vector=True)
        distances = np.linalg.norm(vectors, axis=-1)
        np.fill_diagonal(distances, np.inf)
        energies = np.exp(-distances / 0.6) * 40
        atoms.info["REF_energy"] = energies.sum() / 2
        atoms.arrays["REF_forces"] = -((energies / 0.6 / distances)[..., None] * vectors).sum(1)
        frames.append(atoms)
    return frames


@pytest.fixture(scope="module")
def cored_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("core")
    write(folder / "train.extxyz", clusters(12, 2.4, 1))
    command = [BUILD / "bin" / "grapevine", "train", "--train", folder / "train.extxyz", "--cutoff", "4", "--waves", "4"]
    command += ["--max-order", "1", "--epochs", "3", "--threads", "1", "-o", folder / "model.safetensors"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert "core: repulsion of nuclei (ZBL) below O-O" in done.stdout
    return folder / "model.safetensors"


def core_of(model):
    text = subprocess.run([BUILD / "bin" / "grapevine", "info", "--json", model], capture_output=True, check=True).stdout
    return json.loads(text)["hyperparameters"]["core"]


def test_the_file_says_it(cored_model):
    core = core_of(cored_model)
    assert core["function"] == "zbl"
    assert [pair["species"] for pair in core["pairs"]] == ["O O", "O Ni", "Ni Ni"]
    for pair in core["pairs"]:
        assert 0 < pair["inner"] < pair["outer"] < 2.4
        assert pair["scale"] >= 1


def crowded():
    """Many pairs within the core."""
    atoms = clusters(1, 1.5, 2)[0].repeat((3, 2, 2))
    atoms.arrays.pop("REF_forces")
    atoms.info.clear()
    return atoms


@pytest.mark.parametrize("precision, tolerance", [("double", 1e-10), ("mixed", 1e-5)])
def test_any_number_of_ranks_gives_the_same_numbers(lammps, tmp_path, cored_model, precision, tolerance):
    write_data(tmp_path / "data.test", crowded(), ELEMENTS)
    script = setup(cored_model, ELEMENTS, precision=precision) + RUN_0
    one = lammps(script)
    for ranks in (2, 4):
        run = lammps(script, ranks)
        assert run.row["PotEng"] == pytest.approx(one.row["PotEng"], rel=tolerance)
        for name in ("energy", "f", "stress"):
            assert relative_difference(run.atoms()[name], one.atoms()[name]) < tolerance, name


def test_it_is_zbl_on_top(lammps, tmp_path, cored_model):
    """Well inside, squeezing a pair costs what ZBL says, times the scale, but for what the rest of the model says."""
    pair = core_of(cored_model)["pairs"][0]
    energies = []
    for distance in (0.1, 0.2):
        atoms = Atoms("O2", [[0, 0, 0], [distance, 0, 0]], cell=3 * [20], pbc=True)
        write_data(tmp_path / "data.test", atoms, ELEMENTS)
        energies.append(lammps(setup(cored_model, ELEMENTS) + RUN_0).row["PotEng"])
    length = 0.46850 / (2 * 8**0.23)
    terms = [(0.18175, 3.19980), (0.50986, 0.94229), (0.28022, 0.40290), (0.02817, 0.20162)]
    zbl = [14.399645 * 64 / r * sum(c * np.exp(-d * r / length) for c, d in terms) for r in (0.1, 0.2)]
    assert energies[0] - energies[1] == pytest.approx(pair["scale"] * (zbl[0] - zbl[1]), rel=0.1)


def test_reann_has_no_such_term(cored_model, tmp_path):
    command = [BUILD / "bin" / "grapevine", "export", "--to", "reann", cored_model, tmp_path / "reann"]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "has a core" in refused.stderr and len(refused.stderr.splitlines()) == 1
    subprocess.run([*command, "--without-core"], check=True, capture_output=True)
    assert (tmp_path / "reann" / "REANN.pth").exists()
