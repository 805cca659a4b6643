"""Checkpoints of a run: one safetensors file, replaced as a whole, refused as a whole. Nothing in it can run code."""

import hashlib
import json
import os
import re
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vae_tutorial.devices import get_rng_state, set_rng_state
from vae_tutorial.training.plan import Plan
from vae_tutorial.training.watch import Watch
from vae_tutorial.vae import Model

FORMAT = "vae_tutorial.checkpoint.2"


class CheckpointError(ValueError):
    """The checkpoint file is torn, of another kind, or belongs to another run. Nothing was loaded."""


class Checkpoint:
    """The file of one run, which it knows by its plan, its images and labels, and the repr of its objective."""

    def __init__(self, path: str | Path, plan: Plan, objective: object, images: Tensor, labels: Tensor | None = None):
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"checkpoint must be the path of a file, got {path!r}")
        self.path = Path(path)
        if not self.path.parent.is_dir():
            raise ValueError(f"checkpoint must lie in a folder that exists, got {self.path}")
        objective_name = re.sub(r" at 0x\w+", "", repr(objective))  # an address means nothing in the next process
        self.settings = plan.settings() | {"objective": objective_name, "images": _contents("images", images)}
        if labels is not None:
            self.settings["labels"] = _contents("labels", labels)

    def save(self, model: Model, optimizer: torch.optim.Optimizer, watch: Watch) -> None:
        """Write all that the rest of the run depends on; the file is never seen half-written.

        Raises TrainingDivergedError, and writes nothing, if the run has gone bad.
        """
        watch.look()
        rng = get_rng_state(model.device)
        tensors = (
            _named("model", model.state_dict())
            | _named("adam", _adam_state(optimizer))
            | {f"rng.{i}": state for i, state in enumerate(rng)}
            | {"curves": torch.cat(watch.curves)}
        )
        tensors = {name: value.cpu().contiguous() for name, value in tensors.items()}
        about = {"format": FORMAT, "model": describe(model), "settings": json.dumps(self.settings)}
        about |= {"seconds": str(watch.seconds)}
        partial = self.path.with_name(f"{self.path.name}.partial")
        try:
            save_file(tensors, partial, about | {"digest": digest(tensors, about)})
            os.replace(partial, self.path)
        finally:
            partial.unlink(missing_ok=True)

    def resume(self, model: Model, optimizer: torch.optim.Optimizer, watch: Watch) -> None:
        """Put model, optimizer, random state and curves back to where the file left them.

        Raises CheckpointError, with everything untouched, for a file that is torn, of another kind, or of a run with
        other settings or another model.
        """
        tensors, metadata = self._read()
        self._check(tensors, metadata, model)
        if len(tensors["curves"]) > watch.plan.total:
            raise CheckpointError(
                f"checkpoint {self.path} is {len(tensors['curves'])} steps into its run, more than the "
                f"{watch.plan.total} asked for"
            )
        model.load_state_dict(_part(tensors, "model"))
        for i, parameter in enumerate(optimizer.param_groups[0]["params"]):
            moments = _part(_part(tensors, "adam"), str(i))
            optimizer.state[parameter] = {name: _laid_out(value, parameter) for name, value in moments.items()}
        set_rng_state(model.device, list(_part(tensors, "rng").values()))
        watch.start(tensors["curves"], float(metadata["seconds"]))

    def _read(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        try:
            with safe_open(self.path, framework="pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"checkpoint {self.path} cannot be read ({error}); delete it or give another name"
            ) from error

    def _check(self, tensors: dict[str, Tensor], metadata: dict[str, str], model: Model) -> None:
        if metadata.get("format") != FORMAT:
            raise CheckpointError(f"checkpoint {self.path} is not one that `fit` wrote; give another name")
        about = {name: value for name, value in metadata.items() if name != "digest"}
        if metadata.get("digest") != digest(tensors, about):
            raise CheckpointError(f"checkpoint {self.path} is damaged: its contents miss their digest; delete it")
        saved = json.loads(metadata["settings"])
        for name, now in self.settings.items():
            if saved.get(name) != now:
                raise CheckpointError(
                    f"checkpoint {self.path} is of another run: {name} was {saved.get(name)!r} and is now {now!r}"
                )
        if len(_part(tensors, "rng")) != len(get_rng_state(model.device)):
            raise CheckpointError(f"checkpoint {self.path} was written on another kind of device than {model.device}")
        if metadata["model"] != describe(model):
            raise CheckpointError(f"checkpoint {self.path} is of another model: layers, likelihood or precision differ")


def _adam_state(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    parameters = optimizer.param_groups[0]["params"]
    return {f"{i}.{name}": value for i, p in enumerate(parameters) for name, value in optimizer.state[p].items()}


def _laid_out(value: Tensor, parameter: Tensor) -> Tensor:
    """On the parameter's device, and in memory in its order: Adam's fused kernel walks both side by side."""
    value = value.to(parameter.device)
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value


def _named(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


def _contents(name: str, values: Tensor) -> str:
    return f"{values.dtype} {list(values.shape)} {digest({name: values.cpu()})}"


def describe(model: Model) -> str:
    """What two models must share for the weights of one to be those of the other."""
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    return f"{model!r} {model.likelihood!r} {model.dtype} {shapes}"


def digest(tensors: dict[str, Tensor], about: dict[str, str] | None = None) -> str:
    """A short fingerprint of names and contents, and of what is said about them."""
    running = hashlib.blake2b(json.dumps(about, sort_keys=True).encode(), digest_size=16)
    for name in sorted(tensors):
        running.update(name.encode())
        running.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy().data)
    return running.hexdigest()
