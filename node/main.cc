#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>

// CLI11 is heavy: only the programs' main files include it.
#include <CLI/CLI.hpp>

#include "node/admin/admin.h"
#include "node/admin/changes_admin.h"
#include "node/config.h"
#include "node/node.h"
#include "node/settings.h"
#include "node/spd_log.h"

namespace {

using coterie::Config;

/// Waits for SIGTERM or SIGINT on a thread of its own; all other threads have them blocked.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  void start(coterie::Node& node, coterie::Log& log) {
    thread_ = std::thread([this, &node, &log] {
      int signal = 0;
      while (sigwait(&signals_, &signal) == 0 && signal != SIGUSR1) {
        coterie::admin::warn_of_stop(node, log);
        node.stop();
      }
    });
  }
  ~StopSignals() { end(); }
  /// The node is not told to stop any more: before it goes.
  void end() {
    if (!thread_.joinable()) return;
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }

 private:
  sigset_t signals_{};
  std::thread thread_;
};

/// The table is mapped: where the disk does not give one of its pages, the kernel sends SIGBUS.
/// What was about to be read cannot be gone without; the process ends all the same, and says why.
void on_bus_error(int /*signal*/) {
  constexpr std::string_view words =
      "coterie-node: a page of a table under the data directory could not be read (SIGBUS): the "
      "disk fails, or a file was cut short. See the kernel's log, and docs/operations.md, \"A "
      "damaged table\".\n";
  // Nothing can be done about it if standard error does not take it.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, words.data(), words.size());
}

void report_bus_errors() {
  struct sigaction action {};
  action.sa_handler = on_bus_error;
  // The access is tried again after the handler, and then ends the process as it would have.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGBUS, &action, nullptr);
}

/// It was restored from an old copy, and will be as long as nobody does something about it.
constexpr int exit_restored = 3;

int complain(const coterie::Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return 1;
}

int run_node(Config config, const coterie::BeginAnew& anew) {
  auto log = coterie::make_log(config.log.level, config.log.file);
  if (!log) return complain(log.error());
  std::signal(SIGPIPE, SIG_IGN);
  report_bus_errors();
  StopSignals signals;
  auto node = coterie::Node::open(std::move(config), **log, anew);
  if (!node) {
    (*log)->error("node", node.error().message);
    return 1;
  }
  auto admin = coterie::admin::Admin::open(**node);
  if (!admin) {
    (*log)->error("admin", admin.error().message);
    return 1;
  }
  signals.start(**node, **log);
  const auto outcome = (*node)->run();
  signals.end();
  if (outcome) return 0;
  return outcome.error().code == coterie::ErrorCode::refused ? exit_restored : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"One node of a Coterie cluster.\n\nExample:\n  coterie-node --config node.toml"};
  std::string config_path;
  bool check_only = false;
  bool print = false;
  app.add_option("-c,--config", config_path, "the configuration file (TOML)");
  app.add_flag("--check-config", check_only, "check the configuration file and exit");
  app.add_flag("--print-settings", print, "print every setting, its default and meaning, and exit");
  std::string recover_as;
  coterie::BeginAnew anew;
  app.add_option("--recover-as", recover_as,
                 "begin anew as this node, whose data directory is lost or an old copy: 32 "
                 "hexadecimal digits, as `cluster-admin members --json` shows them");
  app.add_flag("--discard-data", anew.discards_data,
               "with --recover-as: delete what the data directory holds first");
  app.set_version_flag("--version", std::string("coterie-node ") + COTERIE_VERSION);
  CLI11_PARSE(app, argc, argv);
  if (print) {
    std::fputs(coterie::settings_table().c_str(), stdout);
    return 0;
  }
  if (!recover_as.empty()) {
    const auto id = coterie::hex_to_128(recover_as);
    if (!id) {
      std::fprintf(stderr, "coterie-node: --recover-as: %s is no node id: 32 hexadecimal digits\n",
                   recover_as.c_str());
      return 2;
    }
    anew.as = coterie::NodeId{.high = id->first, .low = id->second};
  } else if (anew.discards_data) {
    std::fprintf(stderr, "coterie-node: --discard-data goes with --recover-as NODE\n");
    return 2;
  }
  if (config_path.empty()) {
    std::fprintf(stderr, "coterie-node: name a configuration file: --config FILE\n");
    return 2;
  }
  auto config = coterie::load_config(config_path);
  if (!config) {
    complain(config.error());
    return 2;
  }
  if (check_only) {
    std::printf("%s: good\n", config_path.c_str());
    return 0;
  }
  return run_node(*std::move(config), anew);
}
