"""The latent explorer without a browser: what it measures, what it stores, what it refuses."""

import base64
import io
import re
from types import SimpleNamespace

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from PIL import Image
from torch import nn

from vae_tutorial.networks import Decoder, Encoder, mlp
from vae_tutorial.vae import VAE, ConditionalVAE
from vae_tutorial.widgets import LatentExplorer, assets
from vae_tutorial.widgets.models import MAX_IMAGES, measure, take_sample
from vae_tutorial.widgets.still import MAX_BYTES

SHAPE = (1, 4, 5)


def images(n: int = 30, shape: tuple[int, int, int] = SHAPE) -> SimpleNamespace:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (n, *shape), dtype=torch.uint8, generator=generator)
    return SimpleNamespace(x=x, y=torch.arange(n) % 10)


def with_means(*scales: float) -> VAE:
    """A model whose latent i has a posterior N(scale_i, 1): a KL of scale_i^2 / 2, whatever the image."""
    z_dim = len(scales)
    head = nn.Linear(20, 2 * z_dim)
    nn.init.zeros_(head.weight)
    with torch.no_grad():
        head.bias.copy_(torch.tensor([*scales, *[0.0] * z_dim]))
    _, decoder = mlp(SHAPE, (8,), z_dim)
    return VAE(Encoder(nn.Sequential(nn.Flatten(), head), SHAPE, z_dim), decoder)


def test_latents_are_ordered_by_their_kl_in_nats():
    scene = LatentExplorer(with_means(0.1, 2.0, 0.0, 1.0), images()).scene
    assert scene["order"] == [1, 3, 0, 2]
    assert scene["kl"] == pytest.approx([0.005, 2.0, 0.0, 0.5])


def test_without_images_latents_keep_the_order_of_the_model():
    scene = LatentExplorer(with_means(0.1, 2.0, 0.0)).scene
    assert scene["order"] == [0, 1, 2]
    assert scene["kl"] is None
    assert scene["codes"] is None


def test_the_codes_of_the_images_by_class():
    model, data = VAE(*mlp(SHAPE, (8,), z_dim=3)), images()
    codes = LatentExplorer(model, data).scene["codes"]
    z = torch.frombuffer(bytearray(codes["z"]), dtype=torch.float16).view(-1, 3)
    assert torch.equal(z, model.encode(data.x).mu.half())
    assert list(codes["y"]) == data.y.tolist()
    assert LatentExplorer(model, data.x).scene["codes"]["y"] == b""
    assert LatentExplorer(model, SimpleNamespace(x=data.x, y=data.y + 5)).scene["codes"]["y"] == b""  # 15 classes


def test_images_to_start_from_are_of_every_class_with_their_posteriors():
    model, data = VAE(*mlp(SHAPE, (8,), z_dim=3)), images(300)
    examples = LatentExplorer(model, data).scene["examples"]
    assert examples["y"] == sorted([*range(10)] * 2)
    x = torch.frombuffer(bytearray(examples["x"]), dtype=torch.uint8).view(-1, *SHAPE)
    q = model.encode(x)
    torch.testing.assert_close(torch.tensor(examples["mu"]), q.mu)
    torch.testing.assert_close(torch.tensor(examples["sigma"]), q.logvar.div(2).exp())


def test_a_conditional_model_needs_the_classes_of_its_images():
    model, data = ConditionalVAE(*mlp(SHAPE, (8,), z_dim=3, n_classes=10), 10), images()
    explorer = LatentExplorer(model, data)
    expected = model.encode(data.x, data.y).mu
    z = torch.frombuffer(bytearray(explorer.scene["codes"]["z"]), dtype=torch.float16).view(-1, 3)
    assert torch.equal(z, expected.half())
    assert repr(explorer) == "LatentExplorer(z_dim=3, 4x5, n_classes=10)"
    with pytest.raises(ValueError, match=r"images must have labels y for a conditional model"):
        LatentExplorer(model, data.x)


def test_code_class_and_picture_can_be_read_and_the_code_set():
    model = ConditionalVAE(*mlp(SHAPE, (8,), z_dim=3, n_classes=10), 10)
    explorer, seen = LatentExplorer(model), []
    assert explorer.z.tolist() == [0, 0, 0]
    assert explorer.label == 0
    forget = explorer.on_change(lambda z: seen.append(z.tolist()))
    explorer.z = torch.tensor([0.5, -1, 9])
    assert explorer.z.tolist() == [0.5, -1, 9]
    explorer.set_state({"pose": {"z": [1, 2, 0], "label": 7}})  # as the page tells it: 2.0 is 2 in JSON
    assert explorer.z.dtype == torch.float32
    assert seen == [[0.5, -1, 9], [1, 2, 0]]
    expected = model.decode(torch.tensor([[1.0, 2, 0]]), 7)[0]
    torch.testing.assert_close(explorer.image, expected)
    forget()
    explorer.z = torch.zeros(3)
    assert len(seen) == 2
    for wrong in (torch.zeros(2), torch.tensor([0, 0, float("nan")])):
        with pytest.raises(ValueError, match=r"z must be 3 finite numbers"):
            explorer.z = wrong


def test_another_kind_of_model_takes_over_what_it_can_of_the_code():
    explorer = LatentExplorer(ConditionalVAE(*mlp(SHAPE, (8,), z_dim=3, n_classes=10), 10))
    explorer.pose = {"z": [1.0, 2.0, 0.0], "label": 7}
    explorer.set_model(ConditionalVAE(*mlp(SHAPE, (4,), z_dim=3, n_classes=10), 10))
    assert (explorer.z.tolist(), explorer.label) == ([1, 2, 0], 7)
    explorer.set_model(ConditionalVAE(*mlp(SHAPE, (4,), z_dim=3, n_classes=4), 4))
    assert (explorer.z.tolist(), explorer.label) == ([1, 2, 0], 0)
    explorer.set_model(VAE(*mlp(SHAPE, (4,), z_dim=5)))
    assert (explorer.z.tolist(), explorer.label) == ([0] * 5, None)
    assert explorer.image.shape == SHAPE
    explorer.z = torch.ones(5, dtype=torch.float64)
    torch.testing.assert_close(explorer.image, explorer._models[0].decode(torch.ones(1, 5))[0])


class Answers(LatentExplorer):
    """Keeps what it would send."""

    def send(self, content, buffers=None):
        self.sent = content, buffers


def test_the_kernel_decodes_what_the_page_cannot():
    model = VAE(mlp(SHAPE, (8,), 3)[0], Decoder(nn.Sequential(nn.Linear(3, 20), nn.GELU()), SHAPE, 3))
    explorer = Answers(model, images())
    assert explorer.scene["decoder"]["kernel"] == 0
    codes = torch.randn(5, 3)
    explorer._answer(None, {"ask": "a", "model": 0, "codes": codes.tolist(), "label": None}, [])
    content, (data,) = explorer.sent
    assert content == {"answer": "a"}
    picture = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(-1, *SHAPE)
    assert torch.equal(picture, model.decode(codes).clamp(0, 1).mul(255).round().byte())
    for wrong in ({"model": 7}, {"codes": [["x"]]}, {"codes": [[1.0]]}):
        explorer._answer(None, {"ask": "b", "model": 0, "codes": [[0.0] * 3], "label": None} | wrong, [])
        content, buffers = explorer.sent
        assert content["answer"] == "b"
        assert re.match(r"\w+Error: ", content["problem"])
        assert buffers is None


def test_a_sample_is_spread_over_a_sorted_set():
    data = SimpleNamespace(x=torch.zeros(5 * MAX_IMAGES, *SHAPE), y=torch.arange(5 * MAX_IMAGES) // MAX_IMAGES)
    sample = take_sample(data, SHAPE)
    assert len(sample.x) == MAX_IMAGES
    assert sample.y.bincount().tolist() == [MAX_IMAGES // 5] * 5


def test_new_weights_are_measured_on_the_same_images():
    explorer = LatentExplorer(with_means(3.0, 1.0, 0.0), images())
    first, still = explorer.scene["decoder"]["network"]["weights"], explorer._repr_mimebundle_()[0]["image/png"]
    explorer.set_model(with_means(0.0, 1.0, 2.0))
    assert explorer.scene["order"] == [2, 1, 0]
    assert explorer.scene["decoder"]["network"]["weights"] != first
    assert explorer._repr_mimebundle_()[0]["image/png"] != still
    with pytest.raises(ValueError, match=r"images must have shape \[n, 1, 3, 3\] for this model, got \[30, 1, 4, 5\]"):
        explorer.set_model(VAE(*mlp((1, 3, 3), (4,), z_dim=3)))


@pytest.mark.parametrize("z_dim", [1, 2, 12])
@pytest.mark.parametrize("shape", [(1, 4, 5), (3, 8, 8), (1, 100, 3)])
def test_the_still_picture_is_a_small_png(z_dim, shape):
    bundle, _ = LatentExplorer(VAE(*mlp(shape, (8,), z_dim=z_dim)), images(shape=shape))._repr_mimebundle_()
    picture = base64.b64decode(bundle["image/png"])
    assert len(picture) < MAX_BYTES
    assert Image.open(io.BytesIO(picture)).format == "PNG"
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_the_still_picture_stays_small_however_noisy_the_model():
    model = VAE(*mlp((3, 64, 64), (64,), z_dim=2))
    nn.init.normal_(model.decoder.body[-1].weight, std=5)
    picture = base64.b64decode(LatentExplorer(model)._repr_mimebundle_()[0]["image/png"])
    assert len(picture) < MAX_BYTES


def test_the_name_is_the_same_in_every_run():
    assert repr(LatentExplorer(VAE(*mlp(z_dim=16)))) == "LatentExplorer(z_dim=16, 28x28)"
    explorer = LatentExplorer(VAE(*mlp((3, 8, 8), z_dim=2)))
    assert explorer._repr_mimebundle_()[0]["text/plain"] == "LatentExplorer(z_dim=2, 3x8x8)"


def test_looking_leaves_the_model_in_its_mode():
    model = VAE(*mlp(SHAPE, (8,), z_dim=3, batch_norm=True, dropout=0.2))
    model.decoder.eval()
    LatentExplorer(model, images())
    assert model.training
    assert model.encoder.training
    assert not model.decoder.training


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"model": mlp()[1]}, TypeError, r"model must be a vae_tutorial.vae.VAE or ConditionalVAE, got Decoder"),
        ({"images": "mnist"}, TypeError, r"images must be a tensor .* got str"),
        ({"images": torch.zeros(3, 1, 28, 28)}, ValueError, r"images must have shape \[n, 1, 4, 5\].* got \[3, 1, 28"),
        ({"images": torch.zeros(0, *SHAPE)}, ValueError, r"images must hold at least one image"),
        ({"images": torch.zeros(*SHAPE)}, ValueError, r"images must have shape \[n, c, h, w\]"),
        (
            {"images": SimpleNamespace(x=torch.zeros(3, *SHAPE), y=torch.zeros(4).long())},
            ValueError,
            r"images.y must have",
        ),
        ({"span": 0}, ValueError, r"span must be a number from 0.1 to 100, got 0"),
        ({"span": float("nan")}, ValueError, r"span must be"),
        ({"span": True}, ValueError, r"span must be"),
        (
            {"images": SimpleNamespace(x=torch.zeros(3, *SHAPE), y=[1, 2, 3])},
            TypeError,
            r"images.y must be a tensor of",
        ),
        ({"precision": "half"}, ValueError, r"precision must be"),
    ],
)
@pytest.mark.usefixtures("plain")
def test_what_cannot_be_shown_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        LatentExplorer(**({"model": VAE(*mlp(SHAPE, (8,), z_dim=3))} | arguments))


def test_a_diverged_encoder_is_named():
    model = with_means(float("nan"), 1.0)
    with pytest.raises(ValueError, match=r"encoder gives codes that are not finite"):
        measure(model, take_sample(images(), SHAPE))


def test_the_page_gets_one_module_that_asks_for_nothing():
    module = LatentExplorer._esm
    assert len(re.findall(r"^export default", module, re.MULTILINE)) == 1
    unwanted = r"^import |\bimport\(|https?://(?!www\.w3\.org/2000/svg)|\beval\b|\bFunction\b|innerHTML"
    assert not re.search(unwanted, module, re.MULTILINE)
    names = re.findall(r"^(?:export )?(?:const|function) (\w+)", module, re.MULTILINE)
    assert sorted(set(names)) == sorted(names)
    for file in assets.FOLDER.glob("*.js"):
        text = file.read_text()
        assert len(re.findall(r"^import ", text, re.MULTILINE)) == len(assets.IMPORT.findall(text)), file.name
        assert assets.IMPORT.sub("", text) in module, file.name


def test_a_notebook_runs_without_a_front_end(tmp_path):
    source = """
import torch
from vae_tutorial.networks import mlp
from vae_tutorial.vae import VAE
from vae_tutorial.widgets import LatentExplorer
LatentExplorer(VAE(*mlp((1, 8, 8), (16,), z_dim=4)), torch.rand(20, 1, 8, 8))
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, resources=resources, store_widget_state=False).execute()
    (output,) = notebook.cells[0].outputs
    assert output.data["text/plain"] == "LatentExplorer(z_dim=4, 8x8)"
    assert output.data["image/png"]
