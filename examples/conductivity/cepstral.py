"""Thermal conductivity from a heat flux by cepstral analysis: python cepstral.py FLUX RESULT --temperature K --volume A3 ...

FLUX is an .npy file [sample][xyz] in eV Angstrom/ps, RESULT a JSON file: conductivity and its standard error in W/m/K,
frequencies (THz), the spectrum of the flux in W/m/K, of which the value at zero frequency is the conductivity, as it was
measured (averaged over a window) and as the analysis smoothes it, and what the analysis chose.

The analysis is that of sportran (Ercole, Bertossa, Bisacchi, Baroni, Comput. Phys. Commun. 280, 108470 (2022); method:
Ercole, Marcolongo, Baroni, Sci. Rep. 7, 15835 (2017)). Runs in a Python that has it; conductivity.py calls it.
"""

import argparse
import json

import numpy as np
from sportran import HeatCurrent

WINDOW = 0.1  # THz, of the average of the spectrum that is shown
POINTS = 1000
# Times the number of coefficients that Akaike's criterion chooses. On noise with an exponential autocorrelation, of which
# the answer is known, the criterion's own number gives results that are too low, by 1.7 times their error.
COEFFICIENTS = 1.5


def spectrum(current, values):
    """Frequencies and values (W/m/K) to show, POINTS at the most."""
    every = max(1, len(values) // POINTS)
    return {"frequencies": current.freqs_THz[::every].tolist(),
            "spectrum": (0.5 * current.KAPPA_SCALE * np.asarray(values))[::every].tolist()}


def analyse(flux, options):
    measured = HeatCurrent(flux, DT_FS=options.interval, UNITS="metal", TEMPERATURE=options.temperature,
                           VOLUME=options.volume, PSD_FILTER_W=WINDOW)
    current = measured
    if options.frequency < measured.Nyquist_f_THz:
        current = measured.resample(fstar_THz=options.frequency, PSD_FILTER_W=WINDOW)
    current.cepstral_analysis(aic_Kmin_corrfactor=COEFFICIENTS)
    return {"conductivity": float(current.kappa), "error": float(current.kappa_std),
            "coefficients": int(current.cepf.cutoffK) + 1, "frequency": float(current.Nyquist_f_THz),
            "measured": spectrum(measured, measured.fpsd), "smooth": spectrum(current, current.cepf.psd)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flux")
    parser.add_argument("result")
    parser.add_argument("--interval", type=float, required=True, help="fs between two samples")
    parser.add_argument("--temperature", type=float, required=True, help="K")
    parser.add_argument("--volume", type=float, required=True, help="Angstrom^3")
    parser.add_argument("--frequency", type=float, required=True, help="THz up to which the spectrum is used")
    options = parser.parse_args()
    result = analyse(np.load(options.flux), options)
    with open(options.result, "w") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main()
