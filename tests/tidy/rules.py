"""The house rules. Each takes a Tree and gives its complaints, "path:line: what is wrong"."""

import ast
import os
import re

from . import cpp, table

RULES = []


def rule(function):
    RULES.append(function)
    return function


def room_of(path):
    """The room of a file, or of a header named by its full path: the closest folder that is one."""
    folder = os.path.dirname(path)
    while folder:
        if folder in table.ARROWS or folder == table.TEST_ROOM:
            return folder
        folder = os.path.dirname(folder)
    return None


def ours(path):
    return path.split("/")[0] in {room.split("/")[0] for room in table.ARROWS} | {table.TEST_ROOM}


def is_pure(path):
    return room_of(path) in table.PURE_ROOMS or os.path.splitext(path)[0] in table.PURE_FILES or \
        path.startswith(tuple(prefix + "_" for prefix in table.PURE_FILES))


def matches(file, text, pattern):
    for match in re.finditer(pattern, text):
        yield f"{file.path}:{text.count(chr(10), 0, match.start()) + 1}", match.group().strip()


@rule
def includes_follow_the_arrows(tree):
    for file in tree.cpp():
        room = room_of(file.path)
        for line, quote, target in cpp.includes(file.text):
            if quote == "<" or room in (None, table.TEST_ROOM):
                continue
            there = room_of(target)
            if there == table.TEST_ROOM:
                yield f"{file.path}:{line}: production code includes a test: {target}"
            elif there not in (room, None) and there not in table.ARROWS[room]:
                yield f"{file.path}:{line}: {room} may not include {there}: {target}"
            allowed = table.ONLY_HEADERS.get((room, there))
            if allowed is not None and os.path.basename(target) not in allowed:
                yield f"{file.path}:{line}: {room} may include of {there} only {', '.join(allowed)}"


@rule
def every_source_is_in_a_room(tree):
    for file in tree.cpp():
        if room_of(file.path) is None and not file.path.startswith("docs/"):
            yield f"{file.path}: it is in no room that tests/tidy/table.py knows"


@rule
def includes_are_full_paths(tree):
    for file in tree.cpp():
        for line, quote, target in cpp.includes(file.text):
            if quote == '"' and (not ours(target) or ".." in target):
                yield f"{file.path}:{line}: not the header's path from the root: {target}"
            if quote == "<" and ours(target) and target in tree.by_path:
                yield f"{file.path}:{line}: our headers stand in quotes: {target}"


@rule
def own_header_first_ours_last(tree):
    for file in tree.cpp():
        found = [(quote, target) for _, quote, target in cpp.includes(file.text)]
        own = own_header(file.path, tree) or tested_header(file.path, found)
        if own and ('"', own) in found and found[0] != ('"', own):
            yield f"{file.path}: its own header {own} is to be its first include"
        rest = [quote for quote, target in found if target != own]
        if rest != sorted(rest, reverse=True):
            yield f"{file.path}: <...> stands before our own headers"


def tested_header(path, found):
    """The header of that name which a test includes first, whatever room it is from."""
    if not path.startswith("tests/") or not found:
        return None
    quote, target = found[0]
    name = os.path.basename(path).removesuffix("_test.cc") + ".h"
    return target if quote == '"' and os.path.basename(target) == name else None


def own_header(path, tree):
    """The header that a source file implements or a unit test is about."""
    stem, ending = os.path.splitext(path)
    if ending != ".cc":
        return None
    name = re.sub(r"^tests/unit/", "", stem).removesuffix("_test")
    for candidate in (stem, name, "base/" + name, "node/" + name):
        if candidate + ".h" in tree.by_path:
            return candidate + ".h"
    return None


IMPURE_HEADERS = re.compile(
    r"<(?:thread|mutex|shared_mutex|condition_variable|atomic|future|stop_token|semaphore|barrier"
    r"|latch|random|ctime|time\.h|fstream|filesystem|iostream|cstdio|stdio\.h|unistd\.h|fcntl\.h"
    r"|uv\.h|lmdb\.h|netdb\.h|poll\.h|pthread\.h|sys/[^>]+|arpa/[^>]+|netinet/[^>]+)>")
IMPURE_WORDS = re.compile(
    r"\b(?:(?:system|steady|high_resolution|utc)_clock|random_device|s?rand|getrandom|getentropy"
    r"|gettimeofday|clock_gettime|thread_local|getenv|pthread_\w+|this_thread|jthread)\b"
    r"|\bstd::(?:thread|async|atomic\w*|mutex|time|clock)\b|(?<![\w.>:])(?:time|clock|socket)\s*\(")


@rule
def pure_rooms_only_decide(tree):
    for file in tree.cpp():
        if not is_pure(file.path):
            continue
        for line, _, target in cpp.includes(file.text):
            if IMPURE_HEADERS.fullmatch(f"<{target}>"):
                yield f"{file.path}:{line}: a pure room includes <{target}>"
        for where, word in matches(file, file.code, IMPURE_WORDS):
            yield f"{where}: a pure room uses {word}"


UNORDERED = re.compile(r"\bunordered_(?:multi)?(?:map|set)\s*<")
UNORDERED_ALIAS = re.compile(r"\busing\s+(\w+)\s*=\s*(?:std::)?unordered_")


@rule
def pure_rooms_never_iterate_unordered(tree):
    for room in sorted({room_of(file.path) for file in tree.cpp() if is_pure(file.path)}):
        files = [file for file in tree.cpp() if is_pure(file.path) and room_of(file.path) == room]
        names = {name for file in files for name in unordered_names(file.code)}
        for file in files:
            for where, name in unordered_iterations(file, names):
                yield f"{where}: the order of {name} differs between runs; use std::map or sort"


def unordered_names(code):
    """Variables, members and functions whose type is an unordered container, or an alias of one."""
    for match in UNORDERED.finditer(code):
        yield from declared_after(code, closing(code, match.end()))
    for alias in UNORDERED_ALIAS.findall(code):
        for match in re.finditer(rf"\b{alias}\b", code):
            yield from declared_after(code, match.end())


def declared_after(code, at):
    name = re.match(r"[\s&*]*(?:const\s+)?([A-Za-z_]\w*)\s*[;={(,):]", code[at:])
    if name:
        yield name.group(1)


def closing(code, at):
    """Behind the > that ends a template argument list which is open at this place."""
    depth = 1
    while at < len(code) and depth > 0:
        depth += {"<": 1, ">": -1}.get(code[at], 0)
        at += 1
    return at


def unordered_iterations(file, names):
    if re.search(r"\bfor\s*\([^;)]*:\s*(?:std::)?unordered_", file.code):
        yield file.path, "a temporary"
    for name in sorted(names):
        over = rf"\bfor\s*\([^;{{}}]*?[^:]:\s*[\w.\->*]*\b{name}\b(?:\(\))?\s*\)" \
               rf"|\b{name}\b(?:\(\))?(?:\.|->)c?r?begin\s*\(" \
               rf"|\b(?:begin|all_of|any_of|for_each|copy)\s*\(\s*{name}\b"
        for where, _ in matches(file, file.code, over):
            yield where, name


@rule
def files_are_small(tree):
    for file in tree.files:
        lines = len(file.lines)
        if not file.is_code or lines <= table.FILE_LINES:
            continue
        if lines > table.FILE_LINES_EVER:
            yield f"{file.path}: {lines} lines; {table.FILE_LINES_EVER} is the most"
        elif file.path not in table.LONG_FILES:
            yield f"{file.path}: {lines} lines; this needs a reason in LONG_FILES"


@rule
def lines_fit(tree):
    """What clang-format does not look at."""
    for file in tree.files:
        if not (file.is_script or file.path.endswith(".py")):
            continue
        for number, line in enumerate(file.lines, 1):
            if len(line) > table.LINE_COLUMNS:
                yield f"{file.path}:{number}: {len(line)} columns; {table.LINE_COLUMNS} is the most"


@rule
def exceptions_are_needed(tree):
    for path, reason in table.LONG_FILES.items():
        file = tree.by_path.get(path)
        if file is None or len(file.lines) <= table.FILE_LINES or len(reason) < 10:
            yield f"{path}: LONG_FILES names it without need or reason"
    for path, reason in table.HEAVY_EXCEPTIONS.items():
        if path not in tree.by_path or len(reason) < 10:
            yield f"{path}: HEAVY_EXCEPTIONS names it without need or reason"


@rule
def functions_are_small(tree):
    for file in tree.files:
        if file.is_cpp:
            sizes = [(first, lines) for first, lines, _ in cpp.functions(file.code)]
        elif file.path.endswith(".py"):
            sizes = [(node.lineno, node.end_lineno - node.lineno + 1)
                     for node in ast.walk(ast.parse(file.text))
                     if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
        else:
            continue
        for first, lines in sizes:
            if lines > table.FUNCTION_LINES:
                yield f"{file.path}:{first}: a function of {lines} lines; " \
                      f"{table.FUNCTION_LINES} is the most"


@rule
def headers_have_pragma_once(tree):
    for file in tree.files:
        words = cpp.without_comments(file.text).split()
        if file.is_header and words[:2] != ["#pragma", "once"]:
            yield f"{file.path}:1: a header begins with #pragma once"


@rule
def headers_stay_light(tree):
    for file in tree.files:
        if not file.is_header or file.path in table.HEAVY_EXCEPTIONS:
            continue
        for line, _, target in cpp.includes(file.text):
            if target.startswith(table.HEAVY_HEADERS):
                yield f"{file.path}:{line}: {target} is heavy: include it in a .cc file"


OPENED = re.compile(r"\busing\s+namespace\b(?!\s+[\w:]*literals\b)")


@rule
def headers_open_no_namespace(tree):
    for file in tree.files:
        if file.is_header:
            for where, word in matches(file, file.code, OPENED):
                yield f"{where}: {word} in a header"


@rule
def check_instead_of_assert(tree):
    for file in tree.cpp():
        for where, _ in matches(file, file.code, r"(?<![\w.])assert\s*\("):
            yield f"{where}: check() of base/check.h stays on in every build; assert does not"


# Written so that this file does not trip over itself.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
ELSEWHERE = re.compile(
    r"(?<![\w&/#(])#\d{1,5}\b(?![-\w])" r"|\b[Ii]ssues? #?\d+\b" r"|(?<![\w.-])/wo" r"rk/"
    r"|/tmp/coter" r"ie/" r"|\b[Pp]ull request #?\d+")


@rule
def nothing_is_left_unfinished(tree):
    for file in text_for_people(tree):
        for where, word in matches(file, file.text, UNFINISHED):
            yield f"{where}: {word}"


@rule
def nothing_points_elsewhere(tree):
    for file in text_for_people(tree):
        for where, word in matches(file, file.text, ELSEWHERE):
            yield f"{where}: '{word}' means nothing to somebody who has only this repository"


def text_for_people(tree):
    return [file for file in tree.files
            if "/corpus/" not in file.path and not file.path.startswith("tests/tidy/")
            and file.path != "LICENSE" and not file.path.endswith((".svg", ".css", ".html"))]


@rule
def no_big_files(tree):
    for path, size in sorted(tree.sizes.items()):
        if size > table.FILE_BYTES:
            yield f"{path}: {size} bytes; {table.FILE_BYTES} is the most that is kept in git"


@rule
def scripts_are_executable(tree):
    for file in tree.files:
        if file.is_script and not file.executable:
            yield f"{file.path}: it begins with #! and is not executable"
        if file.executable and not file.is_script:
            yield f"{file.path}: it is executable and does not begin with #!"


@rule
def rooms_have_a_readme(tree):
    rooms = {file.folder for file in tree.cpp() if not file.path.startswith(("tests/", "docs/"))}
    tests = {"/".join(file.path.split("/")[:2]) for file in tree.files
             if file.path.startswith("tests/") and file.path.count("/") >= 2 and file.is_code
             and not file.path.endswith("meson.build")}
    for folder in sorted(rooms | tests):
        if folder + "/README.md" not in tree.by_path:
            yield f"{folder}: it has no README.md"


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@rule
def links_resolve(tree):
    for file in tree.files:
        if not file.path.endswith(".md"):
            continue
        text = re.sub(r"```.*?```", lambda block: "\n" * block.group().count("\n"), file.text,
                      flags=re.S)
        for match in LINK.finditer(text):
            target = match.group(1)
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            where = f"{file.path}:{text.count(chr(10), 0, match.start()) + 1}"
            there = os.path.normpath(os.path.join(file.folder, path)) if path else file.path
            if there not in tree.paths and there not in tree.folders:
                yield f"{where}: {target} is not there"
            elif anchor and anchor not in headings(tree.by_path.get(there)):
                yield f"{where}: {target} names no heading"


def headings(file):
    """The anchors that GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ +(.+?)\s*$", file.text, re.M) if file else []
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


SLEEP = re.compile(r"\b(?:sleep_for|sleep_until|u?sleep|nanosleep)\s*\(")


@rule
def unit_tests_never_sleep(tree):
    for file in tree.cpp():
        if file.path.startswith(("tests/unit/", "tests/sim/", "tests/fuzz/")):
            for where, word in matches(file, file.code, SLEEP):
                yield f"{where}: {word}: wait for the event, on a clock that the test holds"


SKIPPED = re.compile(r"\bdoctest::(?:skip|may_fail|should_fail|expected_failures)\b")


@rule
def unit_tests_skip_nothing(tree):
    for file in tree.cpp():
        for where, word in matches(file, file.code, SKIPPED):
            yield f"{where}: {word}: a test passes or says in print why it was skipped"
