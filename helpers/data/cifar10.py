"""CIFAR-10: 60,000 colour photographs of 32 by 32 pixels in ten classes.

Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009; the "python version".
"""

import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from helpers.data.download import Unreachable, download, room_for
from helpers.data.places import obtain
from helpers.data.provenance import Provenance, show
from helpers.words import _

UPSTREAM = Provenance(
    dataset="CIFAR-10",
    kind="upstream",
    rows=60_000,
    unit=_("images"),
    source="https://www.cs.toronto.edu/~kriz/cifar.html",
    licence=_("none stated"),
    citation="Krizhevsky 2009, Learning multiple layers of features from tiny images",
)
URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
CHECKSUM = "md5:c58f30108f718f92721af3b95e74349a"  # as torchvision.datasets.CIFAR10 has it
FOLDER = "cifar-10-batches-py"
TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
SHAPES = ("bars", "cross", "diamond", "disc", "frame", "pillars", "ring", "slash", "square", "triangle")


@dataclass(frozen=True, eq=False)
class CIFAR10:
    """Images uint8 (n, 32, 32, 3): height, width, red-green-blue, as matplotlib draws them. Labels int64 (n,).

    PyTorch wants (n, 3, 32, 32): `torch.from_numpy(images).permute(0, 3, 1, 2)` copies nothing, and leaves the
    memory in the channels-last order that convolutions on a CPU are fastest in.
    """

    train_images: np.ndarray = field(repr=False)
    train_labels: np.ndarray = field(repr=False)
    test_images: np.ndarray = field(repr=False)
    test_labels: np.ndarray = field(repr=False)
    class_names: tuple[str, ...]
    provenance: Provenance = field(repr=False)


def load_cifar10() -> CIFAR10:
    """50,000 images to train and 10,000 to test, in upstream's order; without a network, rendered shapes.

    The stand-in has the same arrays and ten classes of its own (`class_names`): one noisy shape per image, at a
    random place, in random colours. Raises `DownloadError` where a download goes wrong.
    """
    try:
        (names, train, test), _path, where = obtain(FOLDER, _read, _fetch)
        provenance = UPSTREAM.found(len(train[0]) + len(test[0]), where)
    except Unreachable as reason:
        names, train, test = SHAPES, _render(50_000, seed=0), _render(10_000, seed=1)
        detail = _("{reason} Instead: rendered shapes, ten classes of 6,000.").format(reason=reason)
        provenance = UPSTREAM.stand_in(60_000, detail)
    return show(CIFAR10(*train, *test, names, provenance))


def _read(folder: Path) -> tuple:
    """Class names, (images, labels) to train, (images, labels) to test, from upstream's unpacked folder."""
    from helpers.data.pickles import read_pickle

    names = tuple(read_pickle(folder / "batches.meta")["label_names"])
    batches = [_read_batch(folder / name, len(names)) for name in TRAIN_BATCHES]
    train = tuple(np.concatenate(parts) for parts in zip(*batches, strict=True))
    return names, train, _read_batch(folder / "test_batch", len(names))


def _read_batch(path: Path, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    from helpers.data.pickles import read_pickle

    batch = read_pickle(path)
    pixels, labels = np.asarray(batch["data"]), np.asarray(batch["labels"])
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 3072) or labels.max() >= n_classes:
        message = _(
            "{path} is no CIFAR-10 batch: expected uint8 images of 3,072 values and a label for each, "
            "found {dtype} {shape} and {labels} labels."
        )
        raise ValueError(message.format(path=path, dtype=pixels.dtype, shape=pixels.shape, labels=len(labels)))
    # Upstream keeps the three colours of an image one after the other.
    images = np.ascontiguousarray(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return images, labels.astype(np.int64)


def _fetch(target: Path) -> None:
    archive = target.with_name(Path(URL).name)
    download(URL, archive, CHECKSUM)
    with tarfile.open(archive) as file:
        members = [member for member in file.getmembers() if member.name.startswith(f"{FOLDER}/")]
        with room_for(sum(member.size for member in members), target):
            file.extractall(target.parent, members, filter="data")


def _render(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`n` images, equally many of each of the `SHAPES`, in an order drawn from `seed`, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(SHAPES)), n // len(SHAPES))
    images = np.concatenate([_render_shape(shape, n // len(SHAPES), rng) for shape in SHAPES])
    order = rng.permutation(len(labels))
    return images[order], labels[order]


def _render_shape(shape: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` images uint8 (n, 32, 32, 3) of one shape, differing in place, size, the two colours, and noise."""
    centre_x, centre_y = rng.uniform(11, 21, (2, n, 1, 1)).astype(np.float32)
    radius = rng.uniform(6, 10, (n, 1, 1)).astype(np.float32)
    rows, columns = np.mgrid[:32, :32].astype(np.float32)
    x, y = (columns - centre_x) / radius, (rows - centre_y) / radius
    front, back = rng.integers(0, 156, (2, n, 1, 1, 3), dtype=np.uint8)
    noise = rng.integers(0, 100, (n, 32, 32, 3), dtype=np.uint8)
    return np.where(_inside(shape, x, y)[..., None], front, back) + noise


def _inside(shape: str, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Whether the points (x, y), in radii from the centre, lie in the shape."""
    side = np.maximum(abs(x), abs(y))
    match shape:
        case "disc":
            return np.hypot(x, y) < 1
        case "ring":
            return abs(np.hypot(x, y) - 0.8) < 0.2
        case "square":
            return side < 0.9
        case "frame":
            return abs(side - 0.8) < 0.2
        case "triangle":
            return (y < 0.8) & (y > 2 * abs(x) - 1)
        case "diamond":
            return abs(x) + abs(y) < 1
        case "cross":
            return (side < 1) & (np.minimum(abs(x), abs(y)) < 0.3)
        case "slash":
            return (side < 1) & (abs(x + y) < 0.5)
        case "bars":
            return (side < 1) & (np.sin(7 * y) > 0)
        case "pillars":
            return (side < 1) & (np.sin(7 * x) > 0)
    raise ValueError(shape)
