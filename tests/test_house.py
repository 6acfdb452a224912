"""House rules: public names, floors, lengths. Read from the source, without importing a framework."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

import pytest

import xlosses
import xlosses.keras
from xlosses.testing import CASES

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "xlosses"
FILES = sorted(SRC.rglob("*.py"))
LOSSES = sorted({case.loss_name for case in CASES.values()})
TOOLS = ["engine", "evaluate", "formula", "hessian_diagonal", "smooth_labels", "sums", "value_and_grad"]
KERAS = xlosses.keras.__all__
KERAS_TOOLS = ["deserialize", "get", "serialize"]

# From the ground up; a file imports from floors below it, and from its own.
FLOORS = [
    *(
        "_typing",
        "_backends",
        "_core",
        "_engine",
        "_evaluate",
        "_sums",
        "_value_and_grad",
        "_hessian_diagonal",
    ),
    *("losses", "", "keras", "boosting", "testing", "_cli", "__main__"),
]
FRAMEWORKS = {"numpy", "torch", "jax", "jaxlib", "mlx", "array_api_compat", "array_api_strict"}

docs = "\n".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))


def module_of(path: Path) -> str:
    return ".".join(("xlosses", *path.relative_to(SRC).with_suffix("").parts)).removesuffix(".__init__")


def floor_of(module: str) -> int:
    return FLOORS.index(module.partition(".")[2].partition(".")[0])


def imports_of(path: Path, everywhere: bool = True) -> set[str]:
    """The modules that a file imports; by its head alone, or in its functions as well."""
    tree = ast.parse(path.read_text())
    known = {module_of(p) for p in FILES}
    found = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= inside or {node.module}
    return found


def test_public_names():
    assert xlosses.__all__ == sorted(xlosses.__all__)
    assert sorted([*LOSSES, *TOOLS]) == xlosses.__all__
    public = {name for name, value in vars(xlosses).items() if name[0] != "_" and not inspect.ismodule(value)}
    assert public == set(xlosses.__all__)


def test_version():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert xlosses.__version__ == declared["version"]
    assert not hasattr(xlosses, "no_such_loss")


@pytest.mark.parametrize(
    "name", [*xlosses.__all__, *(f"keras.{name}" for name in KERAS), "boosting.objective"]
)
def test_docs_have_a_line(name):
    kind = "class" if name.rpartition(".")[2][0].isupper() else "function"
    assert f".. auto{kind}:: xlosses.{name}\n" in docs


def test_public_names_of_keras():
    assert sorted(KERAS, key=lambda name: (not name.isupper(), name)) == KERAS
    public = {name for name, value in vars(xlosses.keras).items() if not inspect.ismodule(value)}
    assert {name for name in public if name[0] != "_" and name != "annotations"} == set(KERAS)


@pytest.mark.parametrize("name", [name for name in KERAS if name not in ("Loss", *KERAS_TOOLS)])
def test_keras_finds_every_loss_by_name(name):
    found = xlosses.keras.get(name)
    assert type(found) is getattr(xlosses.keras, name) or found is getattr(xlosses.keras, name)


def test_pages_name_every_loss():
    for page in ("CHANGELOG.md", "README.md", "docs/index.md", "docs/formulas.md"):
        text = (ROOT / page).read_text()
        assert [name for name in LOSSES if f"`{name}`" not in text] == []


def test_the_gallery_has_every_loss():
    """The message says which has no picture."""
    sys.path.append(str(ROOT / "docs"))
    try:
        import make_gallery
    finally:
        sys.path.remove(str(ROOT / "docs"))
    make_gallery.check()
    shown = [loss for _, losses in make_gallery.families().values() for loss in losses]
    assert sorted(shown) == LOSSES


@pytest.mark.parametrize(
    "documented",
    [
        *(getattr(xlosses, name) for name in LOSSES),
        *(getattr(xlosses.keras, name) for name in KERAS if name not in ("Loss", *KERAS_TOOLS)),
    ],
    ids=lambda f: f.__name__,
)
def test_docstring_sections(documented):
    text = inspect.getdoc(documented)
    wanted = ["Parameters", "Returns", "Raises", "Notes", "References", "Examples"]
    places = [text.find(f"\n{section}\n{'-' * len(section)}\n") for section in wanted]
    assert min(places) > 0, f"misses {wanted[places.index(min(places))]}"
    assert places == sorted(places)
    assert ".. math::" in text
    assert "Gradient" in text or "gradient" in text
    assert ">>> " in text
    head, *rest = text.splitlines()
    assert head.endswith((".", ":", "similar."))
    assert rest[0] == ""
    parameters = text[places[0] : places[1]]
    signature = inspect.signature(documented).parameters
    assert [name for name in signature if name not in parameters] == []


@pytest.mark.parametrize(
    "tool",
    [
        *(getattr(xlosses, name) for name in TOOLS),
        *(getattr(xlosses.keras, name) for name in ("Loss", *KERAS_TOOLS)),
    ],
    ids=lambda tool: tool.__name__,
)
def test_docstring_sections_of_tools(tool):
    text = inspect.getdoc(tool)
    for section in ("Parameters", "Returns", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in text


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_down(path):
    here = module_of(path)
    up = {
        other
        for other in imports_of(path)
        if other.split(".")[0] == "xlosses" and floor_of(other) > floor_of(here)
    }
    assert not up


def test_no_import_cycle():
    graph = {module_of(path): imports_of(path, everywhere=False) for path in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_frameworks_have_one_file_each(path):
    found = {name.partition(".")[0] for name in imports_of(path)} & FRAMEWORKS
    if path.parent.name not in ("_backends", "_engine"):
        assert not found
    else:
        # NumPy is a part of JAX's installation, and what its arrays are compared with.
        own = {path.stem.partition("_")[0], "array_api_compat"}
        assert found <= (own | {"numpy"} if "jax" in own else own)


def test_import_brings_no_framework():
    code = f"import sys, xlosses, xlosses.keras; print(sorted({FRAMEWORKS | {'keras'}!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def functions(*decorators: str) -> dict[str, ast.FunctionDef]:
    """The functions in `losses` that one of these decorates: "formula", "slope", "weight", "ordinary"."""
    found = {}
    for path in (SRC / "losses").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            for decorator in getattr(node, "decorator_list", []):
                name = decorator.func if isinstance(decorator, ast.Call) else decorator
                of_ordinary = isinstance(name, ast.Attribute) and name.value.id.endswith("_ordinary")
                if not of_ordinary and (name.id if isinstance(name, ast.Name) else name.attr) in decorators:
                    found[node.name] = node
    return found


def lines(function: ast.FunctionDef) -> int:
    return function.body[-1].end_lineno - function.body[0].lineno + 1


def test_formulas_are_short():
    found = functions("formula", "declared", "ordinary")
    lengths = {name: lines(function) for name, function in found.items()}
    assert len(lengths) >= len(LOSSES)
    assert median(lengths.values()) <= 5
    assert max(lengths.values()) <= 12, lengths


def test_slopes_are_short():
    assert max(lines(function) for function in functions("slope", "vjp").values()) <= 12


def test_every_formula_has_a_slope():
    assert len(functions("slope", "vjp")) == len(functions("formula", "declared"))


@pytest.mark.parametrize("folder", ["src", "tests", "docs"])
def test_files_are_short(folder):
    lengths = {str(p): len(p.read_text().splitlines()) for p in (ROOT / folder).rglob("*.py")}
    assert {path: n for path, n in lengths.items() if n > 400} == {}


def test_every_word_is_overridden():
    """A word that no framework does otherwise belongs in math.py."""

    def words(name: str) -> set[str]:
        classes = [
            node
            for node in ast.parse((SRC / "_backends" / f"{name}.py").read_text()).body
            if isinstance(node, ast.ClassDef) and not node.name.endswith("Workbench")
        ]
        found = [f for c in classes for f in c.body if isinstance(f, ast.FunctionDef)]
        return {f.name for f in found if f.name[0] != "_"}

    overridden = set().union(*map(words, ("numpy", "torch", "jax", "mlx")))
    assert words("generic") - overridden == set()
    assert len(words("generic")) <= 32


ENGINE = sorted((SRC / "_engine").glob("*.py"))
CLASSES = {"operands": "Operands", "plan": "Plan", "call": "Call", "formula": "Formula", "block": "Operands"}
OF_CORE = {"alignment", "as_given", "by_rows", "slope_function", "formula", "ordinary_form", "plan", "plans"}


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.stem)
def test_the_engine_is_typed_against_the_grammar(path):
    """What it is given of `_core` has its class, so that mypy sees every fact that is read of it."""
    for node in ast.walk(ast.parse(path.read_text())):
        for argument in node.args.args if isinstance(node, ast.FunctionDef) else ():
            wanted = CLASSES.get(argument.arg)
            if wanted:
                assert wanted in ast.unparse(argument.annotation), f"{node.name}: {argument.arg}"


@pytest.mark.parametrize("path", sorted((SRC / "_backends").glob("*.py")), ids=lambda path: path.stem)
def test_words_know_no_formula(path):
    read = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert read & OF_CORE == set()


def test_no_formula_asks_about_the_engine():
    asked = {"tracing", "values", "signature", "settings", "framework", "ends", "owns", "standard"}
    for path in [*(SRC / "losses").glob("*.py"), SRC / "_core" / "numerics.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "xp":
                assert node.attr not in asked, f"{path.name}: xp.{node.attr}"


def test_nothing_of_the_grammar_reads_the_engine():
    for path in [*(SRC / "_core").glob("*.py"), *(SRC / "losses").glob("*.py")]:
        assert not any("_engine" in name for name in imports_of(path)), path.name
