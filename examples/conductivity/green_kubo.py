"""Thermal conductivity from the heat flux in equilibrium: the running integral of Green and Kubo, and cepstral analysis.

Fluxes are [sample][xyz] in eV Angstrom/ps, not divided by the volume; times in ps, conductivities in W/m/K.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from command_line import CHECKOUT, Failure
from report import ConstantEnergy, Estimate, average, measure_constant_energy, read_last_loop

HERE = Path(__file__).resolve().parent
BOLTZMANN = 8.617333e-5  # eV/K
SI = 1602.176634  # W/m/K of one eV/(Angstrom ps K)
USABLE = "import numpy, sportran; numpy.trapz"  # which numpy 2.4 has no longer
INSTALL = "python3 -m venv .venv-sportran && .venv-sportran/bin/pip install sportran==1.0.0rc4 'numpy<2.4'"


@dataclass
class GreenKubo:
    """What an equilibrium run tells. Errors are standard errors of the mean."""

    temperature: Estimate
    volume: float
    energy: ConstantEnergy
    seconds_per_step: float
    ranks: int
    span: float  # ps
    lags: np.ndarray
    correlation: np.ndarray  # of the flux, 1 at lag zero
    integral: np.ndarray  # running integral
    error: np.ndarray
    blocks: Estimate  # the integral, averaged over the second half of the lags
    cepstral: Estimate
    analysis: dict  # what cepstral.py writes


def find_sportran(given):
    """A Python that has sportran: the one given, this one, or that of .venv-sportran in the checkout. Failure if none."""
    candidates = [given] if given else [sys.executable, CHECKOUT / ".venv-sportran/bin/python"]
    reason = ""
    for python in candidates:
        try:
            done = subprocess.run([str(python), "-c", USABLE], capture_output=True, text=True)
        except OSError as error:
            reason = reason or str(error)
            continue
        if done.returncode == 0:
            return python
        reason = reason or (done.stderr.strip().splitlines() or ["it failed"])[-1]
    raise Failure(f"{candidates[0]}: sportran does not run there: {reason}; install it by {INSTALL}, "
                  "or name a Python that has it by --sportran")


def autocorrelation(flux, lags):
    """Mean over components and time origins of flux(0) flux(t), for the first `lags` samples."""
    samples = len(flux)
    padded = np.fft.rfft(flux, 2 * samples, axis=0)
    products = np.fft.irfft(np.abs(padded) ** 2, axis=0)[:lags]
    return products / (samples - np.arange(lags))[:, None]


def running_integral(correlation, interval, temperature, volume):
    """Conductivity (W/m/K) up to each lag, from the autocorrelation [lag][component] of the extensive flux."""
    trapezoids = 0.5 * (correlation[1:] + correlation[:-1]) * interval
    integral = np.concatenate([np.zeros((1, correlation.shape[1])), np.cumsum(trapezoids, axis=0)])
    return SI * integral / (BOLTZMANN * temperature**2 * volume)


def block_integrals(flux, interval, temperature, volume, lags, blocks):
    """Running integrals of equal parts of the run [lag][block x component]. ValueError if parts are too short."""
    length = len(flux) // blocks
    if length < 2 * lags or lags < 4:
        raise ValueError(f"{len(flux)} fluxes are too few for {blocks} blocks and lags of {lags * interval:g} ps")
    parts = [autocorrelation(flux[n * length : (n + 1) * length], lags) for n in range(blocks)]
    return running_integral(np.concatenate(parts, axis=1), interval, temperature, volume)


def standard_error(values):
    """Of the mean over the last axis."""
    return values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])


def cepstral_analysis(python, folder, flux, interval, temperature, volume, frequency):
    """What cepstral.py makes of a flux; files stay in `folder`."""
    np.save(folder / "flux.npy", flux)
    words = [python, HERE / "cepstral.py", folder / "flux.npy", folder / "cepstral.json", "--interval", 1000 * interval,
             "--temperature", temperature, "--volume", volume, "--frequency", frequency]
    done = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{folder}: sportran: {(done.stderr.strip().splitlines() or ['it failed'])[-1]}")
    return json.loads((folder / "cepstral.json").read_text())


def read_flux(path, timestep):
    """The flux of a run of in.flux, and the ps between two samples."""
    table = np.loadtxt(path, ndmin=2)
    return table[:, 1:4], timestep * (table[1, 0] - table[0, 0])


def evaluate(folder, volume, timestep, longest, blocks, frequency, python):
    """A GreenKubo from the files of one run of in.flux; lags up to `longest` ps. Failure if they do not hold it."""
    try:
        flux, interval = read_flux(folder / "flux.txt", timestep)
        energy = measure_constant_energy(folder)
        seconds, ranks, steps, _ = read_last_loop(folder / "log.lammps")
        temperature = average(energy.temperature)
        lags = round(longest / interval) + 1
        integrals = block_integrals(flux, interval, temperature.value, volume, lags, blocks)
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise Failure(f"{folder}: not the files of a finished run of in.flux: {error}") from None
    analysis = cepstral_analysis(python, folder, flux, interval, temperature.value, volume, frequency)
    correlation = autocorrelation(flux, lags).mean(axis=1)
    plateau = integrals[lags // 2 :].mean(axis=0)
    return GreenKubo(
        temperature=temperature, volume=volume, energy=energy, seconds_per_step=seconds / steps, ranks=ranks,
        span=interval * len(flux), lags=interval * np.arange(lags), correlation=correlation / correlation[0],
        integral=integrals.mean(axis=1), error=standard_error(integrals),
        blocks=Estimate(plateau.mean(), standard_error(plateau)),
        cepstral=Estimate(analysis["conductivity"], analysis["error"]), analysis=analysis)
