"""What one run of a sweep is, and what the names of the methods stand for."""

import math
from collections.abc import Callable
from dataclasses import astuple, dataclass

from vae_tutorial import data
from vae_tutorial.arguments import check_choice, check_number, check_whole
from vae_tutorial.likelihoods import Bernoulli, Gaussian, Likelihood
from vae_tutorial.objectives import Objective
from vae_tutorial.regularizers import DIP, KL, MMD, Capacity, TotalCorrelation


@dataclass(frozen=True)
class Setting:
    """All that tells one run from another; the names are those of the table's first columns.

    weight: what the method makes of it, see METHODS. Raises TypeError or ValueError naming the field that is not
    accepted: at least 2 latents and 2 images a batch, which the measures and some methods need.
    """

    data: str
    method: str
    weight: float
    seed: int = 0
    steps: int = 5000
    z_dim: int = 10
    batch_size: int = 128
    lr: float = 1e-3

    def __post_init__(self) -> None:
        check_choice(self.data, data.NAMES, name="data")
        check_choice(self.method, METHODS, name="method")
        for name, least in (("seed", 0), ("steps", 1), ("z_dim", 2), ("batch_size", 2)):
            object.__setattr__(self, name, check_whole(getattr(self, name), name=name, least=least))
        for name in ("weight", "lr"):  # as float: 4 and 4.0 are one setting
            object.__setattr__(self, name, check_number(getattr(self, name), name=name, positive=name == "lr"))
        self.objective()

    @property
    def key(self) -> tuple[str, ...]:
        """The fields as the table writes them."""
        return tuple(map(str, astuple(self)))

    def objective(self) -> Objective:
        """What the run minimises."""
        return METHODS[self.method](self.weight, self.steps)

    def likelihood(self) -> Likelihood:
        """A WAE's cost is the summed squared error, up to a constant; all others have Bernoulli pixels."""
        return Gaussian(sigma=math.sqrt(1 / 2)) if self.method == "wae-mmd" else Bernoulli()


def _beta_tcvae(weight: float, steps: int) -> Objective:
    if weight < 1:
        raise ValueError(f"weight must be at least 1 for beta-tcvae, where 1 is the VAE, got {weight}")
    return Objective(KL(), TotalCorrelation(weight - 1))


# The objective of a weight, and of the run's steps: beta, the capacity in nats that is reached after half the run, the
# beta of beta-TCVAE, the off-diagonal weights of DIP, the weight of MMD^2.
METHODS: dict[str, Callable[[float, int], Objective]] = {
    "beta-vae": lambda weight, steps: Objective(KL(weight)),
    "capacity": lambda weight, steps: Objective(Capacity(c_max=weight, steps=max(steps // 2, 1))),
    "beta-tcvae": _beta_tcvae,
    "dip-vae-i": lambda weight, steps: Objective(KL(), DIP("i", off_diagonal=weight)),
    "dip-vae-ii": lambda weight, steps: Objective(KL(), DIP("ii", off_diagonal=weight)),
    "wae-mmd": lambda weight, steps: Objective(MMD(weight)),
}
