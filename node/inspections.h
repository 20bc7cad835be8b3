#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/wire/codec.h"
#include "node/local_copies.h"
#include "node/peer_links.h"

namespace coterie {

/// What one owner holds of a record, or why it did not say.
struct Inspection {
  NodeId node;
  Result<LocalCopies::Inspected> found;
};

/// Questions to other owners about single records, for `explain`. One thread.
class Inspections {
 public:
  using Done = std::move_only_function<void(std::vector<Inspection>)>;

  Inspections(Timers& timers, PeerLinks& links) : timers_(timers), links_(links) {}
  Inspections(const Inspections&) = delete;
  Inspections& operator=(const Inspections&) = delete;
  ~Inspections();

  /// Asks `others` and calls `done` once, with their answers behind those that `known` brings, when
  /// all have come or limits::inspection_patience is over.
  void ask(const wire::ReplicaInspect& message, std::span<const NodeId> others,
           std::vector<Inspection> known, Done done);
  /// True if the frame answers one of these.
  bool on_frame(const wire::FrameHeader& header, BytesView body);
  void on_peer_lost(const PeerLinks::Target& peer);

 private:
  struct Question {
    std::vector<Inspection> answers;
    Done done;
    std::size_t awaited = 0;
  };
  struct Pending {
    std::shared_ptr<Question> question;
    PeerLinks::Target owner;
    TimerId timer;
  };
  void settle(std::uint64_t id, Result<LocalCopies::Inspected> found);

  Timers& timers_;
  PeerLinks& links_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Pending> pending_;
};

}  // namespace coterie
