"""Each rule must reject its bad samples and accept the good tree."""

import unittest

from . import cpp, rules, table
from .tree import File, Tree

# Cut in two, so that the rules do not find them here.
UNDONE = "TO" + "DO"

GOOD = {
    "base/README.md": "# base\n\nSee [ids](ids.h) and [below](#where-to-start).\n\n"
                      "## Where to start\n",
    "base/ids.h": "#pragma once\n\n#include <string>\n",
    "base/ids.cc": '#include "base/ids.h"\n\n#include <map>\n\n#include "base/ids.h"\n',
    "ring/README.md": "# ring\n",
    "ring/token.h": '#pragma once\n#include <map>\n#include "base/ids.h"\n'
                    "std::unordered_map<int, int> lookup_;\n",
    "ring/token.cc": '#include "ring/token.h"\n\n// The system_clock is not for us.\n'
                     'int f() { return lookup_.at(1); }\nint g() { for (int x : sorted_) {} }\n'
                     'const char* clock_name = "steady_clock";\n',
    "tests/unit/README.md": "# unit tests\n",
    "tests/unit/ring/deep_test.cc": '#include "ring/deep/deep.h"\n\n#include <doctest/doctest.h>\n',
    "tests/unit/ring/token_test.cc": '#include "ring/token.h"\n\n#include <doctest/doctest.h>\n'
                                     'TEST_CASE("sleep (1)") { CHECK(true); }\n',
}


def long_function(lines):
    return "int f() {\n" + "  g();\n" * (lines - 2) + "}\n"


PURE = '#include "ring/token.h"\n\n'

# Rule -> files that it must reject, each added to the good tree alone.
BAD = {
    "includes_follow_the_arrows": [
        ("base/ids.cc", '#include "base/ids.h"\n#include "ring/token.h"\n'),
        ("base/ids.cc", '#include "base/ids.h"\n#include "base/wire/frame.h"\n'),
        ("ring/token.cc", '#include "gossip/member.h"\n'),
        ("ring/token.cc", '#include "base/env/clock.h"\n'),
        ("client/a.cc", '#include "storage/record.h"\n'),
        ("node/coordinator/put.cc", '#include "storage/log_store.h"\n'),
        ("node/node.cc", '#include "tests/sim/world.h"\n'),
    ],
    "every_source_is_in_a_room": [("util/misc.cc", ""), ("main.cc", "")],
    "includes_are_full_paths": [
        ("ring/a.cc", '#include "token.h"\n'), ("ring/a.cc", '#include "ring/../base/ids.h"\n'),
        ("ring/a.cc", "#include <base/ids.h>\n")],
    "own_header_first_ours_last": [
        ("base/ids.cc", '#include <map>\n#include "base/ids.h"\n'),
        ("tests/unit/ring/token_test.cc",
         '#include <doctest/doctest.h>\n#include "ring/token.h"\n'),
        ("ring/a.cc", '#include "base/ids.h"\n#include <map>\n')],
    "pure_rooms_only_decide": [
        ("ring/token.cc", PURE + "auto now() { return std::chrono::system_clock::now(); }\n"),
        ("ring/token.cc", PURE + "#include <thread>\n"),
        ("ring/token.cc", PURE + "#include <sys/socket.h>\n"),
        ("ring/token.cc", PURE + "std::random_device seed;\n"),
        ("ring/token.cc", PURE + "int f() { return rand(); }\n"),
        ("ring/token.cc", PURE + "auto f() { return time(nullptr); }\n"),
        ("storage/versions.cc", "std::chrono::steady_clock clock;\n"),
        ("storage/record_codec.cc", "std::mutex m;\n")],
    "pure_rooms_never_iterate_unordered": [
        ("ring/token.cc", PURE + "void f() { for (const auto& [key, value] : lookup_) g(key); }\n"),
        ("ring/token.cc", PURE + "void f() { for (auto it = lookup_.begin(); ; ) g(it); }\n"),
        ("ring/token.cc", PURE + "using Set = std::unordered_set<int>;\n"
                                 "void f(const Set& all) { for (int x : all) g(x); }\n"),
        ("ring/token.cc", PURE + "struct S { std::unordered_map<int, std::vector<int>> by_id; };\n"
                                 "void f(S s) { for (auto& x : s.by_id) g(x); }\n"),
        ("ring/token.cc", PURE + "void f() { std::copy(lookup_.cbegin(), lookup_.cend(), x); }\n")],
    "lines_fit": [("tests/a.py", "a = " + "1" * 97 + "\n"), ("check", "#!" + "x" * 99 + "\n")],
    "files_are_small": [("ring/a.cc", "int a;\n" * 501), ("tests/x.py", "a = 1\n" * 801)],
    "exceptions_are_needed": [],  # test_exceptions below
    "functions_are_small": [
        ("ring/a.cc", long_function(71)),
        ("ring/a.cc", "namespace a {\nclass B final : public C<int()> {\n public:\n"
                      "  B(int x) : x_{x}, y_(f(x)) {\n" + "    g();\n" * 70 + "  }\n};\n}\n"),
        ("tests/unit/a_test.cc", 'TEST_CASE("a") {\n' + "  SUBCASE(1) {\n  }\n" * 35 + "}\n"),
        ("ring/a.cc", "auto f(int a) -> std::map<int, int> {\n  auto g = [&] {\n" +
                      "    h();\n" * 70 + "  };\n}\n"),
        ("tests/runner/a.py", "def f():\n" + "    g()\n" * 70)],
    "headers_have_pragma_once": [
        ("ring/a.h", "int a;\n"), ("ring/a.h", "#ifndef A\n#define A\n#endif\n")],
    "headers_stay_light": [("ring/a.h", "#pragma once\n#include <nlohmann/json.hpp>\n")],
    "headers_open_no_namespace": [("ring/a.h", "#pragma once\nusing namespace std;\n")],
    "check_instead_of_assert": [("ring/a.cc", "void f() { assert(true); }\n")],
    "nothing_is_left_unfinished": [
        ("ring/a.cc", f"// {UNDONE}: later\n"), ("docs/a.md", "FIX" + "ME\n"),
        ("check", "# XX" + "X\n")],
    "nothing_points_elsewhere": [
        ("ring/a.cc", "// see #" + "12\n"), ("docs/a.md", "as issue " + "12 says\n"),
        ("ring/a.cc", "// in /wo" + "rk/main\n"), ("a.sh", "cd /tmp/coter" + "ie/wt\n")],
    "no_big_files": [("docs/a.md", "x" * ((1 << 20) + 1))],
    "scripts_are_executable": [("tests/run", "#!/bin/sh\n")],
    "rooms_have_a_readme": [("storage/a.cc", ""), ("tests/sim/a.cc", "")],
    "links_resolve": [
        ("docs/a.md", "[gone](gone.md)\n"), ("docs/a.md", "[gone](../base/README.md#nowhere)\n"),
        ("docs/a.md", "[gone](#nowhere)\n")],
    "unit_tests_never_sleep": [
        ("tests/unit/a_test.cc", "void f() { std::this_thread::sleep_for(1s); }\n"),
        ("tests/sim/a.cc", "void f() { usleep(3); }\n")],
    "unit_tests_skip_nothing": [
        ("tests/unit/a_test.cc", 'TEST_CASE("a" * doctest::skip()) {}\n')],
}


def sample(changes):
    texts = GOOD | changes
    return Tree([File(path, text, len(text)) for path, text in texts.items()])


class Rules(unittest.TestCase):
    def test_every_rule_has_a_sample(self):
        self.assertEqual({rule.__name__ for rule in rules.RULES}, set(BAD))
        self.assertEqual([name for name, samples in BAD.items() if not samples],
                         ["exceptions_are_needed"])

    def test_the_good_tree_passes(self):
        for rule in rules.RULES:
            self.assertEqual(list(rule(sample({}))), [], rule.__name__)

    def test_exceptions(self):
        table.LONG_FILES["ring/gone.cc"] = "a reason that is long enough"
        try:
            self.assertTrue(list(rules.exceptions_are_needed(sample({}))))
            long = {"ring/gone.cc": "int a;\n" * 501}
            self.assertEqual(list(rules.exceptions_are_needed(sample(long))), [])
            self.assertEqual(list(rules.files_are_small(sample(long))), [])
            longer = {"ring/gone.cc": "int a;\n" * 801}
            self.assertTrue(list(rules.files_are_small(sample(longer))))
        finally:
            del table.LONG_FILES["ring/gone.cc"]

    def test_executables_are_scripts(self):
        tree = Tree([File("a.md", "text", 4, executable=True)])
        self.assertTrue(list(rules.scripts_are_executable(tree)))


def rejection(name, path, text):
    def test(self):
        rule = getattr(rules, name)
        self.assertTrue(list(rule(sample({path: text}))), f"{name} accepts {path}:\n{text[:300]}")
    return test


for rule_name, samples in BAD.items():
    for index, (sample_path, sample_text) in enumerate(samples):
        setattr(Rules, f"test_{rule_name}_rejects_{index}",
                rejection(rule_name, sample_path, sample_text))


class Reading(unittest.TestCase):
    def test_comments_and_quotes_are_blank(self):
        code = cpp.blank('a /* { */ "}\\"{" b // }\n\'{\' 1\'000 R"x({\n)x" c')
        self.assertNotRegex(code, r"[{}]")
        self.assertEqual(code.count("\n"), 2)
        self.assertIn("1'000", code)
        self.assertIn(" c", code)

    def test_functions_are_measured(self):
        code = """namespace a {
class B {
  int x{3};
  void one() { if (x) { y(); } }

  int two(
      int a) const noexcept
  {
    auto f = [](int z) { return z; };
    return a;
  }
};
enum class C { d, e };
std::vector<int> v{1, 2};
template <typename T>
T three(T t) {
  return t;
}
}  // namespace a
"""
        found = [(first, lines) for first, lines, _ in cpp.functions(cpp.blank(code))]
        self.assertEqual(found, [(4, 1), (6, 6), (15, 4)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
