"""Compiles the search kernels for an H100 or H200 without one, and prints what came out, as JSON.

A program of its own, since Triton cannot compile where it interprets:
`python tests/kernels/hopper.py [KERNEL...]`, or `... keys` for what a kernel is compiled anew for.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, CompiledKernel
from triton.runtime.jit import JITFunction

from dstilts_kernels.topk import triton_kernels, triton_pairs
from dstilts_kernels.topk.triton_passes import TritonBackend
from dstilts_kernels.topk.triton_search import Plan
from dstilts_kernels.topk.triton_tiles import HALF_TILES, SINGLE_TILES, Tile

_TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
_POINTERS = {
    "vectors": "fp32", "factors": "fp64", "rounded": "fp16", "norms": "fp64", "limits": "fp32",
    "x_limits": "fp32", "y_limits": "fp32", "counts": "i32", "x_counts": "i32", "y_counts": "i32",
    "x_scales": "fp64", "y_scales": "fp64", "scores": "fp32", "x_scores": "fp32",
    "y_scores": "fp32",
}  # fmt: skip
_KEYS = ("ids", "keys", "fresh", "kept", "merged", "indices", "x_ids", "y_ids", "x_keys", "y_keys")


def compiled(kernel: Any, number: str, warps: int, stages: int, **constants: Any) -> CompiledKernel:
    """The kernel for one set of constants; `number` is the type of the vectors."""
    signature = dict.fromkeys(constants, "constexpr")
    for name in kernel.arg_names:
        rows = {"x": "ROWS", "y": "COLUMNS"}.get(name)
        if rows in constants:
            signature[name] = f"tensordesc<{number}[{constants[rows]},{constants['DEPTH']}]>"
        elif name not in constants:
            signature[name] = _type(name, number)
    places = {name: (place,) for place, name in enumerate(kernel.arg_names)}
    source = ASTSource(
        fn=kernel,
        signature={name: signature[name] for name in kernel.arg_names},
        constexprs={places[name]: value for name, value in constants.items()},
        attrs={
            places[name]: [["tt.divisibility", 16]]
            for name, kind in signature.items()
            if kind.startswith("*")
        },
    )
    options = {"num_warps": warps, "num_stages": stages}
    return triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)


def _type(name: str, number: str) -> str:
    if name in ("x", "y"):
        return f"*{number}"
    if name in _POINTERS:
        return f"*{_POINTERS[name]}"
    if name.endswith("_out") and name[0] in "xy":
        return "*i64"
    return "*i64" if name in _KEYS or name.endswith("fresh") else "i32"


def facts(kernel: CompiledKernel) -> dict[str, Any]:
    """Registers and spilled bytes of a kernel, and counts of instructions that tell how it runs."""
    with tempfile.TemporaryDirectory() as folder:
        binary = Path(folder, "kernel.cubin")
        binary.write_bytes(kernel.asm["cubin"])
        usage = _run("cuobjdump", "-res-usage", str(binary))
        lines = _run("nvdisasm", "-c", str(binary)).splitlines()
    products = [place for place, line in enumerate(lines) if "GMMA" in line] or [0]
    local = [place for place, line in enumerate(lines) if re.search(r"\b(LDL|STL)", line)]
    return {
        "registers": int(re.search(r"REG:(\d+)", usage).group(1)),
        "stack": int(re.search(r"STACK:(\d+)", usage).group(1)),
        "shared": kernel.metadata.shared,
        "tensor_core": sum("GMMA" in line for line in lines),
        "bulk_loads": sum("UTMALDG" in line for line in lines),
        "local_in_loop": sum(products[0] < place < products[-1] for place in local)
        if products
        else 0,
    }


def _run(tool: str, *arguments: str) -> str:
    done = subprocess.run([_TOOLS / tool, *arguments], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def kernels() -> dict[str, Callable[[], CompiledKernel]]:
    """All kernels, and the one that most time goes to with every tile."""
    found: dict[str, Callable[[], CompiledKernel]] = {}
    filters = (("fp16", HALF_TILES), ("bf16", HALF_TILES[:1]), ("fp32", SINGLE_TILES))
    for number, tiles in filters:
        for tile in tiles:
            name = f"filter {number} {tile.rows}x{tile.columns} {tile.warps} {tile.stages}"
            found[name] = partial(_of_pairs, triton_kernels.filter_pairs, number, tile)
    tile = HALF_TILES[0]
    few = Plan(tile).dense_tile
    found["sample"] = partial(_of_pairs, triton_kernels.sample_keys, "fp16", tile, WIDTH=32)
    found["all"] = partial(_of_pairs, triton_kernels.all_keys, "fp16", few, BOTH=True)
    rows = Plan(tile).rows_at_once
    found["prepare"] = partial(
        compiled, triton_kernels.prepare, "fp32", 4, 3, ROWS=rows, DEPTH=tile.depth
    )
    found["merge"] = partial(
        compiled, triton_kernels.merge_lists, "", 4, 3, ROWS=rows, SLOTS=128, STEP=8
    )
    found["rescore"] = partial(
        compiled, triton_pairs.rescore_pairs, "fp32", 4, 3, SCALED=True, PAIRS=16, DEPTH=64
    )
    return found


def _of_pairs(kernel: Any, number: str, tile: Tile, **others: Any) -> CompiledKernel:
    shape = {"ROWS": tile.rows, "COLUMNS": tile.columns, "DEPTH": tile.depth}
    grouped = {"GROUP": tile.group} if "GROUP" in kernel.arg_names else {}
    constants = {**shape, **grouped, **others, "WIDEN": False}
    return compiled(kernel, number, tile.warps, tile.stages, **constants)


class _NoDevice:
    """A driver that says which device to compile for, and is asked for nothing more."""

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", 90, 32)


def compilations(shapes: list[tuple[int, int, int]]) -> list[list[str]]:
    """For each shape (rows, columns, width) of a search what it compiles, computing nothing."""
    triton.runtime.driver.set_active(_NoDevice())
    asked: list[str] = []

    def ask(kernel: Any, key: str, *others: Any) -> None:
        asked.append(f"{kernel.fn.__name__} {key}")

    JITFunction._do_compile = ask
    found = []
    for num_rows, num_columns, width in shapes:
        sides = torch.zeros(num_rows, width), torch.zeros(num_columns, width)
        indices = torch.zeros(num_rows, 7, dtype=torch.int64)
        for plan in (Plan(HALF_TILES[0], dense_below=1000), Plan(HALF_TILES[0])):
            TritonBackend(plan).candidates(*sides, 8, "fp16", True)
        TritonBackend().rescore(*sides, None, None, indices)
        found.append(sorted(set(asked)))
        asked.clear()
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["keys"]:
        result: Any = compilations([(1024, 1536, 64), (1025, 2049, 401), (3001, 1537, 65)])
    else:
        there = kernels()
        result = {name: facts(there[name]()) for name in sys.argv[1:] or there}
    json.dump(result, sys.stdout, indent=1)
