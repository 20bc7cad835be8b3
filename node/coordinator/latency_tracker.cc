#include "node/coordinator/latency_tracker.h"

#include <algorithm>
#include <bit>

namespace coterie::coordinator {

namespace {

constexpr std::uint32_t octave_bits = 3;  // log2 of steps_an_octave

/// Below 8 us one step a microsecond; above, eight steps an octave.
std::size_t step_of(std::uint64_t us, std::size_t steps) {
  if (us < 1U << octave_bits) return us;
  const auto octave = static_cast<std::uint32_t>(std::bit_width(us)) - 1 - octave_bits;
  const std::uint64_t step = (octave + 1) << octave_bits | ((us >> octave) & 7);
  return std::min<std::uint64_t>(step, steps - 1);
}

/// The first microsecond above the step.
std::uint64_t end_of(std::size_t step) {
  if (step < 1U << octave_bits) return step + 1;
  const std::size_t octave = (step >> octave_bits) - 1;
  return (8 + (step & 7) + 1) << octave;
}

}  // namespace

void LatencyTracker::add(Duration latency) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(latency).count();
  ++counts_[step_of(static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0)), counts_.size())];
  ++total_;
  if (++since_ < samples_between) return;
  since_ = 0;
  work_out();
  if (total_ < samples_most) return;
  total_ = 0;
  for (std::uint32_t& count : counts_) {
    count /= 2;
    total_ += count;
  }
}

void LatencyTracker::work_out() {
  std::uint32_t above = total_ / 20;
  for (std::size_t step = counts_.size(); step-- > 0;) {
    if (counts_[step] > above) {
      p95_ = std::chrono::microseconds(end_of(step));
      return;
    }
    above -= counts_[step];
  }
}

}  // namespace coterie::coordinator
