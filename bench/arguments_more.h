#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "bench/compare.h"
#include "bench/sweep.h"

namespace CLI {
class App;
}  // namespace CLI

namespace coterie::bench {

/// The commands `compare` and `sweep` of the command line.
class MoreCommands {
 public:
  /// Adds them; `app` outlives this.
  explicit MoreCommands(CLI::App& app);
  MoreCommands(const MoreCommands&) = delete;
  MoreCommands& operator=(const MoreCommands&) = delete;
  ~MoreCommands();

  /// What was asked for, after parsing; nothing: neither. Error: what is wrong with it.
  [[nodiscard]] Result<std::optional<std::variant<CompareSettings, SweepSettings>>> asked();

 private:
  struct Raw;
  std::unique_ptr<Raw> raw_;
};

}  // namespace coterie::bench
