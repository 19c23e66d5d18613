"""What a process needs before the course's libraries are imported in it: today one cure, for torchvision.

On Linux, PyPI's torchvision is compiled for CUDA. Beside a CPU-only torch its operators cannot be loaded, and its
import stops with `operator torchvision::nms does not exist`, though its data sets, transforms and models need no
operator of their own. Declaring the schemas of the two operators that the import looks for lets it finish; the
operators themselves (`torchvision.ops.nms`, ...) stay absent.
"""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

# torchvision itself says in this module whether its operators could be loaded.
EXTENSION = "torchvision.extension"
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_libraries: list[Any] = []  # torch forgets the schemas of a library that is garbage collected


def prepare_process() -> None:
    """Make `import torchvision` work in this process beside a CPU-only torch; where it works anyway, do nothing.

    Costs nothing until torchvision is imported, and can be called again. Importing `helpers` calls it; workers
    of Dask get it from `helpers.cluster`.
    """
    if EXTENSION in sys.modules:
        _declare_missing_operators(sys.modules[EXTENSION])
    elif not any(isinstance(finder, _TorchvisionCure) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TorchvisionCure())


def _declare_missing_operators(extension: ModuleType) -> None:
    import torch

    # A second declaration of an operator is an error, as is one beside the real operator.
    if not extension._has_ops() and not hasattr(torch.ops.torchvision, "nms"):
        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in SCHEMAS:
            library.define(schema)
        _libraries.append(library)


class _TorchvisionCure(MetaPathFinder):
    """Declares the missing operators right after torchvision has looked for them, before it relies on them."""

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != EXTENSION:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        look_for_operators = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            look_for_operators(module)
            _declare_missing_operators(module)

        spec.loader.exec_module = exec_module
        return spec
