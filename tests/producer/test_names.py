"""The names that a program imports from the producer: a function stays a function, however it is imported."""

import importlib
import pkgutil
import subprocess
import sys

import producer


def test_no_module_has_the_name_of_something_public() -> None:
    """Importing a submodule sets it as an attribute of its package, over the function of that name."""
    modules = {module.name for module in pkgutil.iter_modules(producer.__path__)}

    assert not modules & set(producer.__all__)


def test_public_names_outlive_the_import_of_every_module() -> None:
    program = (
        "import importlib, pkgutil, producer\n"
        "first = [getattr(producer, name) for name in producer.__all__]\n"
        "for module in pkgutil.iter_modules(producer.__path__):\n"
        "    importlib.import_module(f'producer.{module.name}')\n"
        "assert first == [getattr(producer, name) for name in producer.__all__]\n"
        "from producer import *\n"
        "from producer import attach, enqueue, Submission\n"
        "assert callable(enqueue) and callable(attach) and callable(Submission), enqueue\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_public_names_are_listed() -> None:
    """For a shell's completion and for `help(producer)`."""
    assert set(producer.__all__) <= set(dir(importlib.import_module("producer")))
