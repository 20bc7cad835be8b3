#include "client/client.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/env/system.h"
#include "base/env/uv_loop.h"
#include "base/env/uv_transport.h"
#include "base/limits.h"
#include "client/batch.h"
#include "client/core.h"

namespace coterie::client {
namespace {

using namespace std::chrono_literals;

Error reentered() {
  return {.code = ErrorCode::refused,
          .message = "a callback must not make blocking calls; use the ones with callbacks"};
}

Result<std::vector<Address>> parse_seeds(const Options& options) {
  if (options.seeds.empty() || options.seeds.size() > limits::client_seeds) {
    return fail(ErrorCode::invalid_argument,
                "give 1 to " + std::to_string(limits::client_seeds) + " seeds");
  }
  std::vector<Address> seeds;
  for (const auto& text : options.seeds) {
    auto seed = Address::parse(text);
    if (!seed) {
      return fail(ErrorCode::invalid_argument,
                  "the seed \"" + text + "\" is no host:port: " + seed.error().message);
    }
    seeds.push_back(std::move(*seed));
  }
  return seeds;
}

Result<void> validate(const Options& options) {
  const auto& retry = options.retry;
  const bool has_good_times = options.deadline > 0ms && options.ring_refresh > 0ms &&
                              options.deadline <= limits::request_deadline_most &&
                              retry.backoff_least > 0ms && retry.read_attempt > 0ms &&
                              retry.backoff_most >= retry.backoff_least;
  if (!has_good_times) {
    return fail(ErrorCode::invalid_argument,
                "times must be above zero, back-off's least at most its most, deadlines at most a "
                "minute");
  }
  const bool has_good_counts = options.in_flight > 0 && retry.attempts > 0 &&
                               retry.budget_ratio >= 0 && retry.budget_burst >= 0;
  if (!has_good_counts) {
    return fail(ErrorCode::invalid_argument, "in_flight and attempts must be at least 1");
  }
  return {};
}

}  // namespace

class Client::Impl {
 public:
  Impl(const Options& options, std::vector<Address> seeds)
      : core_({.clock = loop_.clock(), .timers = loop_.timers()}, options, std::move(seeds),
              Random(random_bits())),
        transport_(std::in_place, loop_, core_) {
    core_.attach(*transport_);
    if (options.background_thread) thread_ = std::thread([this] { loop_.run(); });
  }

  ~Impl() { close(); }

  void close() {
    if (thread_.joinable()) {
      loop_.stop();
      thread_.join();
      is_stopped_ = true;
      drain();
    }
    core_.close();
    transport_.reset();
  }

  /// Calls start(core, done) on the loop's thread.
  template <class T, class Start>
  void submit(Start start, Callback<T> done) {
    if (is_direct()) return start(core_, std::move(done));
    const std::scoped_lock lock(mutex_);
    if (inbox_.size() < limits::client_calls) {
      inbox_.emplace_back([this, start = std::move(start), done = std::move(done)]() mutable {
        start(core_, std::move(done));
      });
    } else {
      inbox_.emplace_back([done = std::move(done)]() mutable {
        done(fail(ErrorCode::overloaded, "too many calls are in progress in this client"));
      });
    }
    // Where the mailbox has no room a wake-up is in it, or the destructor drains.
    if (inbox_.size() == 1) (void)loop_.mailbox().post([this] { drain(); });
  }

  template <class T, class Start>
  Result<T> wait(Start start) {
    if (is_turning_ || is_on_thread()) return std::unexpected(reentered());
    std::optional<Result<T>> out;
    if (!thread_.joinable()) {
      start(core_, [&out](Result<T> result) { out.emplace(std::move(result)); });
      while (!out) turn(1s);
      return std::move(*out);
    }
    std::mutex mutex;
    std::condition_variable arrived;
    submit<T>(std::move(start), [&](Result<T> result) {
      const std::scoped_lock lock(mutex);
      out.emplace(std::move(result));
      arrived.notify_one();
    });
    std::unique_lock lock(mutex);
    arrived.wait(lock, [&out] { return out.has_value(); });
    return std::move(*out);
  }

  /// What `look` makes of the core, seen from the loop's thread.
  template <class Look>
  auto look(Look look) const {
    using T = decltype(look(core_));
    if (is_direct()) return look(core_);
    auto& self = const_cast<Impl&>(*this);
    return *self.wait<T>([look](ClientCore& core, Callback<T> done) { done(look(core)); });
  }

  void turn(Duration at_most) {
    if (thread_.joinable() || is_turning_) return;
    is_turning_ = true;
    loop_.turn(at_most);
    is_turning_ = false;
  }

  void run_until_idle() {
    (void)wait<bool>([](ClientCore& core, Callback<bool> done) {
      core.when_idle([done = std::move(done)]() mutable { done(true); });
    });
  }

 private:
  [[nodiscard]] bool is_on_thread() const { return thread_.get_id() == std::this_thread::get_id(); }
  [[nodiscard]] bool is_direct() const {
    return is_stopped_ || !thread_.joinable() || is_on_thread();
  }

  void drain() {
    std::vector<std::move_only_function<void()>> tasks;
    {
      const std::scoped_lock lock(mutex_);
      tasks.swap(inbox_);
    }
    for (auto& task : tasks) task();
  }

  UvLoop loop_;
  ClientCore core_;
  std::optional<UvTransport> transport_;
  bool is_turning_ = false;
  bool is_stopped_ = false;  // the thread has ended, the core not yet
  std::mutex mutex_;
  std::vector<std::move_only_function<void()>> inbox_;
  std::thread thread_;
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&& other) noexcept = default;
Client& Client::operator=(Client&& other) noexcept = default;
Client::~Client() {
  if (impl_ != nullptr) impl_->close();
}

Result<Client> Client::connect(const Options& options) {
  if (auto valid = validate(options); !valid) return std::unexpected(valid.error());
  auto seeds = parse_seeds(options);
  if (!seeds) return std::unexpected(seeds.error());
  auto impl = std::make_unique<Impl>(options, std::move(*seeds));
  using Known = std::shared_ptr<const Epoch>;
  auto ring = impl->wait<Known>(
      [](ClientCore& core, Callback<Known> done) { core.when_ready(std::move(done)); });
  if (!ring) return std::unexpected(ring.error());
  return Client(std::move(impl));
}

Result<GetResult> Client::get(const Key& key, const GetOptions& options) {
  return impl_->wait<GetResult>([&key, &options](ClientCore& core, Callback<GetResult> done) {
    core.get(key, options, std::move(done));
  });
}

Result<PutResult> Client::put(const Key& key, Bytes value, const Context& context,
                              const PutOptions& options) {
  return write(Write::put(key, std::move(value), context), options);
}

Result<PutResult> Client::put_blind(const Key& key, Bytes value, const PutOptions& options) {
  return write(Write::put_blind(key, std::move(value)), options);
}

Result<PutResult> Client::remove(const Key& key, const Context& context,
                                 const PutOptions& options) {
  return write(Write::remove(key, context), options);
}

Result<PutResult> Client::write(Write write, const PutOptions& options) {
  return impl_->wait<PutResult>([&write, &options](ClientCore& core, Callback<PutResult> done) {
    core.write(std::move(write), options, std::move(done));
  });
}

Result<ScanPage> Client::scan(const Range& range, const Cursor& cursor,
                              const ScanOptions& options) {
  return impl_->wait<ScanPage>(
      [&range, &cursor, &options](ClientCore& core, Callback<ScanPage> done) {
        core.scan(range, cursor, options, std::move(done));
      });
}

void Client::get(Key key, GetOptions options, Callback<GetResult> done) {
  impl_->submit<GetResult>(
      [key = std::move(key), options = std::move(options)](ClientCore& core,
                                                           Callback<GetResult> then) mutable {
        core.get(std::move(key), options, std::move(then));
      },
      std::move(done));
}

void Client::write(Write write, PutOptions options, Callback<PutResult> done) {
  impl_->submit<PutResult>(
      [write = std::move(write), options](ClientCore& core, Callback<PutResult> then) mutable {
        core.write(std::move(write), options, std::move(then));
      },
      std::move(done));
}

void Client::scan(Range range, Cursor cursor, ScanOptions options, Callback<ScanPage> done) {
  impl_->submit<ScanPage>(
      [range = std::move(range), cursor = std::move(cursor), options](
          ClientCore& core, Callback<ScanPage> then) mutable {
        core.scan(std::move(range), cursor, options, std::move(then));
      },
      std::move(done));
}

namespace {

template <class T>
using ManyResults = std::vector<Result<T>>;

/// A batch as one call, so that it travels to the loop's thread and is waited for like any other.
void get_batch(ClientCore& core, std::vector<Key> keys, const GetOptions& options,
               Callback<ManyResults<GetResult>> done) {
  using Run = Batch<Key, GetResult>;
  if (keys.empty()) {
    core.when_ready([done = std::move(done)](auto) mutable { done(ManyResults<GetResult>()); });
    return;
  }
  std::make_shared<Run>(
      std::move(keys),
      [&core, options](Key key, Callback<GetResult> then) {
        core.get(std::move(key), options, std::move(then));
      },
      [done = std::move(done)](ManyResults<GetResult> all) mutable { done(std::move(all)); })
      ->run();
}

void write_batch(ClientCore& core, std::vector<Write> writes, const PutOptions& options,
                 Callback<ManyResults<PutResult>> done) {
  using Run = Batch<Write, PutResult>;
  if (writes.empty()) {
    core.when_ready([done = std::move(done)](auto) mutable { done(ManyResults<PutResult>()); });
    return;
  }
  std::make_shared<Run>(
      std::move(writes),
      [&core, options](Write write, Callback<PutResult> then) {
        core.write(std::move(write), options, std::move(then));
      },
      [done = std::move(done)](ManyResults<PutResult> all) mutable { done(std::move(all)); })
      ->run();
}

/// A batch that could not be started fails key by key.
template <class T>
ManyResults<T> spread(Result<ManyResults<T>> all, std::size_t count) {
  if (all) return std::move(*all);
  return ManyResults<T>(count, std::unexpected(all.error()));
}

}  // namespace

std::vector<Result<GetResult>> Client::get_many(std::span<const Key> keys,
                                                const GetOptions& options) {
  using Many = ManyResults<GetResult>;
  return spread(impl_->wait<Many>([&](ClientCore& core, Callback<Many> done) {
    get_batch(core, {keys.begin(), keys.end()}, options, std::move(done));
  }),
                keys.size());
}

std::vector<Result<PutResult>> Client::write_many(std::vector<Write> writes,
                                                  const PutOptions& options) {
  using Many = ManyResults<PutResult>;
  const std::size_t count = writes.size();
  return spread(impl_->wait<Many>([&](ClientCore& core, Callback<Many> done) {
    write_batch(core, std::move(writes), options, std::move(done));
  }),
                count);
}

void Client::get_many(std::vector<Key> keys, GetOptions options,
                      std::move_only_function<void(std::vector<Result<GetResult>>)> done) {
  using Many = ManyResults<GetResult>;
  const std::size_t count = keys.size();
  impl_->submit<Many>(
      [keys = std::move(keys), options = std::move(options)](ClientCore& core,
                                                             Callback<Many> then) mutable {
        get_batch(core, std::move(keys), options, std::move(then));
      },
      [done = std::move(done), count](Result<Many> all) mutable {
        done(spread(std::move(all), count));
      });
}

void Client::write_many(std::vector<Write> writes, PutOptions options,
                        std::move_only_function<void(std::vector<Result<PutResult>>)> done) {
  using Many = ManyResults<PutResult>;
  const std::size_t count = writes.size();
  impl_->submit<Many>(
      [writes = std::move(writes), options](ClientCore& core, Callback<Many> then) mutable {
        write_batch(core, std::move(writes), options, std::move(then));
      },
      [done = std::move(done), count](Result<Many> all) mutable {
        done(spread(std::move(all), count));
      });
}

void Client::poll(std::chrono::nanoseconds at_most) {
  impl_->turn(at_most);
}

void Client::run_until_idle() {
  impl_->run_until_idle();
}

std::size_t Client::pending() const {
  return impl_->look([](const ClientCore& core) { return core.pending(); });
}

Counters Client::counters() const {
  return impl_->look([](const ClientCore& core) { return core.counters(); });
}

std::uint32_t Client::partitions() const {
  return impl_->look([](const ClientCore& core) { return core.epoch()->partitions(); });
}

std::vector<std::string> Client::buckets() const {
  return impl_->look([](const ClientCore& core) {
    std::vector<std::string> names;
    for (const auto& bucket : core.epoch()->buckets()) names.push_back(bucket.name);
    return names;
  });
}

}  // namespace coterie::client
