"""A small judge of images, and whether a conditional model does as it is told in its eyes."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vae_tutorial.arguments import check_whole
from vae_tutorial.devices import seeded
from vae_tutorial.pixels import as_float, check_images
from vae_tutorial.vae import ConditionalVAE


class Classifier(nn.Module):
    """A small convolutional network: images [b, 1, 28, 28] to logits [b, classes].

    `zoo.classifier()` is a trained one. It judges what a generative model draws, so nothing of it may be trained on
    that model's images.
    """

    def __init__(self, n_classes: int = 10):
        super().__init__()
        check_whole(n_classes, name="n_classes", least=2)
        self.n_classes = n_classes
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 64),
            nn.ReLU(),
        )
        self.head = nn.Linear(64, n_classes)

    def forward(self, x: Float[Tensor, "b 1 28 28"]) -> Float[Tensor, "b k"]:
        return self.head(self.features(x))

    @torch.no_grad()
    def classify(self, images: Tensor) -> Int64[Tensor, " n"]:
        """The most likely class of each image [n, 1, 28, 28], uint8 or in [0, 1]. Raises as `check_images` does."""
        device = next(self.parameters()).device
        return torch.cat([self(as_float(part.to(device))).argmax(1) for part in check_images(images).split(1000)]).cpu()


def label_confusion(
    model: ConditionalVAE, classifier: Classifier, *, per_class: int = 100, seed: int = 0
) -> Int64[Tensor, "k k"]:
    """How often `classifier` sees class j in samples that were asked to be class i: counts [i, j].

    `per_class` codes are drawn from the prior, the same for each class. The share on the diagonal, `trace / sum`, is
    how well the model can be controlled by its label, as far as the classifier is right. Raises TypeError for a model
    without labels, ValueError unless both know as many classes.
    """
    check_whole(per_class, name="per_class")
    if not isinstance(model, ConditionalVAE):
        raise TypeError(f"model must be a ConditionalVAE, got {type(model).__name__}")
    if model.n_classes != classifier.n_classes:
        raise ValueError(f"classifier must know the model's {model.n_classes} classes, got {classifier.n_classes}")
    counts = torch.zeros(model.n_classes, model.n_classes, dtype=torch.int64)
    for asked in range(model.n_classes):
        with seeded(seed, model.device):
            seen = classifier.classify(model.sample(per_class, asked).clamp(0, 1))
        counts[asked] = seen.bincount(minlength=model.n_classes)
    return counts
