#include "base/env/uv_loop.h"

#include <uv.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/env/system.h"
#include "base/env/uv_address.h"

namespace coterie {

namespace {

std::int64_t whole_milliseconds(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

/// A heap of due times over one uv timer, which is armed once a turn, not once a start(). Callbacks
/// stand in slots that are used again; a timer's id is: serial | slot.
class LoopTimers final : public Timers {
 public:
  explicit LoopTimers(const Clock& clock) : clock_(clock) {}

  TimerId start(Duration after, std::move_only_function<void()> callback) override {
    if (free_.empty()) {
      free_.push_back(slots_.size());
      slots_.emplace_back();
    }
    const std::size_t slot = free_.back();
    check(slot >> slot_bits == 0, "far fewer timers wait than there are slots");
    free_.pop_back();
    const std::uint64_t id = ++last_serial_ << slot_bits | slot;
    slots_[slot].id = id;
    slots_[slot].callback = std::move(callback);
    heap_.push_back({clock_.now() + std::max(after, Duration::zero()), id});
    std::ranges::push_heap(heap_, later);
    return TimerId{id};
  }

  void cancel(TimerId id) override {
    if (!is_waiting(id.value)) return;
    // What it captured may cancel other timers when it goes.
    const auto dropped = take(id.value);
    // Cancelled entries leave when they are due, or here when they are most of the heap.
    if (heap_.size() > 64 && heap_.size() > 2 * (slots_.size() - free_.size())) {
      std::erase_if(heap_, [this](const Entry& entry) { return !is_waiting(entry.id); });
      std::ranges::make_heap(heap_, later);
    }
  }

  /// Calls what is due, except what is started meanwhile.
  void fire() {
    const Instant now = clock_.now();
    const std::uint64_t last = last_serial_;
    while (!heap_.empty() && heap_.front().due <= now && heap_.front().id >> slot_bits <= last) {
      const std::uint64_t id = heap_.front().id;
      std::ranges::pop_heap(heap_, later);
      heap_.pop_back();
      if (is_waiting(id)) take(id)();
    }
  }

  /// When fire() is next of use.
  [[nodiscard]] std::optional<Instant> next() {
    while (!heap_.empty() && !is_waiting(heap_.front().id)) {
      std::ranges::pop_heap(heap_, later);
      heap_.pop_back();
    }
    return heap_.empty() ? std::nullopt : std::optional(heap_.front().due);
  }

  void drop_all() {
    heap_.clear();
    free_.clear();
    const auto dropped = std::exchange(slots_, {});
  }

 private:
  using Callback = std::move_only_function<void()>;
  static constexpr unsigned slot_bits = 24;

  struct Entry {
    Instant due;
    std::uint64_t id;
  };
  struct Slot {
    std::uint64_t id = 0;  // 0: free
    Callback callback;
  };

  static bool later(const Entry& a, const Entry& b) {
    return a.due != b.due ? a.due > b.due : a.id > b.id;
  }
  static std::size_t slot_of(std::uint64_t id) { return id & ((1U << slot_bits) - 1); }

  [[nodiscard]] bool is_waiting(std::uint64_t id) const {
    return id != 0 && slot_of(id) < slots_.size() && slots_[slot_of(id)].id == id;
  }
  Callback take(std::uint64_t id) {
    Slot& slot = slots_[slot_of(id)];
    slot.id = 0;
    free_.push_back(slot_of(id));
    return std::exchange(slot.callback, nullptr);
  }

  const Clock& clock_;
  std::uint64_t last_serial_ = 0;
  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;
};

/// libuv notes the time, in whole milliseconds, when its poll returns.
class LoopTurns final : public Turns {
 public:
  LoopTurns(const Clock& clock, const uv_loop_t& loop) : clock_(clock), loop_(loop) {}

  [[nodiscard]] Instant began() const override { return std::max(woke(), polls_since_); }
  [[nodiscard]] Instant waits_since() const override {
    return woke() > polls_since_ ? woke() : last_began_;
  }

  /// The poll's events have been served.
  void served() { last_began_ = began(); }
  /// The loop is about to poll.
  void polls() { polls_since_ = clock_.now(); }

 private:
  [[nodiscard]] Instant woke() const { return Instant(std::chrono::milliseconds(uv_now(&loop_))); }

  const Clock& clock_;
  const uv_loop_t& loop_;
  Instant polls_since_;
  Instant last_began_;
};

class LoopMailbox final : public Mailbox {
 public:
  using Tasks = std::vector<std::move_only_function<void()>>;

  LoopMailbox(std::size_t capacity, uv_async_t& wake) : capacity_(capacity), wake_(wake) {}

  [[nodiscard]] bool post(std::move_only_function<void()> task) override {
    const std::scoped_lock lock(mutex_);
    if (is_closed_ || tasks_.size() >= capacity_) return false;
    tasks_.push_back(std::move(task));
    if (tasks_.size() == 1) uv_async_send(&wake_);
    return true;
  }

  void stop() {
    const std::scoped_lock lock(mutex_);
    is_stopping_ = true;
    if (!is_closed_) uv_async_send(&wake_);
  }

  /// Runs what waits; returns whether stop() was called before this did.
  bool drain() {
    bool is_stopping = false;
    {
      const std::scoped_lock lock(mutex_);
      is_stopping = is_stopping_;
      running_.swap(tasks_);
    }
    for (auto& task : running_) task();
    running_.clear();
    return is_stopping;
  }

  void close() {
    Tasks dropped;
    const std::scoped_lock lock(mutex_);
    is_closed_ = true;
    dropped.swap(tasks_);
  }

 private:
  const std::size_t capacity_;
  uv_async_t& wake_;
  std::mutex mutex_;
  Tasks tasks_;
  Tasks running_;
  bool is_stopping_ = false;
  bool is_closed_ = false;
};

}  // namespace

class UvLoop::Impl {
 public:
  explicit Impl(const Options& options)
      : timers_(clock_), turns_(clock_, loop_), mailbox_(options.mailbox_capacity, wake_) {
    check(uv_loop_init(&loop_) == 0, "an event loop can be made");
    loop_.data = this;
    check(uv_async_init(&loop_, &wake_, [](uv_async_t* wake) { self(wake).on_wake(); }) == 0,
          "an event loop can be woken");
    uv_prepare_init(&loop_, &prepare_);
    uv_check_init(&loop_, &check_);
    uv_timer_init(&loop_, &timer_);
    uv_timer_init(&loop_, &bound_);
    uv_prepare_start(&prepare_, [](uv_prepare_t* prepare) { self(prepare).end_turn(); });
    uv_check_start(&check_, [](uv_check_t* check) { self(check).turns_.served(); });
  }

  ~Impl() {
    const NoBrokenPipes guard;
    mailbox_.close();
    timers_.drop_all();
    hooks_.clear();
    loop_.data = nullptr;
    for (uv_handle_t* handle : {uv::handle(&wake_), uv::handle(&prepare_), uv::handle(&check_),
                                uv::handle(&timer_), uv::handle(&bound_)}) {
      uv::close(handle, nullptr);
    }
    uv_walk(
        &loop_,
        [](uv_handle_t* handle, void*) {
          check(uv_is_closing(handle) != 0, "users of a loop are destroyed before it");
        },
        nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    check(uv_loop_close(&loop_) == 0, "nothing is left open on an event loop");
  }

  void run() {
    const NoBrokenPipes guard;
    uv_run(&loop_, UV_RUN_DEFAULT);
    end_turn();  // the last turn's own, which libuv leaves out
    mailbox_.close();
  }

  void turn(Duration at_most) {
    const NoBrokenPipes guard;
    if (at_most <= Duration::zero()) {
      uv_run(&loop_, UV_RUN_NOWAIT);
      return;
    }
    uv_update_time(&loop_);
    uv_timer_start(
        &bound_, [](uv_timer_t*) {}, static_cast<std::uint64_t>(whole_milliseconds(at_most)), 0);
    uv_run(&loop_, UV_RUN_ONCE);
    uv_timer_stop(&bound_);
  }

  HookId add_hook(TurnEnd rank, std::move_only_function<void()> hook) {
    const HookId id{++last_hook_};
    const auto place = std::ranges::upper_bound(
        hooks_, rank, {}, [](const std::unique_ptr<Hook>& each) { return each->rank; });
    hooks_.insert(place, std::make_unique<Hook>(Hook{id, rank, std::move(hook)}));
    return id;
  }

  void remove_hook(HookId id) {
    check(!in_hooks_, "a hook is not removed from within a hook");
    std::erase_if(hooks_, [id](const auto& each) { return each->id == id; });
  }

  SystemClock clock_;
  uv_loop_t loop_{};
  uv_async_t wake_{};
  uv_prepare_t prepare_{};
  uv_check_t check_{};
  uv_timer_t timer_{};
  uv_timer_t bound_{};
  LoopTimers timers_;
  LoopTurns turns_;
  LoopMailbox mailbox_;

 private:
  struct Hook {
    HookId id;
    TurnEnd rank;
    std::move_only_function<void()> call;
  };

  template <class Handle>
  static Impl& self(Handle* handle) {
    return *static_cast<Impl*>(handle->loop->data);
  }

  void on_wake() {
    if (mailbox_.drain()) uv_stop(&loop_);
  }

  void end_turn() {
    in_hooks_ = true;
    for (std::size_t i = 0; i < hooks_.size(); ++i) hooks_[i]->call();
    in_hooks_ = false;
    arm_timer();
    turns_.polls();
  }

  void arm_timer() {
    const auto next = timers_.next();
    if (next == armed_) return;
    armed_ = next;
    uv_timer_stop(&timer_);
    if (!next) return;
    // libuv counts whole milliseconds of the same clock.
    uv_update_time(&loop_);
    const auto due = static_cast<std::uint64_t>(whole_milliseconds(next->time_since_epoch()));
    const std::uint64_t now = uv_now(&loop_);
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { self(timer).on_timer(); }, due > now ? due - now : 0, 0);
  }

  void on_timer() {
    armed_.reset();
    timers_.fire();
  }

  std::optional<Instant> armed_;
  std::vector<std::unique_ptr<Hook>> hooks_;
  std::uint64_t last_hook_ = 0;
  bool in_hooks_ = false;
};

UvLoop::UvLoop(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
UvLoop::~UvLoop() = default;

const Clock& UvLoop::clock() const {
  return impl_->clock_;
}
const Turns& UvLoop::turns() const {
  return impl_->turns_;
}
Timers& UvLoop::timers() {
  return impl_->timers_;
}
Mailbox& UvLoop::mailbox() {
  return impl_->mailbox_;
}
void UvLoop::run() {
  impl_->run();
}
void UvLoop::stop() {
  impl_->mailbox_.stop();
}
void UvLoop::turn(Duration at_most) {
  impl_->turn(at_most);
}
UvLoop::HookId UvLoop::at_turn_end(TurnEnd rank, std::move_only_function<void()> hook) {
  return impl_->add_hook(rank, std::move(hook));
}
void UvLoop::remove_hook(HookId id) {
  impl_->remove_hook(id);
}
uv_loop_s* UvLoop::raw() {
  return &impl_->loop_;
}

}  // namespace coterie
