#include "bench/coterie_session.h"

#include <utility>

#include "base/env/system.h"
#include "base/env/uv_transport.h"

namespace coterie::bench {
namespace {

class CoterieSession final : public Session {
 public:
  CoterieSession(UvLoop& loop, SessionListener& listener, const CoterieTarget& target,
                 KeySpace& space)
      : listener_(listener),
        space_(space),
        r_(target.r),
        w_(target.w),
        // Never from the workload's seed: two runs must not name their requests alike.
        core_({.clock = loop.clock(), .timers = loop.timers()}, target.client, target.seeds,
              Random(random_bits())),
        transport_(loop, core_) {
    core_.attach(transport_);
  }
  ~CoterieSession() override { core_.close(); }

  void when_ready(std::function<void(const Result<void>&)> done) override {
    core_.when_ready([done = std::move(done)](const auto& ring) {
      done(ring ? Result<void>() : std::unexpected(ring.error()));
    });
  }

  void perform(const Flight& flight) override {
    const Kind kind = flight.operation.kind;
    if (kind != Kind::update && kind != Kind::insert) return read(flight);
    write(flight, space_.context(flight.operation.record));
  }

  [[nodiscard]] client::Counters counters() const override { return core_.counters(); }

 private:
  void read(const Flight& flight) {
    core_.get(
        space_.key(flight.operation.record), {.r = r_},
        [this, flight](Result<client::GetResult> result) { on_read(flight, std::move(result)); });
  }

  void write(const Flight& flight, const client::Context& context) {
    core_.write(
        client::Write::put(space_.key(flight.operation.record), listener_.next_value(), context),
        {.w = w_},
        [this, flight](const Result<client::PutResult>& result) { on_written(flight, result); });
  }

  void on_read(const Flight& flight, Result<client::GetResult> result) {
    if (!result) return listener_.on_failed(flight, result.error());
    switch (flight.operation.kind) {
      case Kind::read_modify_write:
        return write(flight, result->context);
      case Kind::resolve:
        space_.set_context(flight.operation.record, result->context);
        break;
      default:
        break;
    }
    listener_.on_answered(flight, !result->is_found());
  }

  void on_written(const Flight& flight, const Result<client::PutResult>& result) {
    const bool is_crowded =
        result ? result->siblings > 1 : result.error().code == ErrorCode::too_many_siblings;
    if (flight.operation.kind == Kind::insert) space_.on_inserted(flight.operation.record);
    if (result && !is_crowded) space_.set_context(flight.operation.record, result->context);
    // Concurrent puts of one key: the next one shall replace them all.
    if (is_crowded) listener_.follow_up(flight, Kind::resolve);
    if (!result) return listener_.on_failed(flight, result.error());
    listener_.on_answered(flight, false);
  }

  SessionListener& listener_;
  KeySpace& space_;
  client::Quorum r_;
  client::Quorum w_;
  client::ClientCore core_;
  UvTransport transport_;
};

}  // namespace

MakeSession coterie_sessions(CoterieTarget target, KeySpace& space) {
  return [target = std::move(target), &space](UvLoop& loop, SessionListener& listener,
                                              std::size_t) -> std::unique_ptr<Session> {
    return std::make_unique<CoterieSession>(loop, listener, target, space);
  };
}

}  // namespace coterie::bench
