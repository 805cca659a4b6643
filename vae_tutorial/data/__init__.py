"""Image sets by name: `load("mnist")`, from a folder, from the network, or drawn in code where there is neither."""

import logging
import os
from dataclasses import replace

from vae_tutorial.arguments import check_choice, check_whole
from vae_tutorial.data import archives, digits, sprites
from vae_tutorial.data.archives import folder
from vae_tutorial.data.idx import BadFile, DataUnavailable
from vae_tutorial.data.images import Images

__all__ = ["NAMES", "SPLITS", "BadFile", "DataUnavailable", "Images", "digits", "folder", "load", "problems", "sprites"]

logger = logging.getLogger("vae_tutorial")

DRAWN = {"digits": digits, "sprites": sprites}
NAMES = (*archives.ARCHIVES, *DRAWN)
SPLITS = ("train", "test")


def load(
    name: str,
    split: str = "train",
    limit: int | None = None,
    root: str | os.PathLike[str] | None = None,
    *,
    fallback: bool = True,
) -> Images:
    """Load the "train" or "test" split of "mnist", "fashion-mnist", "digits" or "sprites": x uint8, y int64 [n].

    x is [n, 1, 28, 28], of "sprites" [n, 1, 64, 64]; the two sets that are drawn know their `factors`. limit: at most
    this many images, the first ones. root: the folder of the data sets, see `folder`; a set that is not there is
    downloaded into it, and a corrupt file is named and fetched again. Where that fails, one logged sentence says so and
    the same split of "digits" is returned, unless `fallback` is False.
    Raises ValueError for an unknown name or split or limit < 1, TypeError for a limit that is no whole number, and
    DataUnavailable, without fallback, where the set can be neither read nor downloaded.
    """
    check_choice(name, NAMES, name="name")
    check_choice(split, SPLITS, name="split")
    if limit is not None:
        check_whole(limit, name="limit")
    if name in DRAWN:
        return _draw(name, split, limit)
    try:
        return _first(archives.load(name, split, folder(root)), limit)
    except DataUnavailable as error:
        if not fallback:
            raise
        logger.warning("%s; going on with digits, drawn in code", error)
        return _draw("digits", split, limit)


def problems(name: str, split: str = "train", root: str | os.PathLike[str] | None = None) -> list[str]:
    """What keeps a set from being read as it lies in its folder: a sentence per file, none if all is well.

    Never downloads or writes. Raises ValueError for an unknown name or split.
    """
    check_choice(name, NAMES, name="name")
    check_choice(split, SPLITS, name="split")
    return [] if name in DRAWN else archives.problems(name, split, folder(root))


def _draw(name: str, split: str, limit: int | None) -> Images:
    start, stop = DRAWN[name].SPLITS[split]
    return DRAWN[name].make(min(limit or stop, stop - start), seed=0, skip=start)


def _first(images: Images, limit: int | None) -> Images:
    """The first `limit` images, copied so that the rest of the set does not stay in memory behind them."""
    if limit is None or limit >= len(images):
        return images
    return replace(images, x=images.x[:limit].clone(), y=images.y[:limit].clone())
