#pragma once

#include <string>
#include <variant>

#include "bench/probe.h"
#include "bench/settings.h"

namespace coterie::bench {

struct Probes {
  EchoOptions echo;
  SyncOptions sync;
  bool is_json = false;
};

/// The settings of a run, the probes asked for, or the exit code of a process that has nothing
/// more to do: help was printed, or what is wrong with the command line.
[[nodiscard]] std::variant<int, Settings, Probes> parse_arguments(int argc, char** argv);

}  // namespace coterie::bench
