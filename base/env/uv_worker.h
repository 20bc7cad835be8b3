#pragma once

#include <memory>

#include "base/env/uv_loop.h"
#include "base/env/worker.h"

namespace coterie {

/// A Worker with a thread of its own. `done` comes past the mailbox, so a full one cannot lose it.
class UvWorker final : public Worker {
 public:
  explicit UvWorker(UvLoop& loop);
  UvWorker(const UvWorker&) = delete;
  UvWorker& operator=(const UvWorker&) = delete;
  ~UvWorker() override;

  void submit(std::move_only_function<void()> work, std::move_only_function<void()> done) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coterie
