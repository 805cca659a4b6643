"""Lesson 08: fully connected and convolutional VAEs at equal epochs and at equal CPU time, three seeds each, on MNIST.

python results/convolutional_vae.py     writes convolutional_vae.json beside this file, which says how long it took

Always on the CPU: what is compared is the time of a CPU, counted over all threads, so that waiting does not count.
"""

import time

import torch
import torch.nn.functional as F
from _recording import record
from tqdm import tqdm

from vae_tutorial import data
from vae_tutorial.measures import active_units
from vae_tutorial.networks import conv, mlp
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import KL
from vae_tutorial.training import evaluate, fit
from vae_tutorial.vae import VAE

SETTINGS = {"data": "mnist", "epochs": 2, "batch_size": 128, "lr": 1e-3, "z_dim": 16, "shift": 2}
CONV = "conv 16-32"
NETWORKS = {
    CONV: lambda: conv((1, 28, 28), channels=(16, 32), z_dim=SETTINGS["z_dim"]),
    f"{CONV}, no batch norm": lambda: conv((1, 28, 28), (16, 32), SETTINGS["z_dim"], batch_norm=False),
    "MLP 512-256": lambda: mlp(hidden=(512, 256), z_dim=SETTINGS["z_dim"]),
    "MLP 512-256, batch norm": lambda: mlp(hidden=(512, 256), z_dim=SETTINGS["z_dim"], batch_norm=True),
    "MLP 54": lambda: mlp(hidden=(54,), z_dim=SETTINGS["z_dim"]),  # as many parameters as the convolutional one
    "MLP 54, batch norm": lambda: mlp(hidden=(54,), z_dim=SETTINGS["z_dim"], batch_norm=True),
}
TIMED = ("MLP 512-256", "MLP 54")  # these also get the seconds that the convolutional one takes
SEEDS = range(3)


def measure(
    network: str, seed: int, train: data.Images, test: data.Images, seconds: float | None = None
) -> dict[str, float | int | str]:
    """Train one model for SETTINGS' epochs, or for about `seconds` of CPU time, and measure it on the test images."""
    torch.manual_seed(seed)
    model = VAE(*NETWORKS[network]())
    length = {"epochs": SETTINGS["epochs"]} if seconds is None else {"steps": steps_in(seconds, network, train)}
    options = {key: SETTINGS[key] for key in ("batch_size", "lr")}
    began = time.process_time()
    history = fit(model, Objective(KL()), train, seed=seed, device="cpu", progress=False, **length, **options)
    spent = time.process_time() - began
    terms = evaluate(model, Objective(KL()), test)
    shift = SETTINGS["shift"]
    to_the_right = F.pad(test.x[..., :-shift], (shift, 0))
    shifted = evaluate(model, Objective(KL()), to_the_right)
    return {
        "network": network,
        "budget": "epochs" if seconds is None else "seconds",
        "seed": seed,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "steps": len(history),
        "seconds": round(spent, 2),
        "minus_elbo": round(terms.loss.item(), 3),
        "kl": round(terms.kl.item(), 3),
        "minus_elbo_shifted": round(shifted.loss.item(), 3),
        "active_units": active_units(model, test.x),
    }


def steps_in(seconds: float, network: str, train: data.Images, trial: int = 100) -> int:
    """How many steps of training fit into `seconds` of CPU time, by the time that `trial` steps take."""
    with torch.random.fork_rng(devices=[]):
        model = VAE(*NETWORKS[network]())
    options = {"batch_size": SETTINGS["batch_size"], "device": "cpu", "progress": False}
    fit(model, Objective(KL()), train, steps=10, **options)  # the first steps are slower
    began = time.process_time()
    fit(model, Objective(KL()), train, steps=trial, **options)
    return round(trial * seconds / (time.process_time() - began))


def main() -> None:
    train, test = (data.load(SETTINGS["data"], split=split, fallback=False) for split in ("train", "test"))
    started, rows = time.perf_counter(), []
    for seed in tqdm(SEEDS):
        rows += [measure(network, seed, train, test) for network in NETWORKS]
        (seconds,) = (row["seconds"] for row in rows if (row["network"], row["seed"]) == (CONV, seed))
        rows += [measure(network, seed, train, test, seconds) for network in TIMED]
    print(record("convolutional_vae", SETTINGS, rows, time.perf_counter() - started))


if __name__ == "__main__":
    main()
