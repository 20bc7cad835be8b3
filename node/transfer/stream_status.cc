// What people see of streams.

#include <algorithm>

#include "node/transfer/stream.h"

namespace coterie::transfer {

const char* name(StreamStatus::Phase phase) {
  switch (phase) {
    case StreamStatus::Phase::queued:
      return "queued";
    case StreamStatus::Phase::streaming:
      return "streaming";
    case StreamStatus::Phase::held:
      return "held";
    case StreamStatus::Phase::paused:
      return "paused";
    case StreamStatus::Phase::covered:
      return "covered";
  }
  return "";
}

StreamStatus Streams::status_of(PartitionId partition, const Incoming& incoming) const {
  using enum StreamStatus::Phase;
  const auto rate = incoming.rate.last_second(env_.clock.now());
  StreamStatus out{.partition = partition,
                   .change = incoming.change,
                   .source = incoming.current,
                   .bytes_a_second = rate.bytes};
  for (const auto& [node, source] : incoming.sources) {
    out.records += source.state.records;
    out.bytes += source.state.bytes;
    out.records_total +=
        source.state.is_covered ? source.state.records : source.state.records_total;
  }
  if (out.records > 0) {
    const auto mean = static_cast<double>(out.bytes) / static_cast<double>(out.records);
    const auto told = mean * static_cast<double>(out.records_total);
    out.bytes_total = std::max(out.bytes, static_cast<std::uint64_t>(told));
  }
  if (out.bytes_total && rate.bytes > 0) {
    out.left = std::chrono::seconds((*out.bytes_total - out.bytes) / rate.bytes);
  }
  const bool is_idle = incoming.asked == 0 && incoming.session == 0;
  if (incoming.is_filled) {
    out.phase = covered;
    out.left = std::chrono::seconds(0);
  } else if (incoming.is_paused) {
    out.phase = paused;
    out.why = "the change is paused; resume it";
  } else if (!incoming.why.empty()) {
    out.phase = held;
    out.why = incoming.why;
  } else if (yielding_since_) {
    out.phase = held;
    out.why = "clients wait";
  } else {
    out.phase = is_idle ? queued : streaming;
  }
  return out;
}

StreamsStatus Streams::status() const {
  StreamsStatus out = counts_;
  out.bytes_a_second_most = options_.bytes_a_second;
  for (const auto& [partition, incoming] : incoming_) {
    out.streams.push_back(status_of(partition, incoming));
  }
  return out;
}

}  // namespace coterie::transfer
