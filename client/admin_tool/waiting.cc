#include "client/admin_tool/waiting.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

namespace coterie::admin_tool {
namespace {

constexpr auto look_again = std::chrono::milliseconds(300);
/// How often in a row a node may not answer while it is waited for.
constexpr int silences_most = 20;

/// One line that is written over, on a terminal only.
class ProgressLine {
 public:
  explicit ProgressLine(bool is_wanted) : is_wanted_(is_wanted && isatty(STDERR_FILENO) == 1) {}
  void show(const std::string& text) {
    if (!is_wanted_) return;
    std::fprintf(stderr, "\r\033[K%s", text.c_str());
    std::fflush(stderr);
  }
  ~ProgressLine() { show(""); }

 private:
  bool is_wanted_;
};

}  // namespace

std::expected<std::string, int> wait_for_end(const Options& options, const Members& members,
                                             const std::string& path, const ReadProgress& read) {
  ProgressLine line(!options.json);
  int silences = 0;
  while (true) {
    std::string merged = answers_of(members, path);
    const auto progress = read(merged);
    if (!progress) {
      return std::unexpected(complain(exit_unreachable, progress.error().message));
    }
    silences = progress->silent > 0 ? silences + 1 : 0;
    if ((progress->is_over && progress->silent == 0) || silences > silences_most) return merged;
    line.show(progress->line);
    std::this_thread::sleep_for(look_again);
  }
}

}  // namespace coterie::admin_tool
