#include "bench/arrivals.h"

#include <cmath>

namespace coterie::bench {

Arrivals::Arrivals(Process process, double rate, Instant from, Random random)
    : process_(process), gap_ns_(1e9 / rate), from_(from), random_(random), next_(from) {}

void Arrivals::advance() {
  // From the beginning, so that rounding never adds up.
  elapsed_ns_ += process_ == Process::fixed ? gap_ns_ : -std::log1p(-random_.unit()) * gap_ns_;
  next_ = from_ + Duration(static_cast<std::int64_t>(elapsed_ns_));
}

}  // namespace coterie::bench
