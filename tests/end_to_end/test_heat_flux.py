"""compute heat/flux/grapevine: the flux against the time derivative that defines it, the same on any number of ranks,
and in step with what LAMMPS has beside it.
"""

import re

import ase
import ase.build
import numpy as np
import pytest
from ase import units
from ase.data import atomic_masses, atomic_numbers
from lammps_run import (KCAL_PER_MOL_PER_EV, MEASURE, ROOT, dump, fcc_mixture, relative_difference, setup,
                        thermal_velocities, write_data)
from test_lammps_committee import perturb, read_model, write_model

METALS = ["Nb", "Mo", "Ta", "W"]
ALLOY_MODEL = ROOT / "models" / "nbmotaw.safetensors"
ELEMENTS = ["O", "C", "Ni"]
TILTED = fcc_mixture(3, 2, 2, tilt=(1.2, -0.8, 0.9))
MVV2E = 1.0364269e-4  # LAMMPS's own number in units metal: eV of amu (Angstrom/ps)^2

FLUX = """
compute flux all heat/flux/grapevine
thermo_style custom step pe c_flux[*]
thermo_modify format float %.17g norm no
thermo 1
"""
NVE = "timestep 0.0005\nfix move all nve\n"


def moving(atoms, temperature=600.0):
    """Velocities in Angstrom/ps with a drift: fluxes are not to be small by chance."""
    return thermal_velocities(atoms, temperature) + [0.5, -0.8, 0.3]


@pytest.fixture
def start(tmp_path, three_layer):
    """start(...): writes the data file and returns the head of the input script."""

    def write(atoms=TILTED, elements=ELEMENTS, model=None, scale=1.0, **options):
        write_data(tmp_path / "data.test", atoms, elements, scale * moving(atoms))
        return setup(model or three_layer, elements, **options)

    return write


def column(row, name="flux"):
    return np.array([row[f"c_{name}[{n}]"] for n in range(1, 7)])


def flux(run, name="flux"):
    """Total and convective part of the last row."""
    return column(run.row, name)


def formed(run):
    """How often the last run formed the flux, and the numbers it sent each time."""
    (*_, line) = [line for line in run.output.splitlines() if line.startswith("Grapevine: heat flux")]
    times, numbers = re.fullmatch(r"Grapevine: heat flux formed (\d+) times, numbers sent for it (\S+) each time",
                                  line).groups()
    return int(times), float(numbers)


# ---- against the definition


def hot_and_cold(atoms, hot, cold=50.0):
    """Velocities of atoms whose half at large x is hot."""
    x = atoms.positions[:, 0]
    temperatures = np.where(x > np.median(x), hot, cold)
    return thermal_velocities(atoms, 1.0) * np.sqrt(temperatures)[:, None] + [1.0, -2.0, 0.7]


def metal_cluster():
    atoms = ase.build.bulk("W", cubic=True, a=3.24) * (4, 2, 2)
    atoms.symbols = np.random.default_rng(3).choice(METALS, len(atoms))
    atoms.rattle(0.1, seed=4)
    return atoms


def lattice_cluster(elements, distance=2.6):
    """A disturbed fragment of a cubic lattice."""
    places = np.array([[i, j, k] for i in range(4) for j in range(2) for k in range(2)], dtype=float)
    rng = np.random.default_rng(5)
    atoms = ase.Atoms(rng.choice(elements, len(places)), distance * places)
    atoms.positions += rng.uniform(-0.2, 0.2, (len(atoms), 3))
    return atoms


def water_cluster():
    rng = np.random.default_rng(6)
    atoms = ase.Atoms()
    for place in np.ndindex(3, 2, 1):
        one = ase.build.molecule("H2O")
        one.rotate(360 * rng.random(), rng.normal(size=3))
        one.translate(3.0 * np.array(place))
        atoms += one
    return atoms


def isolated(lammps, tmp_path, model, atoms, elements, femtoseconds, hot, precision="double", more=""):
    """A run of a cluster in empty space, every step of which is written."""
    atoms = ase.Atoms(atoms.get_chemical_symbols(), atoms.positions)
    write_data(tmp_path / "data.test", atoms, elements, hot_and_cold(atoms, hot))
    columns = "step c_flux[*] c_full[*]" + (" c_stresses[*]" if more else "")
    measure = re.sub("thermo_style.*", f"thermo_style custom {columns}", MEASURE)
    return lammps(setup(model, elements, boundary="f f f", precision=precision) + f"""
compute flux all heat/flux/grapevine reference no
compute full all heat/flux/grapevine
{measure.replace("thermo_style", more + chr(10) + "thermo_style")}
{dump()}
thermo 1
timestep {femtoseconds / 1000}
fix move all nve
run 40
""", timeout=300)


def energies_per_type(run, elements):
    """What `reference no` leaves out, per type, from the convective parts with it and without."""
    rows, types = run.tables[0], range(1, len(elements) + 1)
    velocities = [np.array([frame["v"][frame["type"] == t].sum(axis=0) for t in types]) for frame in run.frames]
    differences = [column(row, "full")[3:] - column(row)[3:] for row in rows]
    return np.linalg.lstsq(np.hstack(velocities).T, np.concatenate(differences), rcond=None)[0]


def derivative(run, elements, femtoseconds):
    """d/dt of sum_i x_i e_i by central differences, of all steps but the first and last."""
    masses = np.array([atomic_masses[atomic_numbers[element]] for element in elements])
    left_out = energies_per_type(run, elements)
    moments = []
    for frame in run.frames:
        energies = frame["energy"] - left_out[frame["type"] - 1]
        energies += 0.5 * MVV2E * masses[frame["type"] - 1] * (frame["v"] ** 2).sum(axis=1)
        moments.append(energies @ frame["x"])
    return (np.array(moments[2:]) - np.array(moments[:-2])) / (2 * femtoseconds / 1000)


def rms_error(run, elements, femtoseconds, flux_in=column):
    """RMS of the difference over that of the flux, which is `flux_in` a row."""
    expected = derivative(run, elements, femtoseconds)
    fluxes = np.array([flux_in(row)[:3] for row in run.tables[0]])[1:-1]
    return np.sqrt(((fluxes - expected) ** 2).mean() / (expected**2).mean())


def from_stresses(row):
    """LAMMPS's own, with the reference energies left out as well."""
    return column(row, "stresses")[:3] - (column(row, "full") - column(row))[3:]


def test_flux_is_the_time_derivative_that_defines_it(lammps, tmp_path):
    stresses = "compute kin all ke/atom\ncompute stresses all heat/flux kin pe va"
    run = isolated(lammps, tmp_path, ALLOY_MODEL, metal_cluster(), METALS, 0.5, 3000.0, more=stresses)
    assert rms_error(run, METALS, 0.5) < 1e-3
    assert rms_error(run, METALS, 0.5, from_stresses) > 0.1


def test_flux_in_mixed_precision_is_the_time_derivative(lammps, tmp_path):
    run = isolated(lammps, tmp_path, ALLOY_MODEL, metal_cluster(), METALS, 0.5, 3000.0, precision="mixed")
    assert rms_error(run, METALS, 0.5) < 1e-3


# Energies of random weights change faster than those of real atoms: shorter steps.
CASES = {"three-layer": 0.03, "local-s-only": 0.1, "one-layer-tanh": 0.1, "sevennet-parity": 0.1, "nequip-l2-zbl-readout": 0.1,
         "nequip-parity-four-layers": 0.1, "nequix-lmax3": 0.1, "mace-two-heads": 0.1, "mace-mixed-density": 0.1}


@pytest.mark.parametrize("case", CASES)
def test_flux_of_every_architecture_is_the_time_derivative(lammps, tmp_path, golden_model, case):
    model, femtoseconds = golden_model(case), CASES[case]
    elements = read_model(model)[0]["species"].split()
    run = isolated(lammps, tmp_path, model, lattice_cluster(elements), elements, femtoseconds, 2000.0)
    assert rms_error(run, elements, femtoseconds) < 1e-3


@pytest.mark.parametrize("published", ["", "mace/mace-published-spice"])
def test_flux_of_water_is_the_time_derivative(lammps, tmp_path, golden_model, published):
    """Steps are as short as that because the energies of molecules that vibrate are off by the square of a step."""
    model = golden_model(published) if published else ROOT / "models" / "water.safetensors"
    run = isolated(lammps, tmp_path, model, water_cluster(), ["O", "H"], 0.01, 600.0)
    assert rms_error(run, ["O", "H"], 0.01) < 1e-3


def test_flux_of_sevennet_0_is_the_time_derivative(lammps, tmp_path, sevennet_0):
    atoms = ase.build.bulk("Ag", cubic=True, a=4.0) * (2, 2, 1)
    atoms.rattle(0.1, seed=4)
    run = isolated(lammps, tmp_path, sevennet_0, atoms, ["Ag"], 0.5, 1500.0)
    assert rms_error(run, ["Ag"], 0.5) < 1e-3


# ---- the same whoever computes it


@pytest.fixture
def one_rank(lammps, start):
    return flux(lammps(start() + FLUX + "run 0\n"))


@pytest.mark.parametrize("ranks", [2, 3, 4, 8])
def test_number_of_ranks(lammps, start, one_rank, ranks):
    assert relative_difference(flux(lammps(start() + FLUX + "run 0\n", ranks)), one_rank) < 1e-10


@pytest.mark.parametrize("style,ranks", [("exchange lammps", 1), ("exchange lammps", 4), ("neighbours own", 1),
                                         ("neighbours own", 3)])
def test_exchange_and_neighbours(lammps, start, one_rank, style, ranks):
    run = lammps(start(precision=f"double {style}") + FLUX + "run 0\n", ranks)
    assert relative_difference(flux(run), one_rank) < 1e-10


@pytest.mark.parametrize("exchange", ["own", "lammps"])
def test_tiled_communication(lammps, start, one_rank, exchange):
    head = start(precision=f"double exchange {exchange}", before="comm_style tiled")
    run = lammps(head + "balance 1.0 rcb\n" + FLUX + "run 0\n", 3)
    assert relative_difference(flux(run), one_rank) < 1e-10


def test_threads(lammps, start, one_rank):
    run = lammps(start() + FLUX + "run 0\n", 2, threads=2)
    assert "2 MPI tasks x 2 OpenMP threads" in run.output
    assert relative_difference(flux(run), one_rank) < 1e-10


@pytest.mark.parametrize("exchange", ["own", "lammps"])
def test_mixed_precision(lammps, start, one_rank, exchange):
    run = lammps(start(precision=f"mixed exchange {exchange}") + FLUX + "run 0\n", 2)
    assert 0 < relative_difference(flux(run), one_rank) < 1e-4


def test_in_units_real(lammps, start, one_rank):
    run = lammps(start(scale=1e-3, units="real") + FLUX + "run 0\n", 2)
    assert relative_difference(flux(run) * 1e3 / KCAL_PER_MOL_PER_EV, one_rank) < 1e-6


@pytest.mark.parametrize("exchange", ["own", "lammps"])
def test_ranks_without_atoms(lammps, start, exchange):
    few = TILTED[:5]
    few.cell = [40, 40, 40]
    runs = [lammps(start(few, precision=f"double exchange {exchange}") + FLUX + "run 0\n", ranks) for ranks in (1, 8)]
    assert relative_difference(flux(runs[1]), flux(runs[0])) < 1e-10


def test_box_without_any_atom(lammps, start):
    run = lammps(start() + "delete_atoms group all\n" + FLUX + "run 0\n", 2)
    assert not flux(run).any()


def test_along_a_trajectory_and_after_lists_were_made_anew(lammps, start):
    head = start() + "neighbor 0.1 bin\n" + FLUX + NVE
    runs = [lammps(head.replace("double", f"double {style}") + "thermo 5\nrun 25\n", ranks)
            for style, ranks in (("", 1), ("", 4), ("exchange lammps", 3), ("neighbours own", 2))]
    assert int(re.search(r"Neighbor list builds = (\d+)", runs[0].output).group(1)) > 0
    fluxes = [np.array([column(row) for row in run.tables[0]]) for run in runs]
    assert len(fluxes[0]) == 6
    for other in fluxes[1:]:
        assert relative_difference(other, fluxes[0]) < 1e-8


# ---- beside what LAMMPS has


@pytest.mark.parametrize("system", ["metal", "real"])
def test_convective_part_is_that_of_compute_heat_flux(lammps, start, system):
    theirs = "compute ke all ke/atom\ncompute pe all pe/atom\ncompute st all stress/atom NULL virial\n" \
             "compute lmp all heat/flux ke pe st\n"
    head = start(units=system, scale=1.0 if system == "metal" else 1e-3)
    run = lammps(head + theirs + FLUX.replace("c_flux[*]", "c_flux[*] c_lmp[*]") + "run 0\n", 2)
    assert relative_difference(flux(run)[3:], flux(run, "lmp")[3:]) < 1e-12
    assert relative_difference(flux(run)[:3], flux(run, "lmp")[:3]) > 1e-3


def test_groups_add_up_and_share_one_pass(lammps, start):
    groups = "group one type 1\ngroup two type 2\ngroup three subtract all one two\n"
    groups += "".join(f"compute {name} {name} heat/flux/grapevine\n" for name in ("one", "two", "three"))
    wide = FLUX.replace("c_flux[*]", "c_flux[*] c_one[*] c_two[*] c_three[*]")
    run = lammps(start() + groups + wide + NVE + "run 3\n", 2)
    assert formed(run)[0] == 4
    for row in run.tables[0]:
        parts = [column(row, name) for name in ("one", "two", "three")]
        assert min(np.abs(part).max() for part in parts) > 0
        assert relative_difference(sum(parts), column(row)) < 1e-12


def test_flux_of_one_atom_is_its_own(lammps, start):
    """Sum over all atoms, one compute each, against the group of all."""
    ids = range(1, len(TILTED) + 1, 7)
    each = "group some id " + " ".join(map(str, ids)) + "\n"
    each += "".join(f"group g{n} id {n}\ncompute a{n} g{n} heat/flux/grapevine\n" for n in ids)
    each += "compute some some heat/flux/grapevine\n"
    columns = "c_some[*] " + " ".join(f"c_a{n}[*]" for n in ids)
    run = lammps(start() + each + FLUX.replace("c_flux[*]", columns) + "run 0\n", 2)
    assert relative_difference(sum(flux(run, f"a{n}") for n in ids), flux(run, "some")) < 1e-12


def test_reference_energies_stay_out(lammps, tmp_path):
    atoms = metal_cluster()
    velocities = moving(atoms)
    metadata, tensors = read_model(ALLOY_MODEL)
    reference = dict(zip(metadata["species"].split(), tensors["energy.shift"]))
    write_data(tmp_path / "data.test", atoms, METALS, velocities)
    for system, energy, pace in (("metal", 1.0, 1.0), ("real", KCAL_PER_MOL_PER_EV, 1e-3)):
        write_data(tmp_path / "data.test", atoms, METALS, pace * velocities)
        run = lammps(setup(ALLOY_MODEL, METALS, units=system) + "compute bare all heat/flux/grapevine reference no\n"
                     "compute same all heat/flux/grapevine reference yes\n"
                     + FLUX.replace("c_flux[*]", "c_flux[*] c_bare[*] c_same[*]") + "run 0\n", 2)
        assert (flux(run, "same") == flux(run)).all()
        expected = sum(energy * reference[s] * pace * v for s, v in zip(atoms.get_chemical_symbols(), velocities))
        assert relative_difference((flux(run) - flux(run, "bare"))[3:], expected) < 1e-8
        assert relative_difference((flux(run) - flux(run, "bare"))[:3], expected) < 1e-8


def test_atoms_that_are_excluded_count_nothing(lammps, start):
    few = "group few id 2 17 30 31\n"
    run = lammps(start() + few + "neigh_modify exclude group few all\n" + FLUX + "run 0\n", 2)
    without = lammps(start() + few + "delete_atoms group few compress no\n" + FLUX + "run 0\n")
    assert relative_difference(flux(run), flux(without)) < 1e-10


# ---- committees


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """Two models of the same elements."""
    folder = tmp_path_factory.mktemp("members")
    paths = []
    for n in range(2):
        metadata, tensors = read_model(ALLOY_MODEL)
        perturb(tensors, seed=n)
        paths.append(folder / f"m{n}.safetensors")
        write_model(paths[-1], metadata, tensors)
    return paths


@pytest.mark.parametrize("exchange", ["own", "lammps"])
def test_committee(lammps, start, members, exchange):
    atoms = metal_cluster()
    of_one = FLUX.replace("heat/flux/grapevine", "heat/flux/grapevine reference no")
    singles = [flux(lammps(start(atoms, METALS, model=model) + of_one + "run 0\n")) for model in members]
    assert relative_difference(singles[1], singles[0]) > 1e-3
    both = " ".join(map(str, members))
    for driver, expected in (("mean", np.mean(singles, axis=0)), ("first", singles[0])):
        run = lammps(start(atoms, METALS, model=both, precision=f"double committee {driver} exchange {exchange}")
                     + of_one + "run 0\n", 2)
        assert relative_difference(flux(run), expected) < 1e-10


# ---- when it is computed


def test_it_is_computed_in_the_steps_that_ask_for_it(lammps, start):
    """And whether it is looked at changes no bit of the trajectory, nor what the work line says."""
    moved = MEASURE + dump(every=5) + NVE + "thermo 5\nrun 20\n"
    for style in ("mixed", "mixed exchange lammps"):
        blind = lammps(start(precision=style) + moved, 2)
        assert "heat flux" not in blind.output
        seen = lammps(start(precision=style) + moved.replace("atoms temp", "atoms c_flux[1] temp").replace(
            "compute pe", "compute flux all heat/flux/grapevine\ncompute pe"), 2)
        assert formed(seen)[0] == 5
        assert seen.work == blind.work
        for name in ("x", "v", "f"):
            assert (blind.atoms()[name] == seen.atoms()[name]).all(), name


def test_numbers_sent(lammps, start):
    """Three for the velocity, and in each layer five for every one that a row of features has, to each halo atom."""
    run = lammps(start() + FLUX + NVE + "run 10\n", 4)
    times, numbers = formed(run)
    assert times == 11
    per_atom = numbers / run.work["halo"]
    layers = run.work["layers"]
    width = run.work["forward"] / run.work["halo"] / layers
    assert width == int(width)
    stride = (per_atom - 3) / 5 / layers
    assert stride == int(stride) and width <= stride < width + 16
    assert formed(lammps(start() + FLUX + "run 0\n"))[1] == 0


def test_fix_ave_correlate_gets_the_values_of_its_steps(lammps, start, tmp_path):
    """As in a run for a thermal conductivity."""
    asked = "fix c all ave/correlate 2 3 12 c_flux[1] c_flux[2] type auto file c.test\n"
    each = lammps(start() + FLUX + NVE + "run 12\n", 2)
    run = lammps(start() + FLUX + "thermo 100\n" + asked + NVE + "run 12\n", 2)
    assert formed(run)[0] == 7
    fluxes = np.array([column(row)[:2] for row in each.tables[0]])[::2]
    rows = [line.split() for line in (tmp_path / "c.test").read_text().splitlines() if len(line.split()) == 5]
    last = np.array(rows[-3:], dtype=float)
    for lag in range(3):
        count = len(fluxes) - lag
        expected = (fluxes[:count] * fluxes[lag:]).sum(axis=0) / count
        assert last[lag, 2] == count
        assert last[lag, 3:] == pytest.approx(expected, rel=1e-4)


def test_documented_run(lammps, tmp_path):
    """Its conductivity is the integral of what fix ave/correlate has written, in W/(m K)."""
    page = (ROOT / "docs" / "heat-flux.md").read_text()
    script = re.search(r'```lammps title="in.conductivity"\n(.*?)```', page, re.DOTALL).group(1)
    smaller = {"nbmotaw.safetensors": str(ALLOY_MODEL), "0 6 0 6 0 6": "0 3 0 3 0 3", "p equal 1000": "p equal 10",
               "run            5000\n": "run 10\n", "run            500000": "run 100"}
    for long, short in smaller.items():
        assert long in script
        script = script.replace(long, short)
    run = lammps(script + "print 'k $(v_kx:%.15g) $(v_ky:%.15g) $(v_kz:%.15g)'\n", 2)
    assert formed(run)[0] == 21
    lines = (tmp_path / "flux.correlation").read_text().splitlines()
    correlation = np.array([line.split()[3:] for line in lines[-10:]], dtype=float)
    integral = np.trapezoid(correlation, dx=5 * 2e-15, axis=0) * (units._e * 1e-10 / 1e-12) ** 2
    expected = integral / ((3 * 3.185e-10) ** 3 * units._k * 300**2)
    found = re.search(r"^k (\S+) (\S+) (\S+)$", run.output, re.MULTILINE).groups()
    assert np.array(found, dtype=float) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("split", ["run 4\nrun 4\n", "run 4\nrun 4 pre no\n", "run 0\nrun 8 post no\n"])
def test_several_runs_are_as_one(lammps, start, split):
    whole = lammps(start() + FLUX + NVE + "run 8\n", 2)
    parts = lammps(start() + FLUX + NVE + split, 2)
    assert parts.row["Step"] == 8
    assert relative_difference(flux(parts), flux(whole)) < 1e-9


def test_rerun(lammps, start):
    written = "dump t all custom 5 trajectory.dump id type x y z vx vy vz\ndump_modify t format float %.17g\n"
    run = lammps(start() + FLUX + NVE + written + "thermo 5\nrun 10\n", 2)
    again = lammps(start() + FLUX + "thermo 5\nrerun trajectory.dump dump x y z vx vy vz\n", 2)
    for row, other in zip(run.tables[0], again.tables[0], strict=True):
        assert relative_difference(column(other), column(row)) < 1e-8


def test_velocities_set_between_two_runs_of_one_step(lammps, start):
    run = lammps(start() + FLUX + "run 0\nvelocity all scale 100\nvelocity all set 2.0 0.0 0.0 sum yes\nrun 0 pre no\n"
                 "run 0\n", 2)
    first, second, third = (column(table[-1]) for table in run.tables)
    assert relative_difference(second, first) > 0.1
    assert relative_difference(second, third) < 1e-12


def test_minimisation_and_respa(lammps, start):
    run = lammps(start() + FLUX + "minimize 0 1e-3 3 10\nrun 0\n", 2)
    assert relative_difference(column(run.tables[0][-1]), column(run.tables[1][-1])) < 1e-9
    respa = "run_style respa 2 2 pair 2\n"
    plain = lammps(start() + FLUX + NVE + "run 4\n", 2)
    run = lammps(start() + FLUX + NVE + respa + "run 4\n", 2)
    assert relative_difference(flux(run), flux(plain)) < 1e-6


def test_between_runs_there_is_what_the_last_step_had(lammps, start):
    told = 'print "now $(c_flux[1]:%.17g)"\n'
    run = lammps(start() + FLUX + "run 0\n" + told, 2)
    assert float(re.search(r"^now (\S+)$", run.output, re.MULTILINE).group(1)) == flux(run)[0]


def test_clear_and_two_pair_styles(lammps, start):
    once = FLUX + "run 0\n"
    run = lammps(start() + once + "clear\n" + start() + once, 2)
    first, second = (column(table[-1]) for table in run.tables)
    assert (first == second).all()
    again = "pair_style zbl 3.0 4.0\npair_coeff * * 6 6\nuncompute flux\nthermo_style one\nrun 0\n"
    pair = "".join(line + "\n" for line in start().splitlines() if line.startswith("pair_"))
    run = lammps(start() + once + again + pair + once, 2)
    assert relative_difference(flux(run), first) < 1e-12


# ---- what is refused


def assert_refused(lammps, script, *words, ranks=2):
    run = lammps(script, ranks, must="fail", timeout=60)
    assert len(run.errors) == 1, run.errors
    for word in words:
        assert word in run.errors[0], run.errors[0]


@pytest.mark.parametrize("words,told", [("reference", "missing"), ("reference maybe", "maybe"),
                                        ("gauge no", "Unknown argument gauge")])
def test_arguments(lammps, start, words, told):
    assert_refused(lammps, start() + f"compute flux all heat/flux/grapevine {words}\n", told)


@pytest.mark.parametrize("hybrid", ["hybrid", "hybrid/overlay"])
def test_hybrid(lammps, start, three_layer, hybrid):
    style = f"pair_style {hybrid} grapevine double zbl 1.0 2.0\npair_coeff * * grapevine {three_layer} O C Ni\n" \
            "pair_coeff 1 1 zbl 8 8\n"
    assert_refused(lammps, start(style=style) + FLUX + "run 0\n", "Compute flux", hybrid,
                   "pair_style grapevine alone")


@pytest.mark.parametrize("style", ["pair_style zbl 3.0 4.0\npair_coeff * * 8 8\n", "\n"])
def test_without_the_pair_style(lammps, start, style):
    assert_refused(lammps, start(style=style) + FLUX + "run 0\n", "Compute flux", "needs pair_style grapevine")


def test_bonds_with_energies(lammps, three_layer):
    def script(bonds):
        return f"""
units metal
atom_style bond
region box block 0 8 0 8 0 8
create_box 3 box bond/types 1 extra/bond/per/atom 4 extra/special/per/atom 10
create_atoms 1 single 1 1 1
create_atoms 2 single 2.2 1 1
create_atoms 3 single 3 3.5 2
mass * 12
velocity all set 1.0 2.0 3.0
bond_style {bonds}
special_bonds lj/coul 1 1 1
create_bonds single/bond 1 1 2
pair_style grapevine double
pair_coeff * * {three_layer} O C Ni
""" + FLUX + "run 0\n"

    assert np.abs(flux(lammps(script("zero\nbond_coeff 1"), 2))).min() > 0
    assert_refused(lammps, script("harmonic\nbond_coeff 1 1.0 1.2"), "Compute flux", "bond_style harmonic")


def test_box_that_is_deformed(lammps, start):
    deform = "fix d all deform 1 x trate 0.1 remap v\n"
    assert_refused(lammps, start() + FLUX + NVE + deform + "run 5\n", "Compute flux", "fix deform")
    assert len(lammps(start() + FLUX + NVE + deform + "unfix d\nrun 5\n", 2).tables[0]) == 6


def test_between_runs(lammps, start):
    head = start() + FLUX + "thermo_style custom step pe\nrun 2\n"
    assert_refused(lammps, head + 'print "$(c_flux[1])"\n', "Compute flux", "not current between runs")
    moved = head.replace("custom step pe\n", "custom step c_flux[1]\n")
    assert len(lammps(moved + 'print "$(c_flux[1])"\n', 2).tables[0]) == 3


def test_before_the_forces_of_the_step(lammps, start):
    early = "variable early equal c_flux[1]\nfix early all move variable NULL NULL NULL v_early NULL NULL\n"
    assert_refused(lammps, start() + FLUX + "thermo_style custom step pe\n" + early + "run 5\n", "Compute flux",
                   "before the forces of step 1 are computed")


def test_flux_that_is_not_finite(lammps, start):
    fast = "velocity all set 1e200 0 0\n"
    assert_refused(lammps, start() + fast + FLUX + "run 0\n", "heat flux of compute flux", "not finite at step 0")
