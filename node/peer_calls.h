#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "base/env/timers.h"
#include "base/wire/codec.h"
#include "node/peer_links.h"

namespace coterie {

/// What a shard asks the shards of other nodes for itself, not for a client's request in progress:
/// inspections, hints replayed, trees compared, purges. Each question is answered exactly once: by
/// the reply, an error, the loss of the connection, or the end of its patience. One thread.
class PeerCalls {
 public:
  template <class Reply>
  using Done = std::move_only_function<void(Result<Reply>)>;

  PeerCalls(Timers& timers, PeerLinks& links) : timers_(timers), links_(links) {}
  PeerCalls(const PeerCalls&) = delete;
  PeerCalls& operator=(const PeerCalls&) = delete;
  ~PeerCalls();

  /// Sends `message` to the shard of `to` that holds `message.scope.partition`. False: it cannot be
  /// sent now (PeerLinks::send, the frame is over limits::frame_bytes, limits::peer_calls_a_shard
  /// are in progress), and `done` is not called. Otherwise `done` is called later, never within
  /// this call; what the reply borrows is valid during it. A reply's kind is its question's + 1.
  /// Errors handed to it: those of the node asked; corrupt (its answer); unavailable (no answer).
  /// The bytes of both frames are added to `bytes`, if given, which outlives the answer.
  template <class Reply, class Message>
  [[nodiscard]] bool ask(NodeId to, const Message& message, Duration patience, Done<Reply> done,
                         std::uint64_t* bytes = nullptr) {
    Bytes frame = wire::encode(message, envelope(patience));
    const std::size_t frame_bytes = frame.size();
    const bool is_sent = send(to, message.scope.partition, std::move(frame), patience,
                              [done = std::move(done), bytes](Answer answer) mutable {
                                if (!answer)
                                  return done(std::unexpected(std::move(answer).error()));
                                if (bytes != nullptr) *bytes += wire::header_bytes + answer->size();
                                done(wire::decode<Reply>(*answer));
                              });
    if (is_sent && bytes != nullptr) *bytes += frame_bytes;
    return is_sent;
  }

  /// True if the frame answers one of these.
  bool on_frame(const wire::FrameHeader& header, BytesView body);
  void on_peer_lost(const PeerLinks::Target& peer);
  [[nodiscard]] std::size_t in_progress() const { return pending_.size(); }

 private:
  using Answer = Result<BytesView>;
  using Settle = std::move_only_function<void(Answer)>;
  struct Pending {
    PeerLinks::Target asked;
    wire::Kind reply;
    TimerId timer;
    Settle settle;
  };

  [[nodiscard]] wire::Envelope envelope(Duration patience) const;
  bool send(NodeId to, PartitionId partition, Bytes frame, Duration patience, Settle settle);
  void settle(std::uint64_t id, Answer answer);

  Timers& timers_;
  PeerLinks& links_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Pending> pending_;
};

}  // namespace coterie
