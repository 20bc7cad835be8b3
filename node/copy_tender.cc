#include "node/copy_tender.h"

#include <utility>

#include "base/limits.h"

namespace coterie {

namespace {

using namespace std::chrono_literals;

constexpr auto yield_pause = 50ms;
constexpr auto refused_pause = 1s;

}  // namespace

CopyTender::CopyTender(Timers& timers, LocalCopies& copies, std::function<bool()> should_yield)
    : timers_(timers), copies_(copies), should_yield_(std::move(should_yield)) {
  copies_.set_work_handler([this] { wake_after(limits::copy_tend_pause); });
}

CopyTender::~CopyTender() {
  copies_.set_work_handler({});
  timers_.cancel(timer_);
}

void CopyTender::wake_after(Duration pause) {
  if (timer_ != TimerId{}) return;
  timer_ = timers_.start(pause, [this] {
    timer_ = {};
    run();
  });
}

void CopyTender::run() {
  if (should_yield_()) return wake_after(yield_pause);
  switch (copies_.tend()) {
    case LocalCopies::Tended::all:
      return;
    case LocalCopies::Tended::more:
      return wake_after(limits::copy_tend_pause);
    case LocalCopies::Tended::refused:
      return wake_after(refused_pause);
  }
}

}  // namespace coterie
