#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/instant.h"
#include "client/callback.h"
#include "client/requests.h"
#include "client/results.h"

namespace coterie::tool {

/// Reads a bucket partition by partition, several at once. Each partition's pages come in order;
/// pages of several partitions come as they arrive.
class BucketReader {
 public:
  struct Options {
    std::string bucket = "default";
    std::uint32_t partitions = 0;
    std::size_t in_flight = 16;  // partitions at once
    /// Tries of one page, for reasons that pass.
    std::uint32_t tries = 20;
  };
  using Scan =
      std::function<void(client::Range, client::Cursor, client::Callback<client::ScanPage>)>;
  using Take = std::function<void(client::ScanRecord)>;

  BucketReader(const Options& options, Scan scan, Take take)
      : options_(options), scan_(std::move(scan)), take_(std::move(take)) {}

  /// Starts what can start.
  void start();
  [[nodiscard]] bool is_done() const {
    return active_ == 0 && (failure_ || next_ >= options_.partitions);
  }
  [[nodiscard]] std::uint32_t partitions_done() const { return next_ - active_; }
  /// Why a partition could not be read; then no further ones are begun.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  void ask(PartitionId partition, client::Cursor cursor, std::uint32_t failures);

  Options options_;
  Scan scan_;
  Take take_;
  std::uint32_t next_ = 0;
  std::uint32_t active_ = 0;
  std::optional<Error> failure_;
};

}  // namespace coterie::tool
