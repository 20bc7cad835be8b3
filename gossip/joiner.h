#pragma once

#include <vector>

#include "base/address.h"
#include "base/instant.h"
#include "gossip/core.h"

namespace coterie::gossip {

/// Whose tables to ask for: the seeds until a living member has their address, a few at a time, and
/// a random member now and then (push-pull, as memberlist does it).
class Joiner {
 public:
  Joiner(Instant now, Core& core);

  void add_seeds(Instant now, const std::vector<Address>& seeds);
  void on_failed(Instant now, const Address& to);
  /// Addresses to start an exchange with, if any are due.
  [[nodiscard]] std::vector<Address> due(Instant now);
  [[nodiscard]] Instant next_due() const;
  void start_over(Instant now);

 private:
  struct Seed {
    Address address;
    Instant next;
    Duration backoff{};
  };

  [[nodiscard]] bool is_reached(const Address& seed) const;
  [[nodiscard]] Duration push_pull_interval() const;
  [[nodiscard]] Duration jittered(Duration duration);

  Core& core_;
  std::vector<Seed> seeds_;
  Instant next_push_pull_;
};

}  // namespace coterie::gossip
