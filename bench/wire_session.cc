#include "bench/wire_session.h"

#include <memory>
#include <utility>

#include "bench/wire_channel.h"

namespace coterie::bench {
namespace {

class WireSession final : public Session {
 public:
  WireSession(UvLoop& loop, SessionListener& listener, const WireTarget& target, KeySpace& space,
              std::size_t number)
      : listener_(listener), space_(space), target_(target) {
    const std::size_t own = number % target.servers.size();
    for (std::size_t i = 0; i < target.servers.size(); ++i) {
      if (target.route || i == own) add_channel(loop, target.servers[i]);
    }
  }

  void when_ready(std::function<void(const Result<void>&)> done) override {
    ready_ = std::move(done);
    tell_if_ready();
  }

  void perform(const Flight& flight) override {
    const std::string key = space_.key(flight.operation.record).partition_key;
    WireChannel& channel = *channels_[target_.route ? target_.route(key) : 0];
    const Kind kind = flight.operation.kind;
    if (kind == Kind::update || kind == Kind::insert) {
      channel.protocol().write(key, listener_.next_value(), channel.out());
    } else {
      channel.protocol().read(key, channel.out());
    }
    channel.expect(flight);
  }

  void flush() override {
    // What answers that came together lead to leaves together.
    if (is_in_batch_) return;
    for (const auto& channel : channels_) channel->flush();
  }

  void expire(Instant now) override {
    for (const auto& channel : channels_) {
      if (is_alive_ && !channel->waiting().empty() &&
          channel->waiting().front().begun + target_.deadline < now) {
        channel->break_off({.code = ErrorCode::expired, .message = "no answer in time"});
      }
    }
  }

  [[nodiscard]] bool is_alive() const override { return is_alive_; }

 private:
  void add_channel(UvLoop& loop, const Address& server) {
    ++connecting_;
    channels_.push_back(std::make_unique<WireChannel>(
        loop, server, target_.make_protocol(),
        WireChannel::Events{
            .on_connected = [this](const Result<void>& result) { on_connected(result); },
            .on_answer = [this](const Flight& flight,
                                const Answer& answer) { on_answer(flight, answer); },
            .on_batch =
                [this](bool is_begin) {
                  is_in_batch_ = is_begin;
                  flush();
                },
            .on_broken = [this](const Error& error) { on_broken(error); }}));
  }

  void on_connected(const Result<void>& result) {
    --connecting_;
    if (!result && connected_) connected_ = result;
    tell_if_ready();
  }

  void tell_if_ready() {
    if (connecting_ == 0 && ready_) std::exchange(ready_, nullptr)(connected_);
  }

  void on_answer(const Flight& flight, const Answer& answer) {
    if (answer.refusal) {
      return listener_.on_failed(flight, {.code = ErrorCode::refused, .message = *answer.refusal});
    }
    if (flight.operation.kind == Kind::insert) space_.on_inserted(flight.operation.record);
    listener_.on_answered(flight, answer.is_missing);
  }

  void on_broken(const Error& error) {
    is_alive_ = false;
    for (const auto& channel : channels_) {
      for (const Flight& flight : std::exchange(channel->waiting(), {})) {
        listener_.on_failed(flight, error);
      }
    }
  }

  SessionListener& listener_;
  KeySpace& space_;
  const WireTarget target_;
  std::vector<std::unique_ptr<WireChannel>> channels_;
  std::size_t connecting_ = 0;
  Result<void> connected_;
  std::function<void(const Result<void>&)> ready_;
  bool is_in_batch_ = false;
  bool is_alive_ = true;
};

}  // namespace

MakeSession wire_sessions(WireTarget target, KeySpace& space) {
  return [target = std::move(target), &space](UvLoop& loop, SessionListener& listener,
                                              std::size_t number) -> std::unique_ptr<Session> {
    return std::make_unique<WireSession>(loop, listener, target, space, number);
  };
}

}  // namespace coterie::bench
