#include "client/ring_source.h"

#include <algorithm>
#include <utility>

#include "base/wire/codec.h"
#include "client/backoff.h"

namespace coterie::client {
namespace {

using namespace std::chrono_literals;

constexpr Duration answer_time = 2s;
constexpr Backoff round_backoff{.least = 100ms, .most = 2s};

}  // namespace

RingSource::RingSource(const Environment& environment, std::vector<Address> seeds, Duration refresh,
                       Random random, Events events)
    : env_(environment),
      seeds_(std::move(seeds)),
      refresh_(refresh),
      random_(random),
      events_(std::move(events)) {}

RingSource::~RingSource() {
  stop();
}

void RingSource::attach(Transport& transport) {
  transport_ = &transport;
  begin_round();
}

void RingSource::stop() {
  env_.timers.cancel(timer_);
  hang_up();
  state_ = State::idle;
  transport_ = nullptr;
}

void RingSource::refresh() {
  if (transport_ == nullptr || state_ == State::dialling || state_ == State::asking) return;
  if (is_open_) {
    ask();
  } else {
    begin_round();
  }
}

/// Living nodes of the ring, seeds, the other nodes; each group in random order, so that clients
/// spread.
void RingSource::begin_round() {
  failures_.clear();
  untried_.clear();
  const auto add = [this](std::vector<Address> group) {
    for (std::size_t i = group.size(); i > 1; --i) std::swap(group[i - 1], group[random_.below(i)]);
    for (auto& address : group) {
      if (std::ranges::find(untried_, address) == untried_.end()) untried_.push_back(address);
    }
  };
  const auto nodes = [this](bool alive) {
    std::vector<Address> group;
    for (const auto& node : ring_.nodes) {
      if (node.address && (node.liveness == wire::Liveness::alive) == alive) {
        group.push_back(*node.address);
      }
    }
    return group;
  };
  add(nodes(true));
  add(seeds_);
  add(nodes(false));
  std::ranges::reverse(untried_);
  dial_next();
}

void RingSource::dial_next() {
  if (untried_.empty()) return end_round();
  address_ = untried_.back();
  untried_.pop_back();
  state_ = State::dialling;
  ++env_.counters.dials;
  connection_ = transport_->dial(*address_, {.role = wire::Role::client});
  arm(answer_time, &RingSource::on_silence);
}

void RingSource::ask() {
  state_ = State::asking;
  ++env_.counters.ring_requests;
  const EpochNumber have = ring_.epoch == nullptr ? EpochNumber{} : ring_.epoch->number();
  Bytes frame = wire::encode(wire::RingRequest{.have = have}, {.request_id = ++request_id_});
  arm(answer_time, &RingSource::on_silence);
  // If the connection has just broken, on_closed follows.
  (void)transport_->send(connection_, std::move(frame));
}

bool RingSource::on_open(ConnectionId connection) {
  if (connection != connection_) return false;
  is_open_ = true;
  ask();
  return true;
}

bool RingSource::on_frame(ConnectionId connection, const wire::FrameHeader& header,
                          BytesView body) {
  if (connection != connection_) return false;
  if (header.kind == wire::Kind::go_away) {
    is_leaving_ = true;
    part();
    return true;
  }
  if (state_ != State::asking || header.request_id != request_id_) {
    ++env_.counters.replies_late;
  } else if (header.kind == wire::Kind::ring_reply) {
    take(body);
  } else if (header.kind == wire::Kind::error) {
    const auto error = wire::decode<wire::ErrorReply>(body);
    try_next(error ? std::string(error->message) : error.error().message);
  } else {
    ++env_.counters.replies_malformed;
    try_next("it answered with something else than a ring");
  }
  return true;
}

void RingSource::take(BytesView body) {
  const auto reply = wire::decode<wire::RingReply>(body);
  auto ring = reply ? read_ring(*reply, ring_) : std::unexpected(reply.error());
  if (!ring) {
    ++env_.counters.replies_malformed;
    return try_next(ring.error().message);
  }
  const Ring before = std::exchange(ring_, std::move(*ring));
  if (before.epoch != ring_.epoch) ++env_.counters.ring_changes;
  state_ = State::resting;
  rounds_failed_ = 0;
  arm(refresh_ - refresh_ / 8 + jitter(random_, refresh_ / 4), &RingSource::on_rested);
  part();
  events_.on_ring(before);
}

/// The node stops and waits for its clients to hang up; what is asked of it is still answered.
void RingSource::part() {
  if (!is_leaving_ || state_ != State::resting) return;
  if (transport_ != nullptr) transport_->close(connection_);
  connection_ = {};
  is_open_ = false;
  is_leaving_ = false;
}

bool RingSource::on_closed(ConnectionId connection, const Error& why) {
  if (connection != connection_) return false;
  if (is_open_) {
    ++env_.counters.connections_lost;
  } else {
    ++env_.counters.dials_failed;
  }
  connection_ = {};
  is_open_ = false;
  is_leaving_ = false;
  // While it rests nothing is lost: the next refresh dials another.
  if (state_ != State::resting) try_next(why.message);
  return true;
}

void RingSource::try_next(const std::string& why) {
  failures_.push_back(address_->text() + ": " + why);
  hang_up();
  dial_next();
}

void RingSource::end_round() {
  state_ = State::resting;
  ++rounds_failed_;
  arm(round_backoff.pause(rounds_failed_, random_), &RingSource::on_rested);
  std::string all;
  for (const auto& failure : failures_) all += (all.empty() ? "" : "; ") + failure;
  events_.on_unreachable(
      {.code = ErrorCode::unavailable,
       .message = "cannot reach any node of the cluster (" + all +
                  "); check that it runs and that the seeds are addresses of client doors"});
}

void RingSource::on_silence() {
  try_next("no answer in time");
}

void RingSource::on_rested() {
  if (is_open_) {
    ask();
  } else {
    begin_round();
  }
}

void RingSource::arm(Duration after, void (RingSource::*call)()) {
  env_.timers.cancel(timer_);
  timer_ = env_.timers.start(after, [this, call] { (this->*call)(); });
}

void RingSource::hang_up() {
  env_.timers.cancel(timer_);
  if (connection_.value != 0 && transport_ != nullptr) transport_->close(connection_);
  connection_ = {};
  is_open_ = false;
  is_leaving_ = false;
}

}  // namespace coterie::client
