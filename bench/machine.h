#pragma once

#include <cstdint>
#include <string>

namespace coterie::bench {

/// What a result has to say of where it was measured.
struct Machine {
  unsigned cores = 0;
  std::string cpu;
  std::string kernel;
  std::uint64_t memory_bytes = 0;
  /// Runnable processes over the last minute: what else was going on.
  double load_average = 0;
  std::string version;   // of Coterie
  std::string compiler;  // and build type
  std::string commit;    // that was built, "-dirty" where files differed from it
};

/// Written when the programs are built.
[[nodiscard]] const char* built_commit();

[[nodiscard]] Machine this_machine();

}  // namespace coterie::bench
