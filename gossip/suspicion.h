#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/instant.h"
#include "gossip/settings.h"

namespace coterie::gossip {

/// Bounds of one suspicion, from the number of living members when it began.
struct SuspicionTerms {
  Duration least{};
  Duration most{};
  /// Accusers beyond the first that bring the timeout down to `least`.
  std::uint32_t confirmations = 0;
};

[[nodiscard]] SuspicionTerms suspicion_terms(const Settings& settings, std::size_t living);

/// max(least, most - (most - least) * log(confirmed + 1) / log(confirmations + 1)); Lifeguard,
/// section IV-B.
[[nodiscard]] Duration suspicion_timeout(const SuspicionTerms& terms, std::uint32_t confirmed);

/// One member that did not answer, and who says so.
class Suspicion {
 public:
  Suspicion(Instant start, std::uint64_t incarnation, const SuspicionTerms& terms)
      : start_(start), incarnation_(incarnation), terms_(terms) {}

  /// True if that was news that counts.
  bool accuse(const NodeId& accuser);
  [[nodiscard]] Instant deadline() const;
  [[nodiscard]] bool accused_by(const NodeId& accuser) const;
  /// Ascending.
  [[nodiscard]] const std::vector<NodeId>& accusers() const { return accusers_; }
  [[nodiscard]] std::uint64_t incarnation() const { return incarnation_; }
  /// Moves the deadline to `least_left` after `now` or later.
  void grant(Instant now, Duration least_left);
  /// The time until then is not counted.
  void skip(Duration stalled) { start_ += stalled; }

 private:
  Instant start_;
  std::uint64_t incarnation_;
  SuspicionTerms terms_;
  std::vector<NodeId> accusers_;
};

/// All members under suspicion; by node id.
using Suspicions = std::map<NodeId, Suspicion>;

}  // namespace coterie::gossip
