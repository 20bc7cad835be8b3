#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace coterie::bench {

/// What a server said to one request.
struct Answer {
  bool is_missing = false;
  /// In its words, where it refused.
  std::optional<std::string> refusal;
};

/// How requests are said to one kind of server over one connection, and its answers understood.
/// Answers come in the order of the requests.
class Protocol {
 public:
  Protocol() = default;
  Protocol(const Protocol&) = delete;
  Protocol& operator=(const Protocol&) = delete;
  virtual ~Protocol() = default;

  /// Adds the request to what goes out.
  virtual void read(std::string_view key, std::string& out) = 0;
  virtual void write(std::string_view key, std::string_view value, std::string& out) = 0;
  /// Takes what has come.
  virtual void feed(std::string_view bytes) = 0;
  /// The next answer, once it is whole. Error: what came is none.
  [[nodiscard]] virtual Result<std::optional<Answer>> next() = 0;
};

using MakeProtocol = std::function<std::unique_ptr<Protocol>()>;

/// Redis', GET and SET, said and read by hiredis.
[[nodiscard]] std::unique_ptr<Protocol> resp_protocol();
/// memcached's meta commands, mg and ms.
[[nodiscard]] std::unique_ptr<Protocol> memcache_protocol();
/// etcd's HTTP gateway: JSON over one connection that is kept.
[[nodiscard]] std::unique_ptr<Protocol> etcd_protocol();

/// Of a Redis cluster: CRC16 of the key, modulo 16384.
[[nodiscard]] std::uint16_t redis_slot(std::string_view key);

}  // namespace coterie::bench
