"""One Meson build directory under build-check/: made, compiled, and asked for its tests."""

import dataclasses
import json
import os
import shutil
import subprocess

SYMBOLIZER = "/usr/lib/llvm-19/bin/llvm-symbolizer"


@dataclasses.dataclass(frozen=True)
class Test:
    name: str
    command: list
    env: dict
    workdir: str
    timeout: int
    parallel: bool
    priority: int
    suites: list
    depends: list
    build: "Build"

    @property
    def kind(self):
        """unit, sim, process, fuzz: the first word of its name."""
        return self.name.split()[0]

    @property
    def again(self):
        return f"meson test -C {self.build.directory} -v '{self.name}'"


class Build:
    def __init__(self, name, compiler, options, slowness, faster=()):
        self.name = name
        self.directory = os.path.join("build-check", name)
        self.compiler = compiler
        self.options = options
        self.faster = list(faster)  # options without which it builds, too, only slower
        self.slowness = slowness  # a test's timeout is multiplied by it

    def environment(self):
        """What the user's shell sets for other builds must not leak into this one."""
        env = {key: value for key, value in os.environ.items()
               if key not in ("CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "CC", "DESTDIR")}
        ccache = "ccache " if shutil.which("ccache") else ""
        env["CXX"] = ccache + self.compiler
        env["ASAN_OPTIONS"] = "abort_on_error=1:detect_stack_use_after_return=1"
        env["UBSAN_OPTIONS"] = "halt_on_error=1:abort_on_error=1:print_stacktrace=1"
        env["TSAN_OPTIONS"] = "halt_on_error=1:abort_on_error=1:second_deadlock_stack=1"
        if os.path.exists(SYMBOLIZER):
            for sanitizer in ("ASAN", "UBSAN", "TSAN", "LSAN"):
                env[sanitizer + "_SYMBOLIZER_PATH"] = SYMBOLIZER
        return env

    def configure(self, jobs):
        """None, or what Meson said when it failed. What it knows is then as new as the tree."""
        stamp = os.path.join(self.directory, "check-options")
        options = [*self.options, *self.faster]
        wanted = " ".join([self.environment()["CXX"], *options])
        if os.path.exists(stamp) and os.path.exists(os.path.join(self.directory, "build.ninja")):
            with open(stamp) as file:
                if file.read() == wanted:
                    return self.compile(["build.ninja"], jobs)
        shutil.rmtree(self.directory, ignore_errors=True)
        problem = self.run(["meson", "setup", self.directory, *options])
        if problem is None:
            with open(stamp, "w") as file:
                file.write(wanted)
        return problem

    def compile(self, targets, jobs):
        """None, or what the compiler said when it failed. No targets means all."""
        return self.run(["ninja", "-C", self.directory, f"-j{jobs}", "-k0", *targets])

    def run(self, command):
        done = subprocess.run(command, env=self.environment(), text=True, errors="replace",
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode == 0:
            return None
        return errors_first(done.stdout)

    def introspect(self, what):
        done = subprocess.run(["meson", "introspect", "--" + what, self.directory], check=True,
                              env=self.environment(), text=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def tests(self):
        return [Test(name=test["name"], command=test["cmd"], env=test["env"],
                     workdir=test["workdir"] or ".", timeout=test["timeout"] * self.slowness,
                     parallel=test["is_parallel"], priority=test["priority"],
                     depends=test["depends"], build=self,
                     suites=[suite.split(":")[-1] for suite in test["suite"]])
                for test in self.introspect("tests")]

    def targets_of(self, tests):
        """What ninja has to build before these tests can run."""
        needed = {target for test in tests for target in test.depends}
        top = os.path.realpath(self.directory)
        return sorted({os.path.relpath(os.path.realpath(file), top)
                       for target in self.introspect("targets") if target["id"] in needed
                       for file in target["filename"]})


def errors_first(output):
    """A long compiler output cut to its errors, each with what follows it."""
    lines = output.splitlines()
    marks = ("FAILED:", "error:", "ERROR:", "undefined ref")
    near = {at for number, line in enumerate(lines) if any(mark in line for mark in marks)
            for at in range(number, min(number + 6, len(lines)))}
    return "\n".join(lines[at] for at in sorted(near)[:60]) if near else output
