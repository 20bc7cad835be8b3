"""The stages of ./check, and what each of them has to run."""

import time

from . import fuzzing, lint
from .build import Build
from .execute import run_all
from .tally import say

# The threaded rooms, which the thread sanitizer watches.
THREADED = ("unit env", "unit storage", "unit node", "unit client", "unit admin")


def run(options, tally):
    chosen = options.stage or (["quick", "house"] if options.quick else
                               ["release", "sanitizers", "tsan", "house"])
    traces = {}
    spent = []
    for name in chosen:
        say(f"stage {name}: {STAGES[name].__doc__.splitlines()[0]}")
        began = time.monotonic()
        before = tally.total()
        STAGES[name](options, tally, traces)
        if tally.total() == before:
            tally.fail(name, "the stage ran nothing")
        spent.append((name, time.monotonic() - began))
        say(f"stage {name}: {spent[-1][1]:.0f} s\n")
    say("seconds: " + ", ".join(f"{name} {seconds:.0f}" for name, seconds in spent))


def quick(options, tally, traces):
    """g++, optimized: unit tests"""
    build = release_build(options)
    tests = prepare(build, lambda test: test.kind == "unit", options, tally, ["unit"])
    run_all(tests, options.jobs, tally, "small", traces)


def release(options, tally, traces):
    """g++, optimized: all tests"""
    build = release_build(options)
    tests = prepare(build, lambda test: True, options, tally, ["unit", "sim", "process", "fuzz"],
                    everything=True)
    run_all(tests, options.jobs, tally, "long" if options.long else "normal", traces)


def release_build(options):
    return Build("release", "g++", ["-Dbuildtype=release"], slowness=3,
                 faster=[] if options.long else TESTS_TOGETHER)


# Several files in one unit: each header is read a few times only, which saves half of the compile
# time. Planted programs replace single objects of a room, so --long has a unit a file; so have the
# rooms in the release stage: it compiles what users compile.
TESTS_TOGETHER = ["-Dtests_together=true", "-Dunity_size=8"]
TOGETHER = ["-Dunity=on", *TESTS_TOGETHER]
# As much debug information as a trace needs: more takes a sixth longer.
COARSE = ["-Doptimization=2", "-Ddebug=false"]
# A name that hides another file's is no fault; within a file g++ sees it.
LINES = "-gline-tables-only -Wno-shadow"
# What object-size would see of memory that is not an object's, ASan sees; it takes a quarter more.
ASAN = ["-Db_sanitize=address,undefined", f"-Dcpp_args={LINES} -fno-sanitize=object-size"]
# It sees what is done with null, too.
ASAN_FASTER = [ASAN[0], ASAN[1] + ",null"]


def sanitizers(options, tally, traces):
    """clang-19 with ASan, UBSan and libFuzzer: unit tests, fuzzing, a little simulation"""
    build = Build("sanitizers", "clang++-19",
                  [*COARSE, *(ASAN if options.long else ASAN_FASTER), "-Dfuzz=true"], slowness=8,
                  faster=[] if options.long else TOGETHER)
    kinds = ["unit", "fuzz", "sim"] + (["process"] if options.long else [])

    def chosen(test):
        # That planted bugs are found is seen in the release stage, ten times as fast.
        is_slow = "planted" in test.suites and test.kind != "fuzz"
        return test.kind in kinds and (options.long or not is_slow)

    tests = prepare(build, chosen, options, tally, kinds, everything=options.long)
    run_all([test for test in tests if test.kind != "fuzz"], options.jobs, tally,
            "normal" if options.long else "small", traces)
    fuzzing.run([test for test in tests if test.kind == "fuzz"], options, tally)


def tsan(options, tally, traces):
    """clang-19 with TSan: env, storage, node, client, and one process test"""
    build = Build("tsan", "clang++-19",
                  [*COARSE, "-Db_sanitize=thread", f"-Dcpp_args={LINES}"], slowness=10,
                  faster=[] if options.long else TOGETHER)

    def chosen(test):
        if options.long:
            return test.kind in ("unit", "process")
        return test.name in THREADED or (test.kind == "process" and "tsan" in test.suites)

    tests = prepare(build, chosen, options, tally, [*THREADED, "process"],
                    everything=options.long)
    run_all(tests, options.jobs, tally, "normal" if options.long else "small", traces)


def house(options, tally, traces):
    """house rules, clang-format, headers, clang-tidy"""
    lint.house_rules(tally)
    lint.clang_format(tally)
    if options.quick:
        return
    # Its compile commands are looked at, nothing is built with them.
    build = Build("house", "clang++-19", ["-Dbuildtype=debugoptimized", "-Dfuzz=true"], slowness=1)
    if (problem := build.configure(options.jobs)) is not None:
        tally.fail("house: meson setup", "the build cannot be made", problem)
        return
    lint.everything_is_compiled(build, tally)
    lint.headers(build, options, tally)
    lint.clang_tidy(build, options, tally)


STAGES = {"quick": quick, "release": release, "sanitizers": sanitizers, "tsan": tsan,
          "house": house}


def prepare(build, chosen, options, tally, required, everything=False):
    """The chosen tests, built; none when that failed, which is then counted.

    Of each of the required ("unit", or closer "unit env") there has to be one."""
    began = time.monotonic()
    tests, problem = compiled(build, chosen, options, everything)
    if problem is not None and build.faster:
        say("  files do not compile together, each alone now; see docs/testing.md, Stages")
        say(problem)
        build.faster = []
        tests, problem = compiled(build, chosen, options, everything)
    if problem is not None:
        tally.fail(f"{build.name}: build", "it failed", problem, f"ninja -C {build.directory}")
        return []
    say(f"  built in {time.monotonic() - began:.0f} s")
    for name in required:
        if not any((test.name + " ").startswith(name + " ") for test in tests):
            tally.fail(f"{build.name}: {name}", "there is no such test in this build")
    return tests


def compiled(build, chosen, options, everything):
    """The chosen tests, and what Meson or the compiler said when it failed."""
    if (problem := build.configure(options.jobs)) is not None:
        return [], problem
    tests = [test for test in build.tests() if chosen(test)]
    return tests, build.compile([] if everything else build.targets_of(tests), options.jobs)
