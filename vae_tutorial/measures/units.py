"""Hidden units that no image wakes."""

from collections.abc import Callable

from jaxtyping import Bool
from torch import Tensor, nn

from vae_tutorial.arguments import check_whole
from vae_tutorial.devices import seeded
from vae_tutorial.measures.latents import Labels
from vae_tutorial.pixels import as_float, check_images
from vae_tutorial.vae import Model, looking, readable

RECTIFIERS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU)


def dead_units(
    model: Model, x: Tensor, y: Labels = None, *, batch_size: int = 1000, seed: int = 0
) -> dict[str, Bool[Tensor, " units"]]:
    """Which units of each hidden layer stay at or below 0 before their activation, whatever the image x [n, c, h, w].

    Of a ReLU such a unit gives 0 and gets no gradient: on these images it is dead. Layer by layer, as "encoder 1",
    "encoder 2", ..., "decoder 1", ...; the unit of a convolution is a channel. The decoder is given one draw from each
    posterior, as in training: the means alone, all near 0 where the code says little, would leave most of it asleep.
    Eval mode, no gradients; the caller's random state is left as found. y: the labels, for a ConditionalVAE. Raises
    TypeError for a network without a rectifier (ReLU, leaky ReLU, ELU, SiLU), and as `check_images` and `check_labels`
    do.
    """
    check_images(x, name="x")
    check_whole(batch_size, name="batch_size")
    labels = [hot.split(batch_size) for hot in model.conditions(readable(y), len(x))]
    awake: dict[str, Tensor] = {}
    ears = [layer.register_forward_pre_hook(_listen(awake, name)) for name, layer in _rectifiers(model).items()]
    try:
        with seeded(seed, model.device), looking(model):
            for batch, *hot in zip(x.split(batch_size), *labels, strict=True):
                q = model.encoder(as_float(batch.to(model.device), model.dtype), *hot)
                model.decoder(q.sample(), *hot)
    finally:
        for ear in ears:
            ear.remove()
    return {name: ~units.cpu() for name, units in awake.items()}


def _listen(awake: dict[str, Tensor], name: str) -> Callable[[nn.Module, tuple[Tensor]], None]:
    """A hook that notes which units, [batch, units, ...], were ever above 0."""

    def hook(_: nn.Module, given: tuple[Tensor]) -> None:
        now = (given[0] > 0).transpose(0, 1).flatten(1).any(1)
        awake[name] = awake[name] | now if name in awake else now

    return hook


def _rectifiers(model: Model) -> dict[str, nn.Module]:
    found: dict[str, nn.Module] = {}
    for side, network in (("encoder", model.encoder), ("decoder", model.decoder)):
        layers = [layer for layer in network.modules() if isinstance(layer, RECTIFIERS)]
        if not layers:
            raise TypeError(f"the {side} must have a ReLU, leaky ReLU, ELU or SiLU, to have units that can die")
        found |= {f"{side} {i}": layer for i, layer in enumerate(layers, start=1)}
    return found
