#include "bench/arrival_timer.h"

#include <sys/timerfd.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/env/file_descriptor.h"

namespace coterie::bench {

struct ArrivalTimer::State {
  uv_poll_t poll{};
  FileDescriptor timer;
  std::move_only_function<void()> callback;

  void on_due() {
    std::uint64_t times = 0;
    if (::read(timer.get(), &times, sizeof times) == sizeof times) callback();
  }
};

ArrivalTimer::ArrivalTimer(UvLoop& loop, std::move_only_function<void()> callback)
    : state_(new State{
          .timer = FileDescriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
          .callback = std::move(callback)}) {
  check(state_->timer.get() >= 0, "a timer can be made");
  check(uv_poll_init(loop.raw(), &state_->poll, state_->timer.get()) == 0, "a timer can be polled");
  state_->poll.data = state_;
  uv_poll_start(&state_->poll, UV_READABLE,
                [](uv_poll_t* poll, int, int) { static_cast<State*>(poll->data)->on_due(); });
}

ArrivalTimer::~ArrivalTimer() {
  uv_poll_stop(&state_->poll);
  uv_close(reinterpret_cast<uv_handle_t*>(&state_->poll),
           [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
}

void ArrivalTimer::arm(Instant at) {
  // Zero would disarm it.
  const auto ns = std::max<std::int64_t>(1, at.time_since_epoch().count());
  constexpr std::int64_t second = 1'000'000'000;
  const itimerspec when{.it_interval = {},
                        .it_value = {.tv_sec = ns / second, .tv_nsec = ns % second}};
  check(::timerfd_settime(state_->timer.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0,
        "a timer can be set");
}

}  // namespace coterie::bench
