#pragma once

#include <string>
#include <variant>

#include "bench/compare.h"
#include "bench/probe.h"
#include "bench/settings.h"
#include "bench/sweep.h"

namespace coterie::bench {

struct Probes {
  EchoOptions echo;
  SyncOptions sync;
  bool is_json = false;
};

struct Plots {
  std::string result_file;
  std::string directory = ".";
};

/// What is asked for: a run, probes, a comparison, a sweep, plots; or the exit code of a process
/// that has nothing more to do: help was printed, or what is wrong with the command line.
using Asked = std::variant<int, Settings, Probes, CompareSettings, SweepSettings, Plots>;
[[nodiscard]] Asked parse_arguments(int argc, char** argv);

}  // namespace coterie::bench
