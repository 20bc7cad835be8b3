#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/env/transport.h"
#include "base/env/uv_listener.h"
#include "base/env/uv_loop.h"
#include "base/env/uv_transport.h"
#include "ring/epoch.h"

namespace coterie::client_tests {

/// A cluster of one node with one shard on a loopback port of its own and on a thread of its own,
/// which keeps values in memory.
class LoopbackServer final : private TransportHandler {
 public:
  LoopbackServer();
  ~LoopbackServer() override;

  [[nodiscard]] std::string seed() const { return listener_->address().text(); }
  /// From then on gets and puts are not answered.
  void fall_silent() { is_silent_ = true; }

 private:
  void on_open(ConnectionId, const wire::Hello&) override {}
  void on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body) override;
  void on_closed(ConnectionId, const Error&) override {}
  [[nodiscard]] Bytes answer(const wire::FrameHeader& header, BytesView body);

  UvLoop loop_;
  UvTransport transport_;
  std::unique_ptr<UvListener> listener_;
  std::shared_ptr<const Epoch> epoch_;
  std::map<Bytes, std::vector<Bytes>> values_;
  std::atomic<bool> is_silent_ = false;
  std::thread thread_;
};

}  // namespace coterie::client_tests
