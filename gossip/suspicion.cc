#include "gossip/suspicion.h"

#include <algorithm>
#include <cmath>

#include "gossip/packet.h"

namespace coterie::gossip {

namespace {

Duration scaled(Duration duration, double factor) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double, Duration::period>(duration) * factor);
}

}  // namespace

SuspicionTerms suspicion_terms(const Settings& settings, std::size_t living) {
  const double nodes = static_cast<double>(std::max<std::size_t>(living, 1));
  const Duration grown =
      scaled(settings.probe_interval, settings.suspicion_factor * std::log10(nodes));
  SuspicionTerms terms;
  terms.least = std::max(settings.suspicion_least, grown);
  terms.most = scaled(terms.least, std::max(1.0, settings.suspicion_most_factor));
  // Neither the suspect nor the first accuser can confirm.
  const std::size_t others = living > 2 ? living - 2 : 0;
  terms.confirmations = static_cast<std::uint32_t>(
      std::min<std::size_t>({settings.confirmations, others, accusers_most - 1}));
  return terms;
}

Duration suspicion_timeout(const SuspicionTerms& terms, std::uint32_t confirmed) {
  if (confirmed >= terms.confirmations) return terms.least;
  const double share = std::log(confirmed + 1.0) / std::log(terms.confirmations + 1.0);
  return std::max(terms.least, terms.most - scaled(terms.most - terms.least, share));
}

bool Suspicion::accuse(const NodeId& accuser) {
  if (accusers_.size() > terms_.confirmations || accused_by(accuser)) return false;
  accusers_.insert(std::lower_bound(accusers_.begin(), accusers_.end(), accuser), accuser);
  return true;
}

bool Suspicion::accused_by(const NodeId& accuser) const {
  return std::binary_search(accusers_.begin(), accusers_.end(), accuser);
}

Instant Suspicion::deadline() const {
  const auto confirmed = accusers_.empty() ? 0 : accusers_.size() - 1;
  return start_ + suspicion_timeout(terms_, static_cast<std::uint32_t>(confirmed));
}

void Suspicion::grant(Instant now, Duration least_left) {
  const Instant wanted = now + least_left;
  if (deadline() < wanted) start_ += wanted - deadline();
}

}  // namespace coterie::gossip
