"""Content and metadata of the installed package."""

import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.resources import files

import numpy as np
import pytest
import sklearn

import fastnn
from fastnn import _core
from fastnn._core.cpu import isa_info
from fastnn._extras import DISTRIBUTION, pip_install
from support import ROOT


def run(script):
    return subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout


def test_extras_are_of_this_distribution():
    """On the Python package index, `fastnn` is another project, which nobody shall install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == DISTRIBUTION
    commands = pip_install("(.+?)").replace("[", r"\[").replace("]", r"\]")
    for folder in ("fastnn", "docs", "tests", "benches", "examples"):
        for path in (ROOT / folder).rglob("*.[pm][yd]"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"pip install \W?fastnn\W?\[", text), path
            for extras in re.findall(commands, text):
                assert set(extras.split(",")) <= {*project["optional-dependencies"], "{extra}"}


def test_types_are_installed():
    package = files("fastnn")
    assert package.joinpath("py.typed").is_file()
    for module in ("engine", "ops"):
        assert package.joinpath("_core", "cpu", f"{module}.pyi").is_file()


def test_isa_info():
    isa = isa_info()
    assert isa["active"] in isa["available"]
    assert set(isa["available"]) <= set(isa["compiled"])
    assert isinstance(isa["openmp"], bool)
    assert (isa["bfloat16"] == "native") == (isa["active"] == "avx512_bf16")


def test_show_versions(capsys):
    fastnn.show_versions()
    report = dict(line.strip().split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert report["fastnn"] == fastnn.__version__
    assert report["numpy"] == np.__version__
    assert report["scikit-learn"] == sklearn.__version__
    assert report["instruction set"].startswith(isa_info()["active"])
    assert report["bfloat16"] == isa_info()["bfloat16"]
    assert report["OpenMP"].startswith("yes" if isa_info()["openmp"] else "no")
    assert int(report["threads"]) == _core.n_threads(None, float("inf"))


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="Python has a GIL")
def test_the_gil_stays_disabled():
    assert run("import sys, fastnn; print(sys._is_gil_enabled())") == "False\n"


def test_import_is_light():
    """A name is loaded with what it needs when it is first used; ``compare.py`` takes the time."""
    script = """if True:
        import sys
        import numpy
        before = set(sys.modules)
        import fastnn
        print(*sorted(set(sys.modules) - before))
        import sklearn.base, sklearn.utils.validation
        before = set(sys.modules)
        fastnn.MLPClassifier
        print(*sorted(set(sys.modules) - before))
    """
    first, second = (line.split() for line in run(script).splitlines())
    assert set(first) == {"fastnn", "fastnn._built", "fastnn._lazy"}
    others = {name for name in second if name.split(".")[0] != "fastnn"}
    light = {"glob", "zipfile", *(name for name in others if name.startswith("sklearn.utils."))}
    assert others <= light
    later = {"_train.background_augmentation", "diagnostics", "plots", "preprocessing", "tuning"}
    later |= {"_core.cpu", "_core.cuda"}
    assert not {f"fastnn.{name}" for name in later} & set(second)


def test_the_runtime_imports_numpy_alone():
    names = run("import sys; import fastnn.runtime; print(*sys.modules)").split()
    packages = {name.split(".")[0] for name in names}
    assert not packages & {"sklearn", "scipy", "joblib", "narwhals"}


def test_public_names_are_found():
    script = """if True:
        import fastnn
        assert set(fastnn.__all__) <= set(dir(fastnn))
        from fastnn import *
        print(*(name for name in fastnn.__all__ if name not in globals()))
        try:
            fastnn.Adman
        except AttributeError as error:
            print(error)
    """
    assert run(script).split("\n")[1] == "module 'fastnn' has no attribute 'Adman'"
    assert run(script).startswith("\n")
