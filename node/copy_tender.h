#pragma once

#include <functional>

#include "base/env/timers.h"
#include "node/local_copies.h"

namespace coterie {

/// Does what LocalCopies has left to do of a change of owners, a batch at a time, when clients do
/// not wait. One thread; outlives nothing that it is handed.
class CopyTender {
 public:
  CopyTender(Timers& timers, LocalCopies& copies, std::function<bool()> should_yield);
  CopyTender(const CopyTender&) = delete;
  CopyTender& operator=(const CopyTender&) = delete;
  ~CopyTender();

 private:
  void wake_after(Duration pause);
  void run();

  Timers& timers_;
  LocalCopies& copies_;
  std::function<bool()> should_yield_;
  TimerId timer_;
};

}  // namespace coterie
