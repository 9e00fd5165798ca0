#!/usr/bin/env python3
"""Fine-tuning of SevenNet-0 by `grapevine train` and by sevenn's own trainer on one core, in turn (A B A B).

    .venv/bin/python bench/sevennet_training.py DATA.extxyz sevennet-0.safetensors --sevenn-python PYTHON [--rounds 2]

CPU time per atom and epoch: that of a training of some epochs less that of one epoch, so that what comes before and after
does not count. Batches of --batch structures, energies and forces, Adam, float32 in both. PYTHON has sevenn (0.13, PyPI),
whose package holds the checkpoint that sevennet-0.safetensors was imported from.
"""

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

from programs import GRAPEVINE

# As sevenn's own preset for fine-tuning has it, with less printed.
SEVENN = """
model:
    chemical_species: 'auto'
    cutoff: 5.0
    channel: 128
    is_parity: False
    lmax: 2
    num_convolution_layer: 5
    irreps_manual: ["128x0e", "128x0e+64x1e+32x2e", "128x0e+64x1e+32x2e", "128x0e+64x1e+32x2e", "128x0e+64x1e+32x2e", "128x0e"]
    weight_nn_hidden_neurons: [64, 64]
    radial_basis: {{radial_basis_name: 'bessel', bessel_basis_num: 8}}
    cutoff_function: {{cutoff_function_name: 'XPLOR', cutoff_on: 4.5}}
    act_gate: {{'e': 'silu', 'o': 'tanh'}}
    act_scalar: {{'e': 'silu', 'o': 'tanh'}}
    self_connection_type: 'linear'
train:
    random_seed: 1
    is_train_stress: False
    epoch: {epochs}
    loss: 'mse'
    optimizer: 'adam'
    optim_param: {{lr: 0.0001}}
    scheduler: 'exponentiallr'
    scheduler_param: {{gamma: 0.99}}
    force_loss_weight: 1.0
    error_record: [['Energy', 'RMSE'], ['Force', 'RMSE'], ['TotalLoss', 'None']]
    per_epoch: 1000
    continue:
        use_statistic_values_of_checkpoint: True
        checkpoint: '7net-0'
        reset_optimizer: True
        reset_scheduler: True
        reset_epoch: True
data:
    batch_size: {batch}
    data_format: 'ase'
    load_trainset_path: ["{data}"]
"""


def seconds_of(command, folder):
    """CPU time of a command on one core."""
    one = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, **one})
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def per_atom(run, atoms, epochs):
    """Microseconds per atom and epoch; run(epochs) is the CPU time of a training."""
    return 1e6 * (run(1 + epochs) - run(1)) / (epochs * atoms)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--sevenn-python", type=Path, required=True, help="Python that has sevenn")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    data, model = options.data.resolve(), options.model.resolve()
    lines = data.read_text().splitlines()
    atoms, at = 0, 0
    while at < len(lines):
        atoms += int(lines[at])
        at += int(lines[at]) + 2
    with tempfile.TemporaryDirectory() as folder:

        def grapevine(epochs):
            return seconds_of([GRAPEVINE, "train", "--train", data, "--valid", data, "--start", model, "--method", "adamw",
                               "--batch", options.batch, "--epochs", epochs, "--threads", 1, "--overwrite",
                               "-o", "tuned.safetensors"], folder)

        def sevenn(epochs):
            (Path(folder) / "input.yaml").write_text(SEVENN.format(epochs=epochs, batch=options.batch, data=data))
            return seconds_of([options.sevenn_python.absolute().parent / "sevenn", "train", "input.yaml"], folder)

        results = {"grapevine": [], "sevenn": []}
        for _ in range(options.rounds):
            results["grapevine"].append(per_atom(grapevine, atoms, 4))
            results["sevenn"].append(per_atom(sevenn, atoms, 1))
            print("  ".join(f"{name} {values[-1]:.0f}" for name, values in results.items()), flush=True)
    ratios = [b / a for a, b in zip(results["grapevine"], results["sevenn"])]
    print(f"us per atom and epoch: grapevine {statistics.median(results['grapevine']):.0f} (with validation on the same "
          f"structures), sevenn {statistics.median(results['sevenn']):.0f}; {statistics.median(ratios):.1f} times")


if __name__ == "__main__":
    main()
