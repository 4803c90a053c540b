"""The native search kernels; everything else is configured in pyproject.toml, which has no field
for an extension. It is optional: without a compiler the search runs on torch."""

from pathlib import Path

from setuptools import Extension, setup

NATIVE = Path("kernels/topk/native")

setup(
    ext_modules=[
        Extension(
            "dstilts_kernels.topk._native",
            [str(NATIVE / "search.cpp")],
            depends=[str(header) for header in sorted(NATIVE.glob("*.h"))],
            language="c++",
            # -g0: the compiler that built Python may have asked for symbols, several megabytes.
            extra_compile_args=["-O3", "-std=c++17", "-pthread", "-g0"],
            extra_link_args=["-pthread"],
            optional=True,
        )
    ]
)
