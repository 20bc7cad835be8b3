#pragma once

#include <cstdint>
#include <memory>

#include "base/env/datagrams.h"
#include "base/env/uv_loop.h"
#include "base/error.h"

namespace coterie {

struct DatagramCounters {
  std::uint64_t packets_in = 0;
  std::uint64_t packets_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  /// Not sent: the socket was full, or refused, or the address is no numeric one.
  std::uint64_t sends_failed = 0;
};

/// Datagrams over UDP. On the loop's thread. The handler must not destroy it from within its call.
class UvDatagrams final : public Datagrams {
 public:
  /// Binds to `address` (numeric; port 0: any free one). Errors: io, invalid_argument.
  [[nodiscard]] static Result<std::unique_ptr<UvDatagrams>> open(UvLoop& loop,
                                                                 const Address& address,
                                                                 DatagramHandler& handler);
  UvDatagrams(const UvDatagrams&) = delete;
  UvDatagrams& operator=(const UvDatagrams&) = delete;
  ~UvDatagrams() override;

  /// `to` must be numeric (uv_resolve.h turns names into such).
  void send(const Address& to, BytesView packet) override;
  /// With the port it really has.
  [[nodiscard]] const Address& address() const;
  [[nodiscard]] const DatagramCounters& counters() const;

 private:
  class Impl;
  explicit UvDatagrams(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace coterie
