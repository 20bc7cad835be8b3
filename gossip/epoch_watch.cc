#include "gossip/epoch_watch.h"

#include <chrono>

namespace coterie::gossip {

namespace {

constexpr auto repeat_after = std::chrono::seconds(1);

}  // namespace

void EpochWatch::compare(Instant now, const EpochMark& ours, const Member& sender, Outbox& out) {
  if (sender.epoch.number > ours.number) {
    // One later still is worth saying at once.
    if (now < ahead_again_ && sender.epoch.number <= ahead_reported_) return;
    ahead_reported_ = sender.epoch.number;
    ahead_again_ = now + repeat_after;
    out.events.push_back({.kind = EventKind::epoch_ahead, .member = sender});
  } else if (sender.epoch.number == ours.number && sender.epoch.hash != ours.hash) {
    if (now < differs_again_) return;
    differs_again_ = now + repeat_after;
    out.events.push_back({.kind = EventKind::epoch_differs, .member = sender});
  }
}

}  // namespace coterie::gossip
