"""House rules on all files, layout, self-contained headers, and clang-tidy on what changed."""

import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

from .counting import count, describe
from .execute import run_limited
from .tally import say

LIMIT_S = 900


def git(*arguments):
    done = subprocess.run(["git", *arguments], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    return done.stdout if done.returncode == 0 else None


def files(*endings):
    """What is tracked or about to be, and still there."""
    names = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return sorted(name for name in set(names) if name.endswith(endings) and os.path.exists(name))


def house_rules(tally):
    for module in ("tests.runner.selftest", "tests.tidy.selftest", "tests.tidy"):
        command = [sys.executable, "-m", module]
        output, exit_code, seconds = run_limited(command, os.environ, ".", LIMIT_S)
        counts, why = count(output, exit_code)
        tally.add(f"house: {module}", counts, describe(counts, why, seconds), output,
                  "python3 -m " + module)


def clang_format(tally):
    names = files(".cc", ".h")
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *names], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    again = "clang-format -i FILE"
    if done.returncode == 0:
        tally.ok("house: clang-format", f"{len(names)} files")
    else:
        tally.fail("house: clang-format", "files are laid out differently", done.stdout, again)


def compile_commands(build):
    """Source file, from the root, to the arguments it is compiled with."""
    with open(os.path.join(build.directory, "compile_commands.json")) as file:
        entries = json.load(file)
    top = os.getcwd()
    return {os.path.relpath(os.path.realpath(os.path.join(entry["directory"], entry["file"])), top):
            shlex.split(entry["command"]) for entry in entries}


def everything_is_compiled(build, tally):
    """A source file that no target names would never be built, and a test in it never run."""
    sources = compile_commands(build)
    elsewhere = {"tests/fuzz/replay_main.cc"}  # libFuzzer's build has libFuzzer's main
    missing = [name for name in files(".cc") if name not in sources and name not in elsewhere]
    if missing:
        tally.fail("house: every source is compiled", "no target names these", "\n".join(missing))
    else:
        tally.ok("house: every source is compiled", f"{len(sources)} files")


def headers(build, options, tally):
    """Every header compiles alone, with the flags of a source file near it. One with a source file
    of its own does when that does, since it is the first that it includes."""
    sources = compile_commands(build)
    names = [name for name in files(".h") if name.removesuffix(".h") + ".cc" not in sources]
    lines = ["rule header", "  command = $compile -MD -MF $out.d -MT $out && touch $out",
             "  depfile = $out.d", "  deps = gcc", "  description = $in"]
    for name in names:
        compile_line = syntax_only(build, nearest(name, sources), name)
        lines += [f"build {name}.alone: header {os.path.abspath(name)}",
                  f"  compile = {compile_line.replace('$', '$$')}"]
    directory = os.path.join(build.directory, "headers")
    os.makedirs(directory, exist_ok=True)
    for folder in {os.path.dirname(name) for name in names}:
        os.makedirs(os.path.join(directory, folder), exist_ok=True)
    with open(os.path.join(directory, "build.ninja"), "w") as file:
        file.write("\n".join(lines) + "\n")
    # Headers may include what flatc makes.
    problem = build.compile(generated_headers(build), options.jobs)
    if problem is None:
        problem = build.run(["ninja", "-C", directory, f"-j{options.jobs}", "-k0"])
    if problem is None:
        tally.ok("house: headers compile alone", f"{len(names)} files")
    else:
        tally.fail("house: headers compile alone", "some do not", problem, f"ninja -C {directory}")


def generated_headers(build):
    names = {file for target in build.introspect("targets") for file in target["filename"]
             if target["type"] == "custom" and file.endswith(".h")}
    top = os.path.realpath(build.directory)
    return sorted(os.path.relpath(os.path.realpath(name), top) for name in names) or ["build.ninja"]


def nearest(name, sources):
    """The flags of the source file whose path shares most with the header's."""
    def shared(source):
        return len(os.path.commonprefix([name, source])), source
    return sources[max(sources, key=shared)]


def syntax_only(build, arguments, name):
    kept = []
    skip = False
    for argument in arguments:
        if skip or argument in ("-c", "-MD") or argument.startswith("-fsanitize"):
            skip = False
        elif argument in ("-o", "-MF", "-MQ"):
            skip = True
        else:
            kept.append(argument)
    kept = kept[:-1]  # the source file
    directory = os.path.abspath(build.directory)
    kept = [re.sub(r"^(-I|-isystem)(?!/)(?=.)", rf"\1{directory}/", argument) for argument in kept]
    kept = [argument for argument in kept if argument != "ccache"]
    return shlex.join([*kept, "-fsyntax-only", "-x", "c++", "-include", os.path.abspath(name),
                       "/dev/null"])


def changed_files():
    """Since the branch left origin/main; on origin/main itself, what the last commit changed."""
    base = (git("merge-base", "HEAD", "origin/main") or "").strip()
    head = (git("rev-parse", "HEAD") or "").strip()
    if not base or base == head:
        base = (git("rev-parse", "--verify", "--quiet", "HEAD~1") or "").strip()
    if not base:
        return None
    names = (git("diff", "--name-only", base) or "").splitlines()
    return set(names) | set((git("ls-files", "--others", "--exclude-standard") or "").splitlines())


def with_headers(changed):
    """The source files to look at: the changed ones, and for each changed header one user of it."""
    everything = files(".cc")
    if changed is None:
        return everything
    names = {name for name in everything if name in changed}
    for header in sorted(name for name in changed if name.endswith(".h")):
        users = [name for name in everything if includes(name, header)]
        own = header.removesuffix(".h") + ".cc"
        if users and not names.intersection(users):
            names.add(own if own in users else users[0])
    return sorted(names)


def includes(name, header):
    with open(name, encoding="utf-8") as file:
        return f'#include "{header}"' in file.read()


def clang_tidy(build, options, tally):
    sources = compile_commands(build)
    changed = None if options.long else changed_files()  # None: all
    names = [name for name in with_headers(changed) if name in sources]
    if not names:
        say("  no source file changed, so clang-tidy has nothing to look at")
        return
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda name: tidy_one(build, sources, name), names))
    bad = [(name, output) for name, output in results if output]
    for name, output in bad:
        tally.fail(f"house: clang-tidy {name}", "it warns", output,
                   f"clang-tidy-19 -p {build.directory} {name}")
    if len(names) > len(bad):
        tally.ok("house: clang-tidy", f"{len(names) - len(bad)} of {len(names)} files are clean")


def tidy_one(build, sources, name):
    """The file and what is wrong with it. A clean result is kept until any input changes."""
    stamp = os.path.join(build.directory, "clang-tidy", name + ".clean")
    key = fingerprint(build, sources[name])
    if key and os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == key:
                return name, ""
    command = ["clang-tidy-19", "--quiet", "--warnings-as-errors=*", "-p", build.directory, name]
    output, exit_code, _ = run_limited(command, build.environment(), ".", LIMIT_S)
    if exit_code != 0:
        return name, output or f"exit code {exit_code}"
    os.makedirs(os.path.dirname(stamp), exist_ok=True)
    with open(stamp, "w") as file:
        file.write(key)
    return name, ""


def fingerprint(build, arguments):
    """Of all that clang-tidy's verdict rests on: the preprocessed file, its flags, the checks."""
    command = [argument for argument in arguments if argument not in ("ccache", "-c", "-MD")]
    for option in ("-o", "-MF", "-MQ"):
        if option in command:
            at = command.index(option)
            del command[at:at + 2]
    done = subprocess.run([*command, "-E", "-P", "-C"], cwd=build.directory, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        return ""
    with open(".clang-tidy", "rb") as checks:
        everything = done.stdout + checks.read() + " ".join(arguments).encode()
    return hashlib.sha256(everything).hexdigest()
