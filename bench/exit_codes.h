#pragma once

namespace coterie::bench {

/// What a script learns from the end of `coterie-bench`; --help lists them.
enum class Exit : int {
  success = 0,
  failed = 1,       // some operations failed; the summary was printed
  usage = 2,        // the command line is wrong, or names what is not there
  unavailable = 5,  // no node could be asked
  interrupted = 6,  // by a signal; the summary of what was done was printed
};

inline constexpr const char* exit_codes_help =
    "Exit codes: 0 done; 1 some operations failed; 2 wrong usage; 5 the cluster cannot be reached; "
    "6 interrupted.";

}  // namespace coterie::bench
