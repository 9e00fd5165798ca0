"""The validation as Markdown: tables of what was computed, beside reference values."""

# What is shown, how it is called, and its digits.
QUANTITIES = {"a": ("a (Å)", 4), "B": ("B (GPa)", 1), "C11": ("C₁₁ (GPa)", 1), "C12": ("C₁₂ (GPa)", 1),
              "C44": ("C₄₄ (GPa)", 1)}


def columns(references):
    """Where numbers come from, to what the page calls it."""
    return {"model": "model", **{name: source["name"] for name, source in references["sources"].items()}}


def tabulate(crystals, references):
    """element to source to quantity; the bulk modulus is (C11 + 2 C12)/3 for all alike."""
    tables = {}
    for c in crystals:
        own = {"a": c.lattice_constant, "C11": c.c11, "C12": c.c12, "C44": c.c44}
        tables[c.element] = {"model": own, **{name: dict(t) for name, t in references["elements"][c.element].items()}}
        for values in tables[c.element].values():
            values["B"] = bulk_modulus(values["C11"], values["C12"])
    return tables


def bulk_modulus(c11, c12):
    return (c11 + 2 * c12) / 3


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(head, rows):
    return "\n".join([row(head), row(["---"] * len(head)), *map(row, rows)])


def signed(text):
    return text.replace("-", "−")


def elastic_table(tables, names):
    rows = []
    for element, sources in tables.items():
        for quantity, (label, digits) in QUANTITIES.items():
            cells = [signed(f"{sources[name][quantity]:.{digits}f}") if quantity in sources[name] else ""
                     for name in names]
            deviation = 100 * (sources["model"][quantity] / sources["dft"][quantity] - 1)
            accuracy = 2 if quantity == "a" else 0
            rows.append([element if quantity == "a" else "", label, *cells, signed(f"{deviation:+.{accuracy}f} %")])
    return table(["", "", *names.values(), f"model against {names['dft']}"], rows)


def equation_table(crystals):
    rows = []
    for c in crystals:
        equation = c.equation_of_state
        rows.append([c.element, f"{equation.volume:.3f}", f"{equation.bulk_modulus:.1f}",
                     f"{bulk_modulus(c.c11, c.c12):.1f}", f"{equation.derivative:.2f}",
                     f"{1e3 * equation.residual:.2f}"])
    return table(["", "V₀ (Å³/atom)", "B of the fit (GPa)", "B of the elastic constants (GPa)", "B′ of the fit",
                  "left by the fit, RMS (meV/atom)"], rows)


def stability(crystals):
    unstable = [c.element for c in crystals if not c.stable]
    if unstable:
        return f"**Mechanically unstable at 0 K** (Born's conditions are not met): {', '.join(unstable)}."
    return "Born's conditions of mechanical stability are met."


def head(model, digest):
    return f"# Validation of {model}\n\nSHA-256 {digest}\n"


def crystals_section(crystals, tables, references):
    sources = "\n".join(f"- {source['name']}: {source['text']}" for source in references["sources"].values())
    return f"""
## Lattice and elastic constants at 0 K

{elastic_table(tables, columns(references))}

{stability(crystals)}

![Elastic constants](elastic-constants.png)

{sources}

## Equation of state

![Energy against volume](equation-of-state.png)

{equation_table(crystals)}
"""


def runs_section(runs, plan, training_data):
    def line(label, function):
        return [label, *(signed(function(run)) for run in runs)]

    rows = [
        line("mean temperature (K)", lambda r: f"{r.energy.temperature.mean():.0f}"),
        line("at constant energy (ps)", lambda r: f"{r.energy.time[-1] - r.energy.time[0]:.4g}"),
        line("drift of the total energy (meV/atom/ns)", lambda r: f"{r.energy.drift:.3f} ± {r.energy.error:.3f}"),
        line("spread of the total energy (meV/atom)", lambda r: f"{r.energy.energy.std():.4f}"),
        line("lattice constant (Å)", lambda r: f"{r.lattice_constant:.4f}"),
        line("mean pressure (GPa)", lambda r: f"{r.pressure:.2f} ± {r.pressure_error:.2f}"),
        line("largest force on an atom (eV/Å)", lambda r: f"{r.largest_force:.1f}"),
        line("shortest distance of two atoms (Å)", lambda r: f"{r.shortest_distance:.2f}"),
        line("distance of neighbours in the perfect lattice (Å)", lambda r: f"{r.neighbour_distance:.2f}"),
        line("displacement from the mean position, RMS (Å)", lambda r: f"{r.displacement:.3f}"),
        line("displacement over the distance of neighbours", lambda r: f"{r.displacement / r.neighbour_distance:.3f}"),
        line("atoms that moved to another site", lambda r: f"{r.moved} of {r.energy.atoms}"),
    ]
    limits = "shortest distance is {shortest_distance:g} Å and the largest force {largest_force:g} eV/Å"
    return f"""
## Molecular dynamics of the alloy at constant energy

Equimolar NbMoTaW, random on a bcc lattice, {1e3 * plan.timestep:g} fs per step, double precision.

{table(["", *(f"{run.target:g} K" for run in runs)], rows)}

In the DFT data of Li and others the {limits.format(**training_data)}.

![Total energy and temperature](energy-temperature.png)
"""
