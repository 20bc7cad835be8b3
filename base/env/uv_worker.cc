#include "base/env/uv_worker.h"

#include <uv.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/env/uv_address.h"

namespace coterie {

class UvWorker::Impl {
 public:
  explicit Impl(UvLoop& loop) : signal_(new Signal{.owner = this}) {
    signal_->async.data = signal_;
    check(uv_async_init(loop.raw(), &signal_->async, &Signal::on_signal) == 0,
          "an event loop can be woken");
    thread_ = std::thread([this] { serve(); });
  }

  ~Impl() {
    {
      const std::scoped_lock lock(mutex_);
      is_stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
    signal_->owner = nullptr;
    uv::close_and_delete<Signal>(&signal_->async);
  }

  void submit(std::move_only_function<void()> work, std::move_only_function<void()> done) {
    {
      const std::scoped_lock lock(mutex_);
      jobs_.push_back({std::move(work), std::move(done)});
    }
    wake_.notify_one();
  }

 private:
  struct Job {
    std::move_only_function<void()> work;
    std::move_only_function<void()> done;
  };
  struct Signal {
    static void on_signal(uv_async_t* async) {
      auto* signal = static_cast<Signal*>(async->data);
      if (signal->owner != nullptr) signal->owner->call_done();
    }
    uv_async_t async{};
    Impl* owner = nullptr;
  };

  void serve() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return is_stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job.work();
      job.work = nullptr;  // its captures end on the thread that ran it
      lock.lock();
      done_.push_back(std::move(job.done));
      uv_async_send(&signal_->async);
    }
  }

  void call_done() {
    std::vector<std::move_only_function<void()>> done;
    {
      const std::scoped_lock lock(mutex_);
      done.swap(done_);
    }
    for (auto& each : done) each();
  }

  Signal* signal_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::vector<std::move_only_function<void()>> done_;
  bool is_stopping_ = false;
  std::thread thread_;
};

UvWorker::UvWorker(UvLoop& loop) : impl_(std::make_unique<Impl>(loop)) {}
UvWorker::~UvWorker() = default;

void UvWorker::submit(std::move_only_function<void()> work, std::move_only_function<void()> done) {
  impl_->submit(std::move(work), std::move(done));
}

}  // namespace coterie
