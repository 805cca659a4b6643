"""pythae (Chadebec, Vincent & Allassonnière 2022), as the suite sees it.

Its decoders answer pictures, so the Bernoulli's logits go through a sigmoid first, as in its own default decoder. Its
losses are called through the model's `forward` where that takes what the suite gives, else through `loss_function`.
"""

import logging
import tempfile
from functools import partial
from importlib.metadata import version
from typing import Any

import torch
from pythae import models
from pythae.data.datasets import DatasetOutput
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseDiscriminator, BaseEncoder
from pythae.pipelines import TrainingPipeline
from pythae.trainers import BaseTrainerConfig
from torch import Tensor, nn

from _conforming.pythae_reasons import AXES, CAPACITY, CRITIC, ELBO, SAMPLES, STRATIFIED, SURROGATE, WEIGHTED
from _conforming.suite import Bound, Decode, Subject, Terms

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class _Encoder(BaseEncoder):
    def __init__(self, mu: Tensor, logvar: Tensor):
        super().__init__()
        self.answer = mu, logvar

    def forward(self, x: Tensor) -> ModelOutput:
        mu, logvar = (t.expand(len(x), -1) for t in self.answer)
        return ModelOutput(embedding=mu, log_covariance=logvar)


class _Decoder(BaseDecoder):
    def __init__(self, answer: Decode):
        super().__init__()
        self.answer = answer

    def forward(self, z: Tensor) -> ModelOutput:
        return ModelOutput(reconstruction=self.answer(z))


class _Critic(BaseDiscriminator):
    """Probabilities for the adversarial autoencoder, two logits for the FactorVAE."""

    def __init__(self, judge: Decode, two: bool):
        super().__init__()
        self.judge, self.two = judge, two

    def forward(self, z: Tensor) -> Any:
        logits = self.judge(z)
        return torch.stack([0 * logits, logits], 1) if self.two else ModelOutput(embedding=torch.sigmoid(logits))


def _built(name: str, mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor, **config: Any) -> Any:
    kind = getattr(models, f"{name}_Config", None) or getattr(models, f"{name}Config")
    settings = kind(input_dim=tuple(x.shape[1:]), latent_dim=mu.shape[1], **config)
    return getattr(models, name)(settings, encoder=_Encoder(mu, logvar), decoder=_Decoder(decode))


def _terms(
    name: str, config: dict[str, Any], mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor, likelihood: str
) -> Terms:
    coins = likelihood == "bernoulli"
    answer = (lambda z: torch.sigmoid(decode(z))) if coins else decode
    model = _built(name, mu, logvar, answer, x, reconstruction_loss="bce" if coins else "mse", **config)
    out = model(DatasetOutput(data=x))
    return Terms(out.loss, out.recon_loss, out.reg_loss)


def _weighted(beta: float, mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor) -> Tensor:
    return _terms("BetaVAE", {"beta": beta}, mu, logvar, decode, x, "bernoulli").loss


def _reconstruct(mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor) -> Tensor:
    model = _built("VAE", mu, logvar, lambda z: torch.sigmoid(decode(z)), x).eval()
    return model.reconstruct(x)


def _capacity(mu: Tensor, logvar: Tensor, at: int, warmup: int, c_max: float) -> Tensor:
    x = torch.zeros(len(mu), 1, 1, 1, dtype=mu.dtype)
    model = _built("DisentangledBetaVAE", mu, logvar, lambda z: x, x, beta=1.0, C=c_max, warmup_epoch=warmup)
    return model(DatasetOutput(data=x), epoch=at).loss


def _bound(
    name: str, config: dict[str, Any], part: str, k: int, mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor
) -> Bound:
    model = _built(name, mu, logvar, decode, x, number_samples=k, **config)
    value = -model(DatasetOutput(data=x))[part]
    return Bound(value, torch.autograd.grad(value, (mu, logvar)) if mu.requires_grad else None)


def _get_nll(k: int, mu: Tensor, logvar: Tensor, decode: Decode, x: Tensor) -> Bound:
    """It returns log p(x), whatever its name says, with the constant that the losses leave out, image by image."""
    model = _built("VAE", mu[:1], logvar[:1], decode, x)  # in a batch of the suite all have one posterior
    return Bound(torch.as_tensor(model.get_nll(x, n_samples=k)))


def _mmd_model(name: str, kernel: str, a: Tensor) -> Any:
    return _built(name, a, a, lambda z: a, a, kernel_choice=kernel)


def _kernel(name: str, kernel: str, a: Tensor, b: Tensor) -> Tensor:
    return getattr(_mmd_model(name, kernel, a), f"{kernel}_kernel")(a, b)


def _mmd2(name: str, kernel: str, codes: Tensor, prior: Tensor) -> Tensor:
    posterior = (codes, torch.zeros_like(codes)) if name == "INFOVAE_MMD" else ()
    return _mmd_model(name, kernel, codes).loss_function(codes, codes, codes, prior, *posterior)[-1]


def _wae(codes: Tensor, decode: Decode, x: Tensor) -> tuple[Tensor, Tensor]:
    out = _built("WAE_MMD", codes, codes, decode, x)(DatasetOutput(data=x))
    return out.recon_loss, out.mmd_loss


def _parts(stratified: bool, mu: Tensor, logvar: Tensor, z: Tensor, n: int) -> Tensor:
    seen = []
    for weights in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)):
        charge = dict(zip(("alpha", "beta", "gamma"), weights, strict=True))
        model = _built("BetaTCVAE", mu, logvar, lambda _: z, z, use_mss=stratified, **charge)
        seen.append(model.loss_function(z, z, mu, logvar, z, n)[2])
    return torch.stack(seen)


def _factor(z: Tensor, judge: Decode | None = None) -> Any:
    model = _built("FactorVAE", z, z, lambda _: z, z)
    if judge is not None:
        model.discriminator = _Critic(judge, two=True)
    return model


def _factor_critic(judge: Decode, z: Tensor, prior: Tensor) -> Tensor:
    return _factor(z, judge).loss_function(z, z, z, z, z, prior)[2]


def _adversarial_critic(judge: Decode, z: Tensor, prior: Tensor) -> Tensor:
    model = _built("Adversarial_AE", z, z, lambda _: z, z)
    model.set_discriminator(_Critic(judge, two=False))
    return model.loss_function(z, z, z, prior)[2]


def _train(x: Tensor, seed: int) -> Tensor:
    torch.manual_seed(0)
    model = models.VAE(models.VAEConfig(input_dim=tuple(x.shape[1:]), latent_dim=2, reconstruction_loss="bce"))
    with tempfile.TemporaryDirectory() as folder:
        plan = BaseTrainerConfig(folder, per_device_train_batch_size=16, num_epochs=3, seed=seed, no_cuda=True)
        TrainingPipeline(training_config=plan, model=model)(train_data=x)
    return nn.utils.parameters_to_vector(model.parameters()).detach()


def subjects() -> list[Subject]:
    """What of pythae the suite can ask."""
    logging.disable(logging.INFO)
    its = partial(Subject, "pythae", version("pythae"), constant=False, why=ELBO)
    infovae = {"alpha": 0.0, "lbd": 1.0}  # weight 1 for the KL, 0 for the MMD
    iwae, miwae, piwae = (partial(_bound, name) for name in ("IWAE", "MIWAE", "PIWAE"))
    single = {"number_gradient_estimates": 1}
    return [
        its("VAE", terms=partial(_terms, "VAE", {}), reconstruct=_reconstruct, train=_train),
        its("BetaVAE", terms=partial(_terms, "BetaVAE", {"beta": 1.0}), weighted=_weighted),
        its("DisentangledBetaVAE", capacity=_capacity, why=CAPACITY),
        its(
            "INFOVAE_MMD",
            terms=partial(_terms, "INFOVAE_MMD", infovae),
            kernel=partial(_kernel, "INFOVAE_MMD"),
            mmd2=partial(_mmd2, "INFOVAE_MMD"),
            scales=SCALES,
        ),
        its("WAE_MMD", kernel=partial(_kernel, "WAE_MMD"), mmd2=partial(_mmd2, "WAE_MMD"), wae=_wae, scales=SCALES),
        its("IWAE", bound=partial(iwae, {}, "loss"), why=SURROGATE),
        its("CIWAE, beta = 0", bound=partial(_bound, "CIWAE", {"beta": 0.0}, "loss"), why=SURROGATE),
        its("MIWAE, M = 1", bound=partial(miwae, single, "loss"), why=AXES),
        its("PIWAE, M = 1, encoder's loss", bound=partial(piwae, single, "encoder_loss"), why=AXES),
        its("PIWAE, M = 1, decoder's loss", bound=partial(piwae, single, "decoder_loss"), why=SURROGATE),
        its("VAE.get_nll", bound=_get_nll, constant=True, why=SAMPLES),
        its("BetaTCVAE, use_mss=True", parts=partial(_parts, True), why=dict.fromkeys(("T41b", "T41c"), STRATIFIED)),
        its(
            "BetaTCVAE, use_mss=False",
            parts=partial(_parts, False),
            documented=dict.fromkeys(("T41b", "T41c"), WEIGHTED),
        ),
        its("FactorVAE", shuffle=lambda z: _factor(z)._permute_dims(z), critic=_factor_critic, why=CRITIC),
        its("Adversarial_AE", critic=_adversarial_critic),
    ]
