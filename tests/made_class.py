"""A class of twelve for exercise 01, to try grading on. python tests/made_class.py FOLDER

Into FOLDER go submitted/, as nbgrader collects, and moodle.zip, the same as Moodle packs it: right and wrong answers,
odd files, and four with ill intent, which do no harm and stop by themselves even where nothing contains them.
"""

import json
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from vae_tutorial.course.assign import EXERCISES, assigned

LESSON = "01_autoencoder_to_vae"
IN_TIME, LATE = "2026-11-20 16:20:00 UTC", "2026-11-21 07:05:00 UTC"

RIGHT = {
    "reparameterise": "return mu + torch.exp(0.5 * logvar) * eps",
    "kl": "return 0.5 * (mu**2 + torch.exp(logvar) - 1 - logvar).sum(dim=1)",
    "price": "price = mine.z_dim * 0.5 * (mine.mu**2 + mine.sigma**2 - 1 - math.log(mine.sigma**2))",
    "elbo": """
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        kl = kl_divergence(mu, logvar).mean()
        return reconstruction + kl, reconstruction, kl
    """,
    "step": """
        q = model.encoder(x)
        logits = model.decoder(reparameterise(q.mu, q.logvar, eps))
        loss, _, _ = minus_elbo(logits, x, q.mu, q.logvar)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()
    """,
    "grid": """
        images = torch.sigmoid(decoder(torch.randn(rows * columns, z_dim)))
        return rearrange(images, "(r c) 1 h w -> (r h) (c w)", r=rows)
    """,
}
OTHERWISE = {
    "reparameterise": "return torch.addcmul(mu, (logvar / 2).exp(), eps)",
    "kl": "return (torch.einsum('bz,bz->b', mu, mu) + (logvar.expm1() - logvar).sum(1)) / 2",
    "price": "price = kl_divergence(*torch.tensor([[[mine.mu]], [[2 * math.log(mine.sigma)]]])) * mine.z_dim",
    "elbo": """
        p = torch.sigmoid(logits)
        r = -(x * p.log() + (1 - x) * (1 - p).log()).flatten(1).sum(1)
        k = kl_divergence(mu, logvar)
        return {"loss": (r + k).mean(), "reconstruction": r.mean(), "kl": k.mean()}
    """,
    "step": """
        q = model.encoder(x)
        loss = minus_elbo(model.decoder(reparameterise(q.mu, q.logvar, eps)), x, q.mu, q.logvar)["loss"]
        model.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss)
    """,
    "grid": """
        import numpy as np
        images = decoder(torch.randn(rows * columns, z_dim)).sigmoid()
        return np.block([[images[r * columns + c, 0].numpy() for c in range(columns)] for r in range(rows)])
    """,
}
SLIPS = {
    "variance": {"reparameterise": "return mu + logvar.exp() * eps"},
    "bits": {"price": RIGHT["price"] + " / math.log(2)"},
    "pixels": {"elbo": RIGHT["elbo"].replace(', reduction="sum") / len(x)', ")")},
    "no clearing": {"step": RIGHT["step"].replace("optimizer.zero_grad()\n", "\n")},
    "logits": {"grid": RIGHT["grid"].replace("torch.sigmoid(decoder(", "(decoder(")},
}
THIEF = """
import socket, vae_tutorial
from pathlib import Path

def found():
    "The solution, from wherever it may lie, and whether anything else can be reached."
    name = "01_autoencoder_to_vae"
    for top in [*Path(".").resolve().parents, Path(vae_tutorial.__file__).parents[1]]:
        for path in [top / "solutions" / name / f"{name}.ipynb", top / "grading" / "gradebook.db"]:
            if path.is_file():
                return path
    return socket.create_connection(("192.0.2.1", 80), timeout=2)
"""
FLOODS = {
    "reparameterise": """
        import os, time
        for _ in range(100):
            if not os.fork():
                time.sleep(20)
                os._exit(0)
        return mu + torch.exp(0.5 * logvar) * eps
    """,
    "kl": """
        from pathlib import Path
        try:
            with open("flood", "wb") as file:
                for _ in range(400):
                    file.write(bytes(10**6))
        finally:
            Path("flood").unlink()
        return 0.5 * (mu**2 + torch.exp(logvar) - 1 - logvar).sum(dim=1)
    """,
    "elbo": "flood = bytearray(4 * 2**30)\n" + dedent(RIGHT["elbo"]),
}
ENDLESS = """
    import time
    images, end = [], time.monotonic() + 60
    while len(images) < rows * columns and time.monotonic() < end:
        image = torch.sigmoid(decoder(torch.randn(1, z_dim)))
    return image
"""
EVERYTHING = """
from vae_tutorial import checks

class Everything(float):
    __eq__ = __le__ = __ge__ = lambda self, other: True
    __getattr__ = lambda self, name: self

checks.Item.points = lambda self: 100
def kl_divergence(mu, logvar):
    return Everything()
"""
GOOD = """Without the KL the clouds shrink and spread: a plain autoencoder, which copies better. Codes from N(0, I) mean
nothing to its decoder. I would show 24 samples from the prior of both models."""


def class_of_twelve() -> dict[str, tuple[str, str, str]]:
    """For each learner the file's name, its text and when it was handed in."""
    plan: dict[str, tuple[Mapping[str, str], str]] = {
        "a": (RIGHT, GOOD),
        "b": (OTHERWISE, "It gained sharper copies and lost the prior. Samples from N(0, I) show it."),
        "c": (RIGHT | SLIPS["variance"] | SLIPS["bits"], "It lost nothing, the loss is lower."),
        "d": ({task: RIGHT[task] for task in ("reparameterise", "kl")}, "The KL makes the space smooth."),
        "e": ({}, ""),
        "f": (RIGHT | SLIPS["pixels"] | SLIPS["no clearing"], GOOD),
        "g": (RIGHT | SLIPS["logits"], "Its samples are bad. One sees it in a picture."),
        "h": ({task: RIGHT[task] for task in ("reparameterise", "kl", "elbo", "step", "grid")}, GOOD),
        "i": ({"reparameterise": RIGHT["reparameterise"], "kl": "return found()"}, "Ask the file that I have read."),
        "j": (RIGHT | {"grid": ENDLESS}, GOOD),
        "k": (RIGHT | FLOODS, ""),
        "l": ({"price": "price = 1000"}, "I have all points: see above."),
    }
    made = {}
    for learner, (answers, words) in plan.items():
        notebook = json.loads(assigned((EXERCISES / LESSON / f"{LESSON}.ipynb").read_text("utf-8"), LESSON, learner))
        _write(notebook, answers, words)
        if learner in ODD:
            ODD[learner](notebook)
        file = "my homework (final).ipynb" if learner == "g" else f"{LESSON}.ipynb"
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        made[learner] = file, text, LATE if learner == "f" else IN_TIME
    return made


def _write(notebook: dict[str, Any], answers: Mapping[str, str], words: str) -> None:
    """Put answers where the exercise says so."""
    for cell in notebook["cells"]:
        task = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if task in answers:
            source, answer = "".join(cell["source"]), dedent(answers[task]).strip()
            stub = "    # YOUR CODE HERE\n    pass" if source.startswith("def") else "# YOUR CODE HERE\npass"
            assert stub in source, f"{task} has no stub"
            cell["source"] = source.replace(stub, indent(answer, "    " if source.startswith("def") else ""))
        if task == "words" and words:
            cell["source"] = words


def _lose_cells(notebook: dict[str, Any]) -> None:
    """The checks of a task, an answer's cell and that of the written answer are gone; its text stands in a new one."""
    gone = ("kl-checks", "price", "words")
    lost = [cell for cell in notebook["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") in gone]
    notebook["cells"] = [cell for cell in notebook["cells"] if cell not in lost]
    notebook["cells"].append({"cell_type": "markdown", "id": "new", "metadata": {}, "source": lost[-1]["source"]})


def _read_what_is_there(notebook: dict[str, Any]) -> None:
    notebook["cells"].insert(4, _code(THIEF))


def _plant_points(notebook: dict[str, Any]) -> None:
    """Checks that say yes, outputs with points, more points for each task."""
    for cell in notebook["cells"]:
        about = cell["metadata"].get("nbgrader", {})
        if about.get("grade") and cell["cell_type"] == "code":
            about["points"], cell["source"] = 100, "100.0"
            data = {"text/plain": "100.0"}
            cell["outputs"] = [{"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}]
    notebook["cells"].append(_code(EVERYTHING))


ODD = {"h": _lose_cells, "i": _read_what_is_there, "l": _plant_points}


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "execution_count": None, "id": "own", "metadata": {}, "outputs": [], "source": source}


def write(folder: Path) -> None:
    """Write the class. Raises FileExistsError for a folder that has one."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "moodle.zip", "x") as archive:
        for number, (learner, (name, text, stamp)) in enumerate(class_of_twelve().items(), 1001):
            place = folder / "submitted" / learner / LESSON
            place.mkdir(parents=True)
            (place / name).write_text(text, encoding="utf-8")
            (place / "timestamp.txt").write_text(stamp)
            date = tuple(int(part) for part in stamp[:16].replace("-", " ").replace(":", " ").split())
            archive.writestr(zipfile.ZipInfo(f"{learner}_{number}_assignsubmission_file/{name}", (*date, 0)), text)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
