"""What the builders of networks share: activations by name, and checks of sizes."""

from collections.abc import Callable, Sequence

from torch import nn

from vae_tutorial.arguments import check_choice, check_number, check_whole

INITIALIZATIONS = ("default", "xavier", "kaiming")
ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "tanh": nn.Tanh, "elu": nn.ELU, "silu": nn.SiLU}


def activation_maker(activation: str, slope: float | None) -> Callable[[], nn.Module]:
    """What makes one activation layer after another; slope: of leaky_relu below 0, None for PyTorch's 0.01.

    Raises ValueError for an unknown activation, or a slope where there is none or that is negative.
    """
    check_choice(activation, ACTIVATIONS, name="activation")
    if slope is None:
        return ACTIVATIONS[activation]
    if activation != "leaky_relu":
        raise ValueError(f"slope must be left out unless activation is leaky_relu, got {slope!r} for {activation}")
    check_number(slope, name="slope")
    return lambda: nn.LeakyReLU(slope)


def initialize(body: nn.Module, initialization: str) -> None:
    """Draw the weights of all fully connected layers of `body` anew; their biases become 0.

    "default" leaves PyTorch's: uniform with standard deviation 1 / sqrt(3 n_in), biases alike. "xavier": uniform with
    variance 2 / (n_in + n_out) (Glorot & Bengio 2010, equation 16). "kaiming": normal with variance 2 / n_in, made for
    ReLU (He et al. 2015, equation 10). Raises ValueError for another name.
    """
    check_choice(initialization, INITIALIZATIONS, name="initialization")
    if initialization == "default":
        return
    for layer in body.modules():
        if isinstance(layer, nn.Linear):
            if initialization == "xavier":
                nn.init.xavier_uniform_(layer.weight)
            else:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)


def check_image_shape(image_shape: Sequence[int]) -> tuple[int, int, int]:
    """Return `image_shape` as a tuple. Raises ValueError unless it is (channels, height, width)."""
    check_sizes(image_shape, name="image_shape")
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (channels, height, width), got {tuple(image_shape)}")
    channels, height, width = image_shape
    return channels, height, width


def check_sizes(sizes: Sequence[int], *, name: str) -> None:
    """Raise ValueError unless `sizes` is a sequence of whole numbers of at least 1."""
    if not isinstance(sizes, Sequence) or any(not isinstance(size, int) or size < 1 for size in sizes):
        given = tuple(sizes) if isinstance(sizes, Sequence) else sizes
        raise ValueError(f"{name} must be made of sizes of at least 1, got {given!r}")


def check_counts(z_dim: int, n_classes: int) -> None:
    """Raise TypeError or ValueError unless there is at least one latent, and no or more classes."""
    check_whole(z_dim, name="z_dim")
    check_whole(n_classes, name="n_classes", least=0)
