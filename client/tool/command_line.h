#pragma once

// Named only: CLI11 is heavy.
namespace CLI {
class App;
}  // namespace CLI

namespace coterie::tool {

/// How programs with commands speak of a wrong command line: what is wrong, after the program's
/// name, then the help to look at, that of the command where there is one.
void speak_plainly(CLI::App& app);

/// Prints on standard error what is wrong when the first word is no command: there is none, it is
/// not known, or it is an option that belongs after the command. False when all is well.
[[nodiscard]] bool complain_of_command(const CLI::App& app, int argc, const char* const* argv);

}  // namespace coterie::tool
