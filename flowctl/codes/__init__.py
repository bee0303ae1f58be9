"""Every sort of fault that flowctl reports: one module a family, one constant a code.

The families: E1xx syntax, E2xx schema, E3xx templates and references, E4xx names and graph,
E5xx expressions and types, E6xx files and environment, E7xx runs and resume. An id, once
published, keeps its meaning.
"""

from __future__ import annotations

from flowctl.codes import (
    branches,
    caching,
    environment,
    expressions,
    names,
    replay,
    runs,
    schema,
    syntax,
    templates,
    workflows,
)
from flowctl.diagnostics import Code

FAMILIES = (
    syntax,
    schema,
    templates,
    names,
    workflows,
    branches,
    caching,
    expressions,
    environment,
    runs,
    replay,
)

CODES: dict[str, Code] = {
    code.id: code for family in FAMILIES for code in vars(family).values() if isinstance(code, Code)
}
