"""Just enough reading of C++ to measure it; not a parser."""

import re

TOKEN = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|(?:u8|[uUL])?R"(?P<mark>[^()\\ \n]*)\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-zA-Z])'(?:\\.|[^'\\\n])+'",
    re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
TYPE = re.compile(r"^(?:template\s*<.*>\s*)?(?:class|struct|union|enum)\b", re.S)


def blank(text):
    """Comments and quoted text become spaces; the quotes of strings and all lines stay."""
    def replace(match):
        found = match.group()
        spaces = re.sub(r"[^\n]", " ", found)
        return '"' + spaces[1:-1] + '"' if found[0] == '"' else spaces
    return TOKEN.sub(replace, text)


def includes(text):
    """(line number, '<' or '"', path) of every include, in order."""
    return [(text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2))
            for match in INCLUDE.finditer(without_comments(text))]


def without_comments(text):
    return TOKEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group())
                     if match.group().startswith("/") else match.group(), text)


def functions(code):
    """(first line, lines, head) of every function with a body, lambdas within counted as its lines.

    Takes blanked code. A brace opens a function when what stands before it has parentheses and it
    is itself not within a function."""
    code = DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), code)
    found = []
    opened = []  # of each open brace: the head and line of a function, or None
    inside = 0   # how many of them are functions or within one
    start = 0    # where the current statement began
    for match in re.finditer(r"[{};]", code):
        at, sign = match.start(), match.group()
        if sign == ";":
            start = start if inside else at + 1
            continue
        if sign == "{":
            head = code[start:at].strip()
            is_function = not inside and "(" in head and not is_scope(head)
            opened.append((head, line_of(code, start, at)) if is_function else None)
            inside += 1 if inside or is_function else 0
        elif opened:
            entry = opened.pop()
            inside -= 1 if inside else 0
            if entry is not None:
                first = entry[1]
                found.append((first, code.count("\n", 0, at) + 2 - first, entry[0]))
        if not inside:
            start = at + 1
    return found


def is_scope(head):
    """Namespaces, types and linkage blocks hold functions; they are none."""
    head = re.sub(r"\[\[.*?\]\]|alignas\s*\([^)]*\)", "", head, flags=re.S).strip()
    head = re.sub(r"^(?:public|private|protected)\s*:\s*", "", head)
    if head.startswith(("namespace", "inline namespace")) or re.fullmatch(r'extern\s+"\s*"', head):
        return True
    return bool(TYPE.match(head))


def line_of(code, start, end):
    """The line where the text after start begins, its blanks left out."""
    begin = start + len(code[start:end]) - len(code[start:end].lstrip())
    return code.count("\n", 0, begin) + 1
