#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/env/posix_file.h"
#include "base/env/uv_datagrams.h"
#include "base/env/uv_listener.h"
#include "base/env/uv_loop.h"
#include "base/env/uv_transport.h"
#include "base/env/uv_worker.h"
#include "tests/sim/env/clocks.h"
#include "tests/sim/env/datagrams.h"
#include "tests/sim/env/file.h"
#include "tests/sim/env/transport.h"
#include "tests/sim/env/worker.h"
#include "tests/sim/env/world.h"

// The two sides of every seam, alike enough that one contract test runs on both:
// TEST_CASE_TEMPLATE("...", Side, RealSide, SimulatedSide).
namespace coterie::test {

/// An empty directory that goes with its object.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string path = (std::filesystem::temp_directory_path() / "coterie-env-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class RealSide {
 public:
  static constexpr bool is_real = true;
  using Listener = UvListener;
  using Socket = GreetedSocket;
  using TransportType = UvTransport;
  using DatagramsType = UvDatagrams;

  [[nodiscard]] const Clock& clock() { return loop_.clock(); }
  [[nodiscard]] Timers& timers() { return loop_.timers(); }
  [[nodiscard]] Mailbox& mailbox() { return loop_.mailbox(); }
  [[nodiscard]] std::unique_ptr<Worker> make_worker() { return std::make_unique<UvWorker>(loop_); }
  [[nodiscard]] FileSystem& files() { return *files_; }
  [[nodiscard]] UvLoop& loop() { return loop_; }
  [[nodiscard]] static Address any_address() { return {.host = "127.0.0.1", .port = 0}; }

  [[nodiscard]] auto make_transport(TransportHandler& handler, UvTransport::Options options = {}) {
    return std::make_unique<UvTransport>(loop_, handler, options);
  }
  [[nodiscard]] auto listen(const Address& address, UvListener::OnHello on_hello,
                            UvListener::Options options = {}) {
    return UvListener::listen(loop_, address, std::move(on_hello), options);
  }
  [[nodiscard]] auto open_datagrams(DatagramHandler& handler, const Address& address) {
    return UvDatagrams::open(loop_, address, handler);
  }

  /// Serves events until `done`; false if that takes too long.
  [[nodiscard]] bool until(const std::function<bool()>& done) {
    const Instant end = loop_.clock().now() + std::chrono::seconds(20);
    while (!done() && loop_.clock().now() < end) loop_.turn(std::chrono::milliseconds(50));
    return done();
  }

 private:
  UvLoop loop_{{.mailbox_capacity = 100}};
  ScratchDirectory directory_;
  std::unique_ptr<PosixFileSystem> files_ = *PosixFileSystem::open(directory_.path() + "/root");
};

class SimulatedSide {
 public:
  static constexpr bool is_real = false;
  using Listener = sim::SimListener;
  using Socket = sim::SimSocket;
  using TransportType = sim::SimTransport;
  using DatagramsType = sim::SimDatagrams;

  [[nodiscard]] const Clock& clock() { return clock_; }
  [[nodiscard]] Timers& timers() { return timers_; }
  [[nodiscard]] Mailbox& mailbox() { return mailbox_; }
  [[nodiscard]] std::unique_ptr<Worker> make_worker() {
    return std::make_unique<sim::SimWorker>(world_, node_, files_);
  }
  [[nodiscard]] FileSystem& files() { return files_; }
  [[nodiscard]] Address any_address() const {
    return {.host = sim::SimNetwork::host(node_), .port = 0};
  }

  [[nodiscard]] auto make_transport(TransportHandler& handler, UvTransport::Options options = {}) {
    return std::make_unique<sim::SimTransport>(network_, node_, handler, options);
  }
  [[nodiscard]] auto listen(const Address& address, sim::SimListener::OnHello on_hello,
                            UvListener::Options options = {}) {
    return sim::SimListener::listen(network_, node_, address, std::move(on_hello), options);
  }
  [[nodiscard]] auto open_datagrams(DatagramHandler& handler, const Address& address) {
    return sim::SimDatagrams::open(network_, node_, address, handler);
  }

  [[nodiscard]] bool until(const std::function<bool()>& done) {
    return world_.run_until(done, std::chrono::minutes(10));
  }

 private:
  sim::SimWorld world_{1};
  sim::NodeIndex node_ = world_.add_node();
  sim::SimClock clock_{world_, node_};
  sim::SimTimers timers_{world_, node_};
  sim::SimMailbox mailbox_{world_, node_, 100};
  sim::SimFileSystem files_{world_, node_};
  sim::SimNetwork network_{world_};
};

}  // namespace coterie::test
