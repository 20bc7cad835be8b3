#include "gossip/joiner.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/limits.h"

namespace coterie::gossip {

namespace {

constexpr std::size_t unscaled_members = 32;

}  // namespace

Joiner::Joiner(Instant now, Core& core) : core_(core) {
  start_over(now);
}

void Joiner::start_over(Instant now) {
  const Duration interval = push_pull_interval();
  next_push_pull_ = now + interval / 2 + jittered(interval) / 2;
}

void Joiner::add_seeds(Instant now, const std::vector<Address>& seeds) {
  for (const Address& address : seeds) {
    if (address == core_.self().address || seeds_.size() >= limits::gossip_seeds) continue;
    const bool known = std::any_of(seeds_.begin(), seeds_.end(),
                                   [&](const Seed& seed) { return seed.address == address; });
    if (known) continue;
    seeds_.push_back({.address = address, .next = now, .backoff = core_.settings.join_retry_least});
  }
  // Nodes of one list do not all begin with the same few.
  for (std::size_t left = seeds_.size(); left > limits::gossip_seeds_at_once; --left) {
    std::swap(seeds_[left - 1], seeds_[core_.random.below(left)]);
  }
}

void Joiner::on_failed(Instant now, const Address& to) {
  // Nothing else learned a seed's failure: its next try is due anyway. A member's push-pull is made
  // up with another member.
  const bool is_seed = std::any_of(seeds_.begin(), seeds_.end(),
                                   [&](const Seed& seed) { return seed.address == to; });
  if (!is_seed) {
    next_push_pull_ = std::min(next_push_pull_, now + jittered(core_.settings.reconnect_interval));
  }
}

std::vector<Address> Joiner::due(Instant now) {
  std::vector<Address> out;
  for (Seed& seed : seeds_) {
    if (seed.next > now) continue;
    if (is_reached(seed.address)) {
      seed.backoff = core_.settings.join_retry_least;
      // As often looked at in sum, however many there are: each look goes over all members.
      const auto slower = static_cast<std::int64_t>(1 + seeds_.size() / unscaled_members);
      seed.next = now + jittered(core_.settings.join_retry_most) * slower;
      continue;
    }
    // The answer of one brings all that it knows: mostly nobody else need be asked.
    if (out.size() >= limits::gossip_seeds_at_once) {
      seed.next = now + core_.settings.join_retry_least;
      continue;
    }
    out.push_back(seed.address);
    seed.next = now + jittered(seed.backoff);
    seed.backoff = std::min<Duration>(2 * seed.backoff, core_.settings.join_retry_most);
  }
  if (next_push_pull_ <= now) {
    next_push_pull_ = now + push_pull_interval();
    const auto partner = core_.table.pick(core_.random, 1, [&](const Member& member) {
      return member.state == MemberState::alive && member.id != core_.self_id;
    });
    if (!partner.empty()) out.push_back(partner.front()->address);
  }
  return out;
}

Instant Joiner::next_due() const {
  Instant next = next_push_pull_;
  for (const Seed& seed : seeds_) next = std::min(next, seed.next);
  return next;
}

bool Joiner::is_reached(const Address& seed) const {
  const auto& all = core_.table.all();
  return std::any_of(all.begin(), all.end(), [&](const auto& entry) {
    return is_living(entry.second) && entry.second.address == seed;
  });
}

Duration Joiner::push_pull_interval() const {
  const std::size_t living = core_.table.living();
  if (living <= unscaled_members) return core_.settings.push_pull_interval;
  // 1 + ceil(log2(living) - log2(unscaled_members)), as memberlist scales it.
  const auto factor =
      static_cast<std::int64_t>(std::bit_width((living - 1) / unscaled_members)) + 1;
  return core_.settings.push_pull_interval * factor;
}

Duration Joiner::jittered(Duration duration) {
  const auto half = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count() / 2, 1));
  return duration - Duration(core_.random.below(half));
}

}  // namespace coterie::gossip
