"""The command ``demo`` as a module, although its file has no suffix. Standard library only: `peers` uses it."""

from __future__ import annotations

import functools
import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType

from stack.layout import ROOT


@functools.cache
def launcher() -> ModuleType:
    """Loaded once, without leaving bytecode beside it."""
    loader = SourceFileLoader("demo_launcher", str(ROOT / "demo"))
    spec = importlib.util.spec_from_loader("demo_launcher", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = written
    return module
