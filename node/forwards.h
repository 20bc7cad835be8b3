#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/env/clock.h"
#include "base/env/timers.h"
#include "base/wire/codec.h"
#include "node/coordinator/outbox.h"
#include "node/peer_links.h"

namespace coterie {

/// Clients' requests passed on, once, to an owner of their key, and the answers on their way back.
/// One thread.
class Forwards {
 public:
  using Message = std::variant<wire::Get, wire::Put, wire::Scan>;
  /// The owner's answer: any frame; its request id is to be replaced by the client's.
  using OnAnswer = std::function<void(coordinator::ClientHandle, Bytes frame)>;
  using OnFailed = std::function<void(coordinator::ClientHandle, const Error&)>;

  Forwards(const Clock& clock, Timers& timers, PeerLinks& links, OnAnswer answer, OnFailed failed)
      : clock_(clock),
        timers_(timers),
        links_(links),
        answer_(std::move(answer)),
        failed_(std::move(failed)) {}
  ~Forwards();

  /// Tries `owners` in their order until one can be sent to. Fails as unavailable if none can. A
  /// put that comes once more goes to the owner that was asked before, over the same connection, or
  /// fails as unknown_outcome: by its request id nobody else would know it again, and it would be
  /// written twice. A put that its owner refuses without having executed any try of it goes to the
  /// next one, where that may help.
  void pass_on(coordinator::ClientHandle client, Message message,
               std::span<const PeerLinks::Target> owners, Instant deadline);
  /// True if the frame answers one of these.
  bool on_frame(const wire::FrameHeader& header, BytesView body);
  void on_peer_lost(const PeerLinks::Target& peer);
  [[nodiscard]] std::uint64_t passed_on() const { return passed_on_; }

 private:
  struct Pending {
    coordinator::ClientHandle client;
    PeerLinks::Target owner;
    bool is_put = false;
    TimerId timer;
    // Of a put:
    RequestId request;
    Instant deadline;
    Bytes frame;
    std::vector<PeerLinks::Target> others;  // to be asked instead, the last one first
  };
  /// Whom a put was passed on to.
  struct Asked {
    PeerLinks::Target owner;
    Instant until;
    bool is_lost = false;  ///< the connection has ended since
    unsigned tries = 1;
  };
  /// False: the refusal is to be answered.
  bool ask_another(std::uint64_t id, Pending& pending, ErrorCode refusal);
  void fail(std::uint64_t id, const char* why);
  void forget_old();

  const Clock& clock_;
  Timers& timers_;
  PeerLinks& links_;
  OnAnswer answer_;
  OnFailed failed_;
  std::uint64_t next_ = 1;
  std::uint64_t passed_on_ = 0;
  std::map<std::uint64_t, Pending> pending_;
  std::unordered_map<RequestId, Asked> puts_;
  std::deque<std::pair<Instant, RequestId>> puts_by_end_;
};

}  // namespace coterie
