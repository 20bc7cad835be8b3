#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

// CLI11 is heavy: only the programs' main files include it.
#include <CLI/CLI.hpp>

#include "base/base64.h"
#include "client/admin_tool/fetch.h"
#include "client/admin_tool/status_merge.h"
#include "client/admin_tool/views.h"
#include "client/tool/command_line.h"

namespace {

using coterie::Address;
using coterie::Error;
using coterie::ErrorCode;
using coterie::Result;
using namespace coterie::admin_tool;

constexpr int exit_well = 0;
constexpr int exit_degraded = 1;
constexpr int exit_usage = 2;
constexpr int exit_unreachable = 5;

struct Options {
  std::string node = "127.0.0.1:7403";
  bool json = false;
  int watch_s = 0;
  std::string partition;
  std::string key;
  std::string bucket = "default";
  std::string sort_key;
  bool is_base64 = false;
};

using View = Result<Rendered> (*)(const std::string&, bool);

int complain(int code, const std::string& text) {
  std::fprintf(stderr, "cluster-admin: %s\n", text.c_str());
  return code;
}

int usage_error(const std::string& text) {
  return complain(exit_usage, text + "\ntry: cluster-admin --help");
}

int unreachable(const Options& options, const std::string& why) {
  return complain(
      exit_unreachable,
      "cannot ask " + options.node + ": " + why +
          "\nCheck that coterie-node runs there and that this is its doors.admin: see its "
          "configuration file, or its log."
          "\nAny node will do: cluster-admin status --node HOST:PORT (or set COTERIE_ADMIN)");
}

/// Asks the named door; prints nothing. The int is the exit code of what went wrong.
std::expected<Fetched, int> ask(const Options& options, const std::string& path) {
  const auto door = Address::parse(options.node);
  if (!door) return std::unexpected(usage_error("--node: " + door.error().message));
  auto fetched = fetch(*door, path);
  if (!fetched) return std::unexpected(unreachable(options, fetched.error().message));
  if (fetched->status == 200) return *std::move(fetched);
  const std::string words = error_text(fetched->body);
  if (fetched->status == 400 || fetched->status == 404) {
    return std::unexpected(complain(exit_usage, words));
  }
  return std::unexpected(
      complain(exit_unreachable, "the node at " + options.node + " cannot answer now: " + words +
                                     "\nlook at: cluster-admin status --node " + options.node));
}

int show(const Options& options, const std::string& document, View view) {
  const auto rendered = view(document, isatty(STDOUT_FILENO) == 1);
  if (!rendered) {
    return complain(exit_unreachable,
                    options.node + " answered what this cluster-admin does not understand (" +
                        rendered.error().message + "); is it a doors.admin of the same version?");
  }
  const std::string& text = options.json ? document : rendered->text;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  return rendered->is_well ? exit_well : exit_degraded;
}

int show_path(const Options& options, const std::string& path, View view) {
  const auto fetched = ask(options, path);
  return fetched ? show(options, fetched->body, view) : fetched.error();
}

int show_status_once(const Options& options) {
  const std::string path = "/v1/status";
  const auto asked = ask(options, path);
  if (!asked) return asked.error();
  const auto doors = other_doors(asked->body);
  if (!doors) return show(options, asked->body, status_view);  // says what is wrong with it
  std::vector<Address> addresses;
  for (const auto& other : *doors) addresses.push_back(other.door);
  auto answers = fetch_all(addresses, path);
  std::vector<OtherAnswer> others;
  for (std::size_t i = 0; i < doors->size(); ++i) {
    others.push_back({(*doors)[i].id, std::move(answers[i])});
  }
  const auto merged = merge_status(*asked, others);
  return show(options, merged ? *merged : asked->body, status_view);
}

int show_status(const Options& options) {
  if (options.watch_s == 0) return show_status_once(options);
  const bool is_terminal = isatty(STDOUT_FILENO) == 1;
  while (true) {
    if (is_terminal && !options.json) std::printf("\033[H\033[2J");
    const int code = show_status_once(options);
    if (code == exit_usage) return code;
    if (!is_terminal && !options.json) std::printf("\n");
    if (is_terminal) std::printf("\nevery %d s; Ctrl-C ends\n", options.watch_s);
    std::fflush(stdout);
    if (std::ferror(stdout) != 0) return code;
    std::this_thread::sleep_for(std::chrono::seconds(options.watch_s));
  }
}

int show_ring(const Options& options) {
  const std::string which =
      options.partition.empty() ? "" : "?partition=" + percent_encoded(options.partition);
  return show_path(options, "/v1/ring" + which, ring_view);
}

int show_explain(const Options& options) {
  const auto encoded = [&options](const std::string& text) {
    return percent_encoded(options.is_base64 ? text : coterie::to_base64(text));
  };
  std::string path = "/v1/explain?bucket=" + percent_encoded(options.bucket) +
                     "&key_base64=" + encoded(options.key);
  if (!options.sort_key.empty()) path += "&sort_key_base64=" + encoded(options.sort_key);
  return show_path(options, path, explain_view);
}

constexpr const char* examples = R"(
Examples:
  cluster-admin status                        is all well? exit code 0: yes, 1: no
  cluster-admin status --watch                again every second
  cluster-admin status --node 10.0.0.2:7403   ask another node (its doors.admin)
  cluster-admin status --json | jq .verdict
  cluster-admin members                       nodes and their addresses
  cluster-admin ring --partition 12           who owns partition 12
  cluster-admin explain n:00001740 --bucket wordnet
                                              where a record lies, and whether its copies agree
  cluster-admin config                        the asked node's settings

Exit codes: 0 well, 1 something is wrong (status), 2 usage, 5 the node cannot be asked.)";

struct Commands {
  CLI::App* status;
  CLI::App* members;
  CLI::App* ring;
  CLI::App* explain;
  CLI::App* config;
};

Commands add_commands(CLI::App& app, Options& options) {
  const Commands commands{
      .status = app.add_subcommand("status", "What is wrong, if anything, and all nodes' figures"),
      .members = app.add_subcommand("members", "The nodes, their states and addresses"),
      .ring = app.add_subcommand("ring", "Which nodes own which partitions"),
      .explain = app.add_subcommand("explain", "Where a record lies and whether its copies agree"),
      .config = app.add_subcommand("config", "The settings of the node that is asked")};
  for (auto* command :
       {commands.status, commands.members, commands.ring, commands.explain, commands.config}) {
    command
        ->add_option("-n,--node", options.node,
                     "the admin door of any node, HOST:PORT (or set COTERIE_ADMIN)")
        ->capture_default_str();
    command->add_flag("--json", options.json, "the document as JSON (docs/operations.md)");
  }
  commands.status
      ->add_option("-w,--watch", options.watch_s, "again and again, every so many seconds (1)")
      ->expected(0, 1)
      ->default_str("1")
      ->check(CLI::Range(1, 3600));
  commands.ring->add_option("-p,--partition", options.partition, "only this one");
  commands.explain->add_option("KEY", options.key, "the record's (partition) key")->required();
  commands.explain->add_option("-b,--bucket", options.bucket, "its bucket")->capture_default_str();
  commands.explain->add_option("-s,--sort-key", options.sort_key, "its sort key, if it has one");
  commands.explain->add_flag("--base64", options.is_base64, "KEY and sort key are base64");
  return commands;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Looks after a Coterie cluster."};
  app.name("cluster-admin");
  app.footer(examples);
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("cluster-admin ") + COTERIE_VERSION);
  Options options;
  // Not by CLI11's envname(): it would win over --node, which each subcommand has.
  if (const char* door = std::getenv("COTERIE_ADMIN"); door != nullptr && *door != '\0') {
    options.node = door;
  }
  const Commands commands = add_commands(app, options);
  coterie::tool::speak_plainly(app);
  if (coterie::tool::complain_of_command(app, argc, argv)) return exit_usage;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_well : exit_usage;
  }
  if (*commands.status) return show_status(options);
  if (*commands.members) return show_path(options, "/v1/members", members_view);
  if (*commands.ring) return show_ring(options);
  if (*commands.explain) return show_explain(options);
  return show_path(options, "/v1/config", config_view);
}
