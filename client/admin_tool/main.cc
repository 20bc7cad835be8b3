#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <thread>

// CLI11 is heavy: only the programs' main files include it.
#include <CLI/CLI.hpp>

#include "base/base64.h"
#include "client/admin_tool/bucket_commands.h"
#include "client/admin_tool/change_commands.h"
#include "client/admin_tool/fetch.h"
#include "client/admin_tool/handoff_command.h"
#include "client/admin_tool/repair_command.h"
#include "client/admin_tool/scrub_command.h"
#include "client/admin_tool/status_merge.h"
#include "client/admin_tool/stream_views.h"
#include "client/admin_tool/talk.h"
#include "client/admin_tool/views.h"
#include "client/tool/command_line.h"

namespace {

using coterie::Address;
using namespace coterie::admin_tool;

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

/// Once, or as often as --watch asks for.
int watch(const Options& options, int (*show_once)(const Options&)) {
  if (options.watch_s == 0) return show_once(options);
  const bool is_terminal = isatty(STDOUT_FILENO) == 1;
  while (true) {
    if (is_terminal && !options.json) std::printf("\033[H\033[2J");
    const int code = show_once(options);
    if (code == exit_usage) return code;
    if (!is_terminal && !options.json) std::printf("\n");
    if (is_terminal) std::printf("\nevery %d s; Ctrl-C ends\n", options.watch_s);
    std::fflush(stdout);
    if (std::ferror(stdout) != 0) return code;
    std::this_thread::sleep_for(std::chrono::seconds(options.watch_s));
  }
}

int show_transfers(const Options& options) {
  const auto members = members_of(options);
  if (!members) return members.error();
  const View view = options.with_all ? all_transfers_view : transfers_view;
  return show(options, answers_of(*members, "/v1/transfers"), view);
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

int show_handoff(const Options& options) {
  const bool needs_target = options.action == "cancel";
  if (needs_target == options.target.empty()) {
    return usage_error(needs_target ? "handoff cancel: name the node whose hints are given up"
                                    : "handoff " + options.action + " takes no target");
  }
  return run_handoff(options);
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
  cluster-admin handoff                       what waits for owners that missed it
  cluster-admin handoff cancel 1f0c           give up the hints for a node (its id begins so)
  cluster-admin repair                        compare all copies now, repair what differs
  cluster-admin verify --bucket wordnet       say what differs, change nothing
  cluster-admin scrub                         read all that lies on the disks, mend what is bad
  cluster-admin scrub --status                how far, and what the last one found
  cluster-admin join 10.0.0.4:7402            stage a new node, by its doors.gossip
  cluster-admin plan                          what is staged, and what it would do
  cluster-admin commit 5e12ab0934cd77ef       begin it, as that plan says
  cluster-admin transfers --watch             how far a change of owners is, what it waits for
  cluster-admin leave 1f0c --yes              have a node hand over what it owns, and go
  cluster-admin drain 1f0c                    stop a node for maintenance
  cluster-admin config                        the asked node's settings

Exit codes: 0 well, 1 something is wrong, differs or was not done, 2 usage, 5 the node cannot be
asked.)";

/// Of commands that change the ring.
struct ChangeCommands {
  CLI::App* join;
  CLI::App* leave;
  CLI::App* replace;
  CLI::App* weight;
  CLI::App* zone;
  CLI::App* remove;
  CLI::App* plan;
  CLI::App* commit;
  CLI::App* unstage;
  CLI::App* clear;
  CLI::App* abort;
  CLI::App* pause;
  CLI::App* resume;
  CLI::App* drain;
  CLI::App* bucket;
  CLI::App* force_lineage;
};

struct Commands {
  CLI::App* status;
  CLI::App* members;
  CLI::App* ring;
  CLI::App* explain;
  CLI::App* handoff;
  CLI::App* repair;
  CLI::App* verify;
  CLI::App* scrub;
  ChangeCommands changes;
  CLI::App* transfers;
  CLI::App* config;
};

ChangeCommands add_change_commands(CLI::App& app) {
  return {
      .join = app.add_subcommand("join", "Stage: the node at this gossip address becomes a member"),
      .leave = app.add_subcommand("leave", "Stage: a node hands over all it owns, and goes"),
      .replace = app.add_subcommand("replace", "Stage: a new node takes over what another owns"),
      .weight = app.add_subcommand("weight", "Stage: a node gets a larger or smaller share"),
      .zone = app.add_subcommand("zone", "Stage: a node is in another zone"),
      .remove = app.add_subcommand("remove", "Stage: a dead node is given up, with what it holds"),
      .plan = app.add_subcommand("plan", "What is staged, and what it would do; changes nothing"),
      .commit = app.add_subcommand("commit", "Begin what is staged, as the plan of this hash says"),
      .unstage = app.add_subcommand("unstage", "Take back what is staged about a node"),
      .clear = app.add_subcommand("clear", "Take back all that is staged"),
      .abort = app.add_subcommand("abort", "Take back a change that has begun and is not cut over"),
      .pause = app.add_subcommand("pause", "Hold a change"),
      .resume = app.add_subcommand("resume", "Go on with a change that is paused"),
      .drain = app.add_subcommand("drain", "Stop a node cleanly, if the others can do without it"),
      .bucket = app.add_subcommand("bucket", "The buckets; make one, set its R or W"),
      .force_lineage =
          app.add_subcommand("force-lineage", "The way out when most voters are gone for good")};
}

void add_change_options(const ChangeCommands& commands, Options& options) {
  for (auto* command : {commands.leave, commands.replace, commands.weight, commands.zone,
                        commands.remove, commands.unstage, commands.drain}) {
    command->add_option("NODE", options.target, "its id, as much of it as is needed, or an address")
        ->required();
  }
  for (auto* command : {commands.join, commands.replace}) {
    command->add_option("ADDRESS", options.address, "the new node's doors.gossip, HOST:PORT")
        ->required();
  }
  commands.join->add_option("--weight", options.weight, "instead of what it is configured with");
  commands.join->add_option("--zone", options.zone, "instead of what it is configured with");
  commands.weight->add_option("WEIGHT", options.weight, "against the others' weights")->required();
  commands.zone->add_option("ZONE", options.zone, "the zone's name")->required();
  commands.commit->add_option("HASH", options.hash, "of the plan, as plan shows it")->required();
  for (auto* command : {commands.abort, commands.pause, commands.resume}) {
    command->add_option("CHANGE", options.change, "its number; not needed if there is only one");
  }
  for (auto* command : {commands.join, commands.leave}) {
    command->add_flag("--yes", options.is_sure, "plan and commit it, too, if nothing is wrong");
  }
  commands.remove->add_flag("--yes", options.is_sure, "stage it without asking back");
  commands.replace->add_flag("--dead", options.is_dead, "NODE is dead and will not come back");
  for (auto* command : {commands.leave, commands.remove, commands.commit, commands.drain}) {
    command->add_flag("--force", options.is_forced, "in spite of what speaks against it");
  }
  commands.plan->add_flag("-a,--all", options.with_all, "all pairs of nodes");
  commands.force_lineage->add_option("NODE", options.lost, "each node that is lost for good")
      ->required();
  commands.force_lineage->add_flag("--yes", options.is_sure,
                                   "do it; without it only say what may be lost");
}

void add_bucket_options(CLI::App* command, Options& options) {
  command->add_option("ACTION", options.action, "list, create, set or fence")
      ->check(CLI::IsMember({"list", "create", "set", "fence"}));
  command->add_option("NAME", options.target, "the bucket");
  command->add_option("--r", options.r, "how many owners answer a read");
  command->add_option("--w", options.w, "how many owners hold a write before it is acknowledged");
  command->add_option("--time-to-live", options.time_to_live,
                      "seconds after which values expire that have none of their own; 0: never");
  command->add_option("--durability", options.durability, "of create: commit or interval");
  command->add_option("--resolver", options.resolver, "of create: siblings or lww");
  command->add_flag("--sloppy", options.is_sloppy,
                    "of create: fallbacks stand in for owners that cannot be reached");
}

std::optional<int> run_change(const ChangeCommands& commands, const Options& options) {
  for (const auto* command : {commands.join, commands.leave, commands.replace, commands.weight,
                              commands.zone, commands.remove}) {
    if (*command) return run_stage(options, command->get_name());
  }
  for (const auto* command : {commands.abort, commands.pause, commands.resume}) {
    if (*command) return run_on_change(options, command->get_name());
  }
  if (*commands.plan) return show_plan(options);
  if (*commands.commit) return run_commit(options);
  if (*commands.unstage) return run_unstage(options);
  if (*commands.clear) return run_clear(options);
  if (*commands.drain) return run_drain(options);
  if (*commands.bucket) return run_bucket(options);
  if (*commands.force_lineage) return run_force_lineage(options);
  return std::nullopt;
}

Commands add_commands(CLI::App& app, Options& options) {
  const Commands commands{
      .status = app.add_subcommand("status", "What is wrong, if anything, and all nodes' figures"),
      .members = app.add_subcommand("members", "The nodes, their states and addresses"),
      .ring = app.add_subcommand("ring", "Which nodes own which partitions"),
      .explain = app.add_subcommand("explain", "Where a record lies and whether its copies agree"),
      .handoff = app.add_subcommand("handoff", "Hints: what owners missed and will be sent"),
      .repair = app.add_subcommand("repair", "Compare copies now, and repair what differs"),
      .verify = app.add_subcommand("verify", "Compare copies now, and say what differs"),
      .scrub = app.add_subcommand("scrub", "Read all records on disk now, and refill bad ones"),
      .changes = add_change_commands(app),
      .transfers =
          app.add_subcommand("transfers", "Changes of owners: how far, and what they wait for"),
      .config = app.add_subcommand("config", "The settings of the node that is asked")};
  for (auto* command : app.get_subcommands({})) {
    command
        ->add_option("-n,--node", options.node,
                     "the admin door of any node, HOST:PORT (or set COTERIE_ADMIN)")
        ->capture_default_str();
    command->add_flag("--json", options.json, "the document as JSON (docs/operations.md)");
  }
  for (auto* command : {commands.status, commands.transfers}) {
    command->add_option("-w,--watch", options.watch_s, "again and again, every so many seconds (1)")
        ->expected(0, 1)
        ->default_str("1")
        ->check(CLI::Range(1, 3600));
  }
  commands.transfers->add_flag("-a,--all", options.with_all, "every stream, also those that wait");
  commands.ring->add_option("-p,--partition", options.partition, "only this one");
  commands.explain->add_option("KEY", options.key, "the record's (partition) key")->required();
  commands.explain->add_option("-b,--bucket", options.bucket, "its bucket")->capture_default_str();
  commands.explain->add_option("-s,--sort-key", options.sort_key, "its sort key, if it has one");
  commands.explain->add_flag("--base64", options.is_base64, "KEY and sort key are base64");
  commands.handoff
      ->add_option("ACTION", options.action,
                   "pause or resume the replay, or cancel the hints for TARGET; on all nodes")
      ->check(CLI::IsMember({"pause", "resume", "cancel"}));
  commands.handoff->add_option("TARGET", options.target,
                               "of cancel: a node's id, or as much of it as is needed");
  for (auto* command : {commands.repair, commands.verify}) {
    command->add_option("-m,--member", options.member,
                        "only what this node shares with others: its id, or its beginning");
    command->add_option("-p,--partition", options.partition, "only this one");
    command->add_option("-b,--bucket", options.repaired_bucket, "only this bucket's records");
    command->add_flag("--cancel", options.is_cancel, "end the one that is going on");
  }
  commands.repair->add_flag("--accept-loss", options.is_accepting,
                            "take copies that may lack data as they are: --member or --partition");
  commands.repair->add_flag("--yes", options.is_sure, "of --accept-loss: do it");
  add_change_options(commands.changes, options);
  add_bucket_options(commands.changes.bucket, options);
  commands.scrub->add_option("TARGET", options.target,
                             "only this node: its id, or as much of it as is needed");
  commands.scrub->add_flag("--status", options.is_status,
                           "only show how far it is, or what the last one found");
  commands.scrub->add_flag("--cancel", options.is_cancel, "end the one that is going on");
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
  options.usual_node = options.node;
  const Commands commands = add_commands(app, options);
  coterie::tool::speak_plainly(app);
  if (coterie::tool::complain_of_command(app, argc, argv)) return exit_usage;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_well : exit_usage;
  }
  if (*commands.status) return watch(options, show_status_once);
  if (*commands.members) return show_path(options, "/v1/members", members_view);
  if (*commands.ring) return show_ring(options);
  if (*commands.explain) return show_explain(options);
  if (*commands.handoff) return show_handoff(options);
  if (*commands.repair) return run_repair(options, "repair");
  if (*commands.verify) return run_repair(options, "verify");
  if (*commands.scrub) return run_scrub(options);
  if (const auto code = run_change(commands.changes, options)) return *code;
  if (*commands.transfers) return watch(options, show_transfers);
  return show_path(options, "/v1/config", config_view);
}
