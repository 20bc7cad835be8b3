#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace coterie::wire {

struct SampleFrame {
  std::string name;  // of its file in golden/
  Bytes frame;
};

/// One frame of every kind with every field set, and the bare form of those that have one.
[[nodiscard]] std::vector<SampleFrame> sample_frames();

}  // namespace coterie::wire
