"""The files that the rules look at: of the repository, or a sample of the self-test."""

import dataclasses
import functools
import os
import subprocess

from . import cpp


@dataclasses.dataclass
class File:
    path: str
    text: str
    size_bytes: int = 0
    executable: bool = False

    @functools.cached_property
    def code(self):
        """The text of a C++ file without comments and what stands in quotes; lines stay lines."""
        return cpp.blank(self.text)

    @functools.cached_property
    def lines(self):
        return self.text.splitlines()

    @property
    def folder(self):
        return os.path.dirname(self.path)

    @property
    def is_header(self):
        return self.path.endswith(".h")

    @property
    def is_cpp(self):
        return self.path.endswith((".h", ".cc"))

    @property
    def is_script(self):
        return self.text.startswith("#!")

    @property
    def is_code(self):
        return self.is_cpp or self.is_script or self.path.endswith((".py", ".sh", ".fbs")) or \
            os.path.basename(self.path) == "meson.build"


class Tree:
    """Text files by path, and the paths of everything, text or not."""

    def __init__(self, files, others=()):
        self.files = sorted(files, key=lambda file: file.path)
        self.by_path = {file.path: file for file in self.files}
        self.paths = set(self.by_path) | {path for path, _ in others}
        self.sizes = dict(others) | {file.path: file.size_bytes for file in self.files}
        self.folders = {folder for path in self.paths for folder in above(path)}

    def cpp(self):
        return [file for file in self.files if file.is_cpp]


def above(path):
    while path := os.path.dirname(path):
        yield path


def of_repository():
    """What is tracked or about to be, and still there."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            check=True, stdout=subprocess.PIPE).stdout
    files, others = [], []
    for path in sorted({name for name in listed.decode().split("\0") if name}):
        if not os.path.isfile(path):
            continue
        size = os.path.getsize(path)
        text = read_text(path)
        if text is None:
            others.append((path, size))
        else:
            files.append(File(path, text, size, os.access(path, os.X_OK)))
    return Tree(files, others)


def read_text(path):
    with open(path, "rb") as file:
        raw = file.read()
    if b"\0" in raw:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None
