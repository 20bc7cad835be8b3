#include "node/coordinator/visible.h"

#include <algorithm>
#include <tuple>

#include "storage/versions.h"

namespace coterie::coordinator {

namespace {

bool is_seen(const Sibling& sibling, WallTime now) {
  const auto now_ms = static_cast<std::uint64_t>(now.time_since_epoch().count());
  return !sibling.is_delete && (sibling.expires_ms == 0 || sibling.expires_ms > now_ms);
}

wire::SiblingView view(const Sibling& sibling) {
  return {.value = sibling.value, .timestamp = sibling.timestamp, .expires_ms = sibling.expires_ms};
}

}  // namespace

std::vector<wire::SiblingView> visible(const Record& record, Resolver resolver, WallTime now) {
  std::vector<wire::SiblingView> seen;
  if (record.siblings.empty()) return seen;
  if (resolver == Resolver::lww) {
    const auto winner = std::ranges::max_element(record.siblings, {}, [](const Sibling& sibling) {
      return std::tuple(sibling.timestamp, sibling.dot);
    });
    if (is_seen(*winner, now)) seen.push_back(view(*winner));
    return seen;
  }
  seen.reserve(record.siblings.size());
  for (const Sibling& sibling : record.siblings) {
    if (is_seen(sibling, now)) seen.push_back(view(sibling));
  }
  return seen;
}

Bytes context_of(BytesView key, const Record& record) {
  return encode_context(key, {.seen = record.context, .greatest = greatest_timestamp(record)});
}

}  // namespace coterie::coordinator
