#include <csignal>
#include <cstdio>
#include <variant>

#include "client/client.h"
#include "client/tool/arguments.h"
#include "client/tool/commands.h"

namespace coterie::tool {
namespace {

Exit run(const Arguments& arguments) {
  auto client = client::Client::connect(
      {.seeds = arguments.seeds, .deadline = std::chrono::milliseconds(arguments.deadline_ms)});
  if (!client) return complain(arguments, client.error());
  switch (arguments.command) {
    case Command::get:
      return run_get(arguments, *client);
    case Command::put:
      return run_put(arguments, *client);
    case Command::remove:
      return run_remove(arguments, *client);
    case Command::import:
      return run_import(arguments, *client);
    case Command::export_:
      return run_export(arguments, *client);
    case Command::compare:
      return run_compare(arguments, *client);
  }
  return Exit::usage;
}

}  // namespace
}  // namespace coterie::tool

int main(int argc, char** argv) {
  // A reader that goes away is told of like a full disk, below.
  std::signal(SIGPIPE, SIG_IGN);
  const auto parsed = coterie::tool::parse_arguments(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  const auto exit = coterie::tool::run(std::get<coterie::tool::Arguments>(parsed));
  // What was printed is only out when it has left: a full disk must not look like success.
  if (std::fflush(stdout) != 0 && exit == coterie::tool::Exit::success) {
    std::perror("coterie: standard output");
    return static_cast<int>(coterie::tool::Exit::failed);
  }
  return static_cast<int>(exit);
}
