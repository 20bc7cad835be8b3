#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "client/options.h"
#include "client/tool/file_record.h"
#include "client/tool/progress.h"

namespace coterie::tool {

enum class Command : std::uint8_t { get, put, remove, import, export_, compare };

/// The command line of `coterie`.
struct Arguments {
  Command command = Command::get;
  std::vector<std::string> seeds = {"127.0.0.1:7400"};
  std::string bucket = "default";
  bool json = false;
  std::int64_t deadline_ms = 5000;
  client::Quorum r;
  client::Quorum w;
  client::Sloppy sloppy = client::Sloppy::bucket_default;

  // get, put, delete
  Bytes key;
  Bytes sort_key;
  std::string value;                 // of a put; "-" is standard input
  bool is_blind = false;             // put: without reading first
  std::optional<Bytes> context;      // put, delete
  std::int64_t time_to_live_ms = 0;  // put
  // import, export, compare
  std::string file = "-";
  std::optional<Format> format;
  std::size_t in_flight = 128;
  std::int64_t retry_for_s = 60;
  bool overwrite = false;
  ProgressMode progress = ProgressMode::none;
};

/// What main() goes on with, or the exit code with which it ends (help and mistakes are printed).
[[nodiscard]] std::variant<Arguments, int> parse_arguments(int argc, const char* const* argv);

}  // namespace coterie::tool
