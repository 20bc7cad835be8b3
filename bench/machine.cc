#include "bench/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "base/env/system.h"

namespace coterie::bench {
namespace {

std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string kernel() {
  utsname name{};
  if (::uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

}  // namespace

Machine this_machine() {
  double load = 0;
  if (::getloadavg(&load, 1) != 1) load = 0;
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return {.cores = usable_cores(),
          .cpu = cpu_model(),
          .kernel = kernel(),
          .memory_bytes = pages * page_bytes,
          .load_average = load,
          .version = COTERIE_VERSION,
          .compiler = COTERIE_COMPILER,
          .commit = built_commit()};
}

}  // namespace coterie::bench
