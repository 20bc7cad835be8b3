"""What `meson install` puts in place: that all of it is there, that what is written about the
programs is what their --help says, and that a program outside the tree compiles with the library.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ["COTERIE_BUILD"]
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COMMANDS = {
    "coterie": ["get", "put", "delete", "import", "export", "compare"],
    "cluster-admin": ["status", "members", "ring", "explain", "handoff", "repair", "verify",
                      "scrub", "join", "leave", "replace", "weight", "zone", "remove", "plan",
                      "commit", "unstage", "clear", "abort", "pause", "resume", "drain",
                      "bucket", "force-lineage", "transfers", "config"],
    "coterie-bench": ["probe", "compare", "sweep", "plot"],
    "coterie-node": [],
}
PROMISED = """
    /etc/coterie/node.toml
    /usr/bin/cluster-admin
    /usr/bin/coterie
    /usr/bin/coterie-bench
    /usr/bin/coterie-node
    /usr/include/coterie/client/client.h
    /usr/lib/libcoterie.a
    /usr/lib/pkgconfig/coterie.pc
    /usr/lib/systemd/system/coterie.service
    /usr/lib/sysusers.d/coterie.conf
    /usr/share/bash-completion/completions/cluster-admin
    /usr/share/bash-completion/completions/coterie
    /usr/share/bash-completion/completions/coterie-bench
    /usr/share/bash-completion/completions/coterie-node
    /usr/share/doc/coterie/LICENSE
    /usr/share/doc/coterie/README.md
    /usr/share/doc/coterie/configs/four.toml
    /usr/share/doc/coterie/configs/one.toml
    /usr/share/doc/coterie/configs/three.toml
    /usr/share/doc/coterie/configs/two.toml
    /usr/share/doc/coterie/docs/architecture.md
    /usr/share/doc/coterie/docs/sdk.md
    /usr/share/man/man1/cluster-admin.1
    /usr/share/man/man1/coterie-bench.1
    /usr/share/man/man1/coterie-node.1
    /usr/share/man/man1/coterie.1
""".split()


def run(command, **options):
    """Standard output of a command that has to succeed."""
    done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=300,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join(command)} ended with {done.returncode}:\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout


def build_options():
    listed = json.loads(run(["meson", "introspect", "--buildoptions", BUILD]))
    return {option["name"]: option["value"] for option in listed}


def options_of_help(program, command):
    """The options, short and long, that `program command --help` lists."""
    text = run([program, *filter(None, [command]), "--help"])
    found = set()
    for names in re.findall(r"^  (-[-\w,]+)", text, re.MULTILINE):
        found.update(names.split(","))
    return found


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = tempfile.mkdtemp(prefix="coterie-install-")
        cls.addClassCleanup(shutil.rmtree, cls.tree)
        options = build_options()
        cls.options = options
        run(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", cls.tree])
        cls.prefix = options["prefix"]

    def place(self, promised):
        """A file promised below /usr, where this build installs it."""
        directories = {"/usr/lib/libcoterie.a": "libdir", "/usr/lib/pkgconfig/": "libdir",
                       "/usr/include/": "includedir", "/usr/bin/": "bindir",
                       "/etc/": "sysconfdir", "/usr/share/man/": "mandir",
                       "/usr/share/": "datadir"}
        for start, option in directories.items():
            if promised.startswith(start):
                below = os.path.dirname(start) if start.endswith(".a") else start.rstrip("/")
                below = "/usr/lib" if start.startswith("/usr/lib") else below
                rest = os.path.relpath(promised, below)
                return self.installed(os.path.join(self.options[option], rest))
        return self.installed(os.path.relpath(promised, "/usr"))

    def installed(self, path):
        """A path that the build knows, absolute or below the prefix, within the temporary tree."""
        return self.tree + os.path.join(self.prefix, path)

    def program(self, name):
        return self.place("/usr/bin/" + name)

    def read(self, promised):
        with open(self.place(promised), encoding="utf-8") as file:
            return file.read()

    def each_command(self):
        for program, commands in COMMANDS.items():
            for command in ["", *commands]:
                yield program, command

    def test_all_that_is_promised_is_there(self):
        missing = [path for path in PROMISED if not os.path.isfile(self.place(path))]
        self.assertEqual(missing, [])

    def test_programs_run_and_tell_their_version(self):
        for name in COMMANDS:
            self.assertRegex(run([self.program(name), "--version"]), rf"^{name} \d+\.\d+\.\d+\n$")

    def test_each_command_is_known(self):
        for name, commands in COMMANDS.items():
            listed = run([self.program(name), "--help"]).partition("Subcommands:\n")[2]
            listed = listed.partition("\n\n")[0]
            self.assertEqual(re.findall(r"^  ([\w-]+)", listed, re.MULTILINE), commands, name)

    def test_man_pages_have_the_options_of_help_and_no_others(self):
        for name in COMMANDS:
            page = self.read(f"/usr/share/man/man1/{name}.1").replace("\\-", "-")
            page = re.sub(r"\\f.", "", page)
            documented = set(re.findall(r"^\.(?:BR?|BI) (-.*)$", page, re.MULTILINE))
            documented = {option for line in documented
                          for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", line)}
            offered = set()
            for program, command in self.each_command():
                if program == name:
                    offered |= options_of_help(self.program(name), command)
            self.assertEqual(documented, offered, name)

    def test_man_pages_have_every_command_and_exit_code(self):
        for name, commands in COMMANDS.items():
            page = self.read(f"/usr/share/man/man1/{name}.1").replace("\\-", "-")
            documented = re.findall(r"^\.TP\n\.B ([\w-]+)$", page, re.MULTILINE)
            for command in commands:
                self.assertIn(command, documented, name)
            help_text = run([self.program(name), "--help"])
            codes = re.search(r"Exit codes?:(.*)", help_text, re.DOTALL)
            for code in re.findall(r"\b\d\b", codes.group(1) if codes else ""):
                self.assertIn(code, documented, name)

    def complete(self, *words):
        """What the completion offers after these words."""
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                  'eval "$(complete -p "$1" | sed -E \'s/.*-F ([^ ]+).*/\\1/\') $1"; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        file = self.place("/usr/share/bash-completion/completions/" + words[0])
        return set(run(["bash", "-uc", script, "bash", file, *words]).split())

    def test_completion_has_the_options_of_help_and_no_others(self):
        for program, command in self.each_command():
            offered = {option for option in options_of_help(self.program(program), command)
                       if option.startswith("--")}
            words = [word for word in (program, command) if word]
            self.assertEqual(self.complete(*words, "--"), offered, words)

    def test_completion_knows_commands_values_and_files(self):
        for program, commands in COMMANDS.items():
            self.assertEqual(self.complete(program, ""), set(commands))
        self.assertEqual(self.complete("coterie", "import", "--format", "j"), {"jsonl"})
        self.assertEqual(self.complete("coterie", "import", "--format", "=", "t"), {"tsv"})
        self.assertEqual(self.complete("coterie", "get", "--seed", "g"), set())
        self.assertEqual(self.complete("coterie", "--seed", "x", "compare", "--pr"), {"--progress"})
        node = os.path.join(SOURCE, "configs/one.")
        self.assertEqual(self.complete("coterie-node", "-c", node), {node + "toml"})
        self.assertEqual(self.complete("coterie", "import", node), {node + "toml"})

    def test_completion_offers_values_only_after_options_that_take_one(self):
        for program, command in self.each_command():
            text = run([self.program(program), *filter(None, [command]), "--help"])
            for names, kind in re.findall(r"^  (-[-\w,]+)( [A-Z]+)?", text, re.MULTILINE):
                script = 'source "$1"; _coterie_values "$2" "$3" > /dev/null'
                file = self.place("/usr/share/bash-completion/completions/" + program)
                for option in names.split(","):
                    takes = subprocess.run(["bash", "-c", script, "bash", file, program, option],
                                           check=False).returncode == 0
                    # --watch may stand alone, so a command's word may follow it.
                    wanted = bool(kind) and option not in ("--watch", "-w")
                    self.assertEqual(takes, wanted, (program, command, option))

    def test_installed_configuration_is_good_and_is_what_the_unit_runs(self):
        config = self.place("/etc/coterie/node.toml")
        run([self.program("coterie-node"), "--check-config", "--config", config])
        unit = self.read("/usr/lib/systemd/system/coterie.service")
        command = re.search(r"^ExecStart=(\S+) --config (\S+)$", unit, re.MULTILINE)
        self.assertEqual(self.tree + command.group(1), self.program("coterie-node"))
        self.assertEqual(self.tree + command.group(2), config)
        for name in ("one", "two", "three", "four"):
            run([self.program("coterie-node"), "--check-config", "--config",
                 self.place(f"/usr/share/doc/coterie/configs/{name}.toml")])

    def test_an_installation_keeps_a_configuration_that_is_there(self):
        tree = tempfile.mkdtemp(prefix="coterie-install-")
        self.addCleanup(shutil.rmtree, tree)
        script = os.path.join(SOURCE, "packaging/install_config")
        packaged = os.path.join(SOURCE, "packaging/node.toml")
        target = tree + "/etc/coterie/node.toml"
        command = [script, packaged, "/etc/coterie"]
        env = {**os.environ, "DESTDIR": tree}
        run(command, env=env)
        with open(target, "a", encoding="utf-8") as file:
            file.write("# ours\n")
        run(command, env=env)
        with open(target, encoding="utf-8") as file:
            self.assertTrue(file.read().endswith("# ours\n"))

    def compile(self, program, *arguments, links=True):
        """Compiles a program as users do, or only reads it; its compiler sees nothing of the
        source tree."""
        work = tempfile.mkdtemp(prefix="coterie-user-")
        self.addCleanup(shutil.rmtree, work)
        path = os.path.join(work, "program.cc")
        with open(path, "w", encoding="utf-8") as file:
            file.write(program)
        env = {**os.environ, "PKG_CONFIG_PATH": os.path.dirname(
            self.place("/usr/lib/pkgconfig/coterie.pc"))}
        # As if the temporary tree were the root; what is not Coterie's is in its usual place.
        flags = shlex.split(run(["pkg-config", "--cflags", *["--libs"] * links, "coterie",
                                 f"--define-variable=prefix={self.tree}{self.prefix}"], env=env))
        self.assertNotIn(SOURCE, " ".join(flags))
        output = os.path.join(work, "program")
        run([*self.compiler(), "-std=c++23", "-Wall", "-Wextra", "-Werror", *arguments, path,
             *(["-o", output] if links else ["-fsyntax-only"]), *flags], cwd=work)
        return output

    def compiler(self):
        """That of the build: a library with sanitizers in it can only be linked by the same."""
        command = [word for word in shlex.split(os.environ.get("COTERIE_CXX", "g++"))
                   if os.path.basename(word) != "ccache"]
        sanitize = self.options["b_sanitize"]
        return command + ([] if sanitize == "none" else [f"-fsanitize={sanitize}"])

    def test_the_example_compiles_against_the_installed_library(self):
        page = self.read("/usr/share/doc/coterie/docs/sdk.md")
        example = re.search(r"^```cpp\n(#include.*?int main.*?)^```", page, re.M | re.S).group(1)
        program = self.compile(example)
        done = subprocess.run([program, "127.0.0.1:1"], text=True, capture_output=True,
                              check=False, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("127.0.0.1:1", done.stderr)

    def test_each_installed_header_compiles_alone(self):
        root = self.place("/usr/include/coterie/client/client.h")[:-len("client/client.h")]
        headers = [os.path.relpath(os.path.join(folder, name), root)
                   for folder, _, names in os.walk(root) for name in names]
        self.assertIn("client/client.h", headers)
        for header in headers:
            with self.subTest(header=header):
                self.compile(f'#include "{header}"\nint main() {{}}\n', links=False)

    def test_headers_can_be_named_below_coterie(self):
        include = os.path.join(self.installed(self.options["includedir"]))
        self.compile("#include <coterie/client/client.h>\nint main() {}\n", "-I" + include,
                     links=False)


if __name__ == "__main__":
    unittest.main()
