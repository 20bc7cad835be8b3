#include "client/tool/command_line.h"

#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

namespace coterie::tool {

void speak_plainly(CLI::App& app) {
  app.failure_message([](const CLI::App* root, const CLI::Error& error) {
    const auto given = root->get_subcommands();
    const std::string command = given.empty() ? "" : " " + given.front()->get_name();
    return root->get_name() + ": " + error.what() + "\nSee: " + root->get_name() + command +
           " --help\n";
  });
}

bool complain_of_command(const CLI::App& app, int argc, const char* const* argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  std::string commands;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == word) return false;
    commands += (commands.empty() ? "" : ", ") + command->get_name();
  }
  if (word == "--help" || word == "-h" || word == "--version") return false;
  std::string wrong = "there is no command \"" + word + "\"";
  if (argc < 2) wrong = "a command is missing";
  if (word.starts_with('-')) wrong = "the command stands first, then " + word;
  const std::string& name = app.get_name();
  std::fprintf(stderr, "%s: %s. Commands: %s\nSee: %s --help\n", name.c_str(), wrong.c_str(),
               commands.c_str(), name.c_str());
  return true;
}

}  // namespace coterie::tool
