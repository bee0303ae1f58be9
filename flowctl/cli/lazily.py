"""A module that is loaded when something in it is first asked for."""

from __future__ import annotations

import sys
from importlib import util


def put_off(name: str) -> None:
    """Lets `import name` succeed at once, until then; nothing happens if it has been loaded.

    For a module of which another's import makes nothing but a name. To be called while there is one
    thread, as `importlib.util.LazyLoader` keeps no other out.

    >>> put_off("importlib.metadata")
    >>> import importlib.metadata
    >>> importlib.metadata.version("click") > "8"
    True
    """
    if name in sys.modules or (spec := util.find_spec(name)) is None or spec.loader is None:
        return
    spec.loader = util.LazyLoader(spec.loader)
    module = util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, module)
