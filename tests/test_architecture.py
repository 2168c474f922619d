"""Rules of the architecture: imports point one way, starting is light, functions and fan-out stay small."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import pytest

import anybone

PACKAGE = Path(anybone.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

CORE = ("core", "version")
LAYERS = (
    CORE,
    ("io", "export", "metrics", "models"),
    ("saving", "notebook"),
    ("inference",),
    ("interactive",),
    ("training", "synthetic", "evaluation"),
    ("cli", "server", "__main__"),
)
STRANGERS = LAYERS[1]  # parts of one layer that never import one another
LAYER_OF = {part: n for n, parts in enumerate(LAYERS) for part in parts}

HEAVY = {
    "torch",
    "scipy",
    "nibabel",
    "pydicom",
    "SimpleITK",
    "PIL",
    "safetensors",
    "monai",
    "openvino",
    "matplotlib",
    "skimage",
    "trimesh",
    "highdicom",
    "ipyniivue",
}
LIGHT = (
    *CORE,
    "io",
    "export",
    "metrics",
    "saving",
    "notebook",
    "cli",
    "inference.options",
    "evaluation.report",
    "models.registry",
    "models.checkpoint",
    "models.config",
)

MAX_FUNCTION_LINES = 60
MAX_FAN_OUT = 12  # modules of other rooms and of its own that a module imports; `core` is shared vocabulary
FAN_OUT_PARTS = ("core", "io", "export", "metrics", "models", "inference", "interactive")

PUBLIC = {
    "AnyboneError",
    "Box",
    "Geometry",
    "Lasso",
    "MaskHint",
    "Point",
    "Provenance",
    "Scribble",
    "SegmentOptions",
    "Segmentation",
    "Segmenter",
    "Session",
    "Volume",
    "__version__",
    "connect",
    "evaluate",
    "load",
    "read",
    "read_segmentation",
    "view",
    "write",
}


@dataclass(frozen=True)
class Import:
    """One imported module.

    Attributes:
        module: Its full name.
        line: Where.
        at_start: Whether it is loaded as soon as the importing module is.
    """

    module: str
    line: int
    at_start: bool


def name_of(path: Path) -> str:
    """The module's name below `anybone`; empty for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    return module.split(".")[0]


def imports_in(source: str) -> list[Import]:
    return list(_walk(ast.parse(source), at_start=True))


def _walk(node: ast.AST, at_start: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names):
                yield from (Import(alias.name, child.lineno, at_start) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield Import(module, child.lineno, at_start)
                if module == "anybone":
                    yield from (Import(f"anybone.{alias.name}", child.lineno, at_start) for alias in names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from _walk(child, at_start=False)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield from (i for n in child.body for i in _walk(ast.Module([n], []), at_start=False))
                yield from (i for n in child.orelse for i in _walk(ast.Module([n], []), at_start))
            case _:
                yield from _walk(child, at_start)


def wrong_direction(importer: str, imported: str) -> bool:
    """Whether one part of the package may not import another."""
    low, high = LAYER_OF[imported], LAYER_OF[importer]
    return low > high or (low == high and importer != imported and importer in STRANGERS)


UPWARD = {("inference.segmenter", "interactive")}
"""`Segmenter.session` opens a session of the layer above, on its first call."""


def within_package(source: str) -> Iterator[tuple[int, str]]:
    for found in imports_in(source):
        if found.module.startswith("anybone.") and part_of(found.module.removeprefix("anybone.")) in LAYER_OF:
            yield found.line, part_of(found.module.removeprefix("anybone."))


def test_the_rules_see_what_they_forbid() -> None:
    assert wrong_direction("io", "models")
    assert wrong_direction("core", "inference")
    assert wrong_direction("inference", "cli")
    assert not wrong_direction("inference", "models")
    assert not wrong_direction("io", "io")
    source = "from anybone import io\ndef f():\n    import torch.nn\n"
    source += "if TYPE_CHECKING:\n    import scipy\nelse:\n    import PIL\n"
    assert [part for _, part in within_package(source)] == ["io"]
    assert {i.module: i.at_start for i in imports_in(source)} == {
        "anybone": True,
        "anybone.io": True,
        "torch.nn": False,
        "scipy": False,
        "PIL": True,
    }


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_module_has_a_place(path: Path) -> None:
    assert name_of(path) == "" or part_of(name_of(path)) in LAYER_OF


def test_imports_point_one_way() -> None:
    wrong = [
        f"{name_of(path)}:{line} imports {imported}"
        for path in FILES
        if name_of(path)
        for line, imported in within_package(path.read_text(encoding="utf-8"))
        if wrong_direction(part_of(name_of(path)), imported) and (name_of(path), imported) not in UPWARD
    ]
    assert not wrong


def import_cycles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import one another, directly or through others."""

    def reached(start: str) -> set[str]:
        found, todo = set(), list(imports[start])
        while todo:
            module = todo.pop()
            if module in imports and module not in found:
                found.add(module)
                todo += imports[module]
        return found

    below = {module: reached(module) for module in imports}
    groups = {frozenset(other for other in below[m] if m in below[other]) for m in imports if m in below[m]}
    return sorted(sorted(group) for group in groups)


def test_no_modules_import_one_another() -> None:
    assert import_cycles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [["a", "b", "c"]]
    modules = {f"anybone.{name_of(path)}": path for path in FILES if name_of(path)}
    imports = {
        name: modules_at_start(path.read_text(encoding="utf-8"), modules.keys()) - {name}
        for name, path in modules.items()
    }
    assert import_cycles(imports) == []


def modules_at_start(source: str, modules: AbstractSet[str]) -> set[str]:
    """Return the modules that are loaded at import; `from package import module` means the module alone."""
    at_start = {found.line: found for found in imports_in(source) if found.at_start}
    found = {one.module for one in at_start.values()}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.lineno in at_start:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names
            if names <= modules:
                found.discard(node.module)
    return found & modules


def test_the_network_knows_no_volume() -> None:
    imported = {
        part
        for path in (PACKAGE / "models").rglob("*.py")
        for _, part in within_package(path.read_text(encoding="utf-8"))
    }
    assert imported <= {"core", "version", "models"}


@pytest.mark.parametrize("part", ["io", "export", "metrics"])
def test_files_tables_and_metrics_never_need_torch(part: str) -> None:
    wrong = [
        f"{name_of(path)}:{found.line}"
        for path in (PACKAGE / part).rglob("*.py")
        for found in imports_in(path.read_text(encoding="utf-8"))
        if part_of(found.module) == "torch"
    ]
    assert not wrong


def test_what_starts_light_loads_nothing_heavy() -> None:
    wrong = [
        f"{name_of(path)}:{found.line} imports {found.module}"
        for path in FILES
        if name_of(path) == "" or any(f"{name_of(path)}.".startswith(f"{light}.") for light in LIGHT)
        for found in imports_in(path.read_text(encoding="utf-8"))
        if found.at_start and part_of(found.module) in HEAVY
    ]
    assert not wrong


def test_only_the_command_line_talks_to_a_terminal() -> None:
    wrong = [
        f"{name_of(path)}:{found.line}"
        for path in FILES
        if part_of(name_of(path)) != "cli"
        for found in imports_in(path.read_text(encoding="utf-8"))
        if part_of(found.module) in {"typer", "rich", "click"}
    ]
    assert not wrong


def test_the_public_names_are_these() -> None:
    assert set(anybone.__all__) == PUBLIC
    assert len(anybone.__all__) == len(PUBLIC)
    assert set(dir(anybone)) >= PUBLIC
    for name in PUBLIC:
        assert getattr(anybone, name) is not None


@pytest.mark.parametrize(
    "module", ["anybone", *(f"anybone.{name_of(p)}" for p in FILES if p.name == "__init__.py" and name_of(p))]
)
def test_every_listed_name_exists(module: str) -> None:
    loaded = importlib.import_module(module)
    missing = [name for name in getattr(loaded, "__all__", []) if not hasattr(loaded, name)]
    assert not missing


def fan_out(path: Path) -> set[str]:
    """Return the modules of the package outside `core` that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("anybone."):
            folder = PACKAGE.parent / node.module.replace(".", "/")
            modules = {f"{node.module}.{a.name}" for a in node.names if (folder / f"{a.name}.py").exists()}
            found |= modules or {node.module}
    return {name for name in found if part_of(name.removeprefix("anybone.")) not in CORE}


def test_modules_import_few_others() -> None:
    wide = {name_of(path): len(fan_out(path)) for path in FILES if part_of(name_of(path)) in FAN_OUT_PARTS}
    assert wide["interactive.session"] > 8, "the count sees imports"
    assert {name: n for name, n in wide.items() if n > MAX_FAN_OUT} == {}


def test_functions_stay_small() -> None:
    long = {
        f"{name_of(path)}.{node.name}": node.end_lineno - node.lineno + 1
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= MAX_FUNCTION_LINES
    }
    assert long == {}
