#include "storage/versions.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <tuple>

#include "base/check.h"
#include "base/limits.h"

namespace coterie {
namespace {

bool holds(const Record& record, const Dot& dot) {
  return std::ranges::binary_search(record.siblings, dot, {}, &Sibling::dot);
}

/// Among the siblings of an lww bucket the greatest wins.
std::tuple<Timestamp, Dot> rank(const Sibling& sibling) {
  return {sibling.timestamp, sibling.dot};
}

void keep_winner(Record& record) {
  if (record.siblings.size() < 2) return;
  const auto winner = std::ranges::max_element(record.siblings, {}, rank);
  const Sibling only = *winner;
  record.siblings = {only};
}

/// What is left of the record once `seen` is overwritten, and both contexts.
Record without(const Record& record, const VersionVector& seen) {
  Record out{.context = record.context, .optional_fields = record.optional_fields};
  out.context.join(seen);
  out.siblings.reserve(record.siblings.size() + 1);
  std::ranges::copy_if(record.siblings, std::back_inserter(out.siblings),
                       [&](const Sibling& sibling) { return !seen.covers(sibling.dot); });
  return out;
}

bool has_overwritten(const Record& record, const Sibling& sibling) {
#ifdef COTERIE_PLANT_KEEP_COVERED  // defined only where a test must see it
  return false;
#endif
  return record.context.covers(sibling.dot);
}

/// The siblings of both that neither context says are overwritten, in order of dots.
Record::Siblings surviving(const Record& a, const Record& b) {
  Record::Siblings out;
  out.reserve(a.siblings.size() + b.siblings.size());
  auto left = a.siblings.begin();
  auto right = b.siblings.begin();
  while (left != a.siblings.end() || right != b.siblings.end()) {
    if (right == b.siblings.end() || (left != a.siblings.end() && left->dot < right->dot)) {
      if (!has_overwritten(b, *left)) out.push_back(*left);
      ++left;
    } else if (left == a.siblings.end() || right->dot < left->dot) {
      if (!has_overwritten(a, *right)) out.push_back(*right);
      ++right;
    } else {
      out.push_back(*left);
      ++left;
      ++right;
    }
  }
  return out;
}

/// What a merge must have done to `mine`, told from the result: it knows no less, and has dropped
/// only what `other` knows to be overwritten, or what lost.
[[maybe_unused]] bool keeps(const Record& merged, const Record& mine, const Record& other,
                            Resolver resolver) {
  const auto is_right = [&](const Sibling& sibling) {
    const bool is_overwritten = other.context.covers(sibling.dot) && !holds(other, sibling.dot);
    if (holds(merged, sibling.dot)) return !is_overwritten;
    return is_overwritten || (resolver == Resolver::lww && merged.siblings.size() == 1 &&
                              rank(merged.siblings.front()) > rank(sibling));
  };
  return merged.context.covers(mine.context) && std::ranges::all_of(mine.siblings, is_right);
}

Result<void> admits_context(const Record& record, const VersionVector& seen, const Dot& dot) {
  if (record.context.covers(dot) || seen.covers(dot)) {
    return fail(ErrorCode::invalid_argument,
                "the context claims a write that was never made; read the key again");
  }
  const auto most = limits::context_actors_put;
  if (record.context.size() + seen.size() < most) return {};
  VersionVector joined = record.context;
  joined.join(seen);
  joined.add(dot);
  if (joined.size() > most && joined.size() > record.context.size()) {
    return fail(ErrorCode::too_large,
                "the key's context would name more than " + std::to_string(most) + " writers");
  }
  return {};
}

}  // namespace

Record put(const Record& record, const VersionVector& seen, const Sibling& write,
           Resolver resolver) {
  Record out = without(record, seen);
  out.context.add(write.dot);
  out.siblings.insert(std::ranges::lower_bound(out.siblings, write.dot, {}, &Sibling::dot), write);
  if (resolver == Resolver::lww) keep_winner(out);
  return out;
}

Result<void> admits_put(const Record& record, const VersionVector& seen, const Sibling& write,
                        Resolver resolver) {
  if (Result<void> admits = admits_context(record, seen, write.dot); !admits) return admits;
  if (resolver == Resolver::lww) {
    if (!record.siblings.empty() && write.timestamp <= greatest_timestamp(record)) {
      return fail(ErrorCode::internal, "a write's timestamp does not exceed what it replaces");
    }
    return {};
  }
  std::size_t count = 1;
  std::size_t bytes = write.value.size();
  std::size_t bytes_before = 0;
  for (const Sibling& sibling : record.siblings) {
    bytes_before += sibling.value.size();
    if (seen.covers(sibling.dot)) continue;
    ++count;
    bytes += sibling.value.size();
  }
  if (count > limits::siblings_most && count > record.siblings.size()) {
    return fail(ErrorCode::too_many_siblings,
                "the key has " + std::to_string(record.siblings.size()) +
                    " concurrent values: read it, resolve them, put with the context read");
  }
  if (bytes > limits::record_bytes && bytes > bytes_before) {
    return fail(ErrorCode::too_large, "the key's concurrent values would exceed " +
                                          std::to_string(limits::record_bytes) + " bytes");
  }
  return {};
}

Record remove(const Record& record, const VersionVector& seen, const Dot& dot) {
  Record out = without(record, seen);
  out.context.add(dot);
  return out;
}

Result<void> admits_remove(const Record& record, const VersionVector& seen, const Dot& dot) {
  return admits_context(record, seen, dot);
}

Result<void> admits_sync(const Record& a, const Record& b) {
  if (a.context.size() + b.context.size() <= limits::context_actors) return {};
  VersionVector joined = a.context;
  joined.join(b.context);
  if (joined.size() <= limits::context_actors) return {};
  return fail(ErrorCode::too_large, "two records' contexts together would name more than " +
                                        std::to_string(limits::context_actors) + " writers");
}

Record sync(const Record& a, const Record& b, Resolver resolver) {
  Record out{.context = a.context, .siblings = surviving(a, b)};
  out.context.join(b.context);
  std::ranges::set_union(a.optional_fields, b.optional_fields,
                         std::back_inserter(out.optional_fields));
  if (resolver == Resolver::lww) keep_winner(out);
#ifndef COTERIE_PLANT_KEEP_COVERED  // defined only where a test must see it
  check(keeps(out, a, b, resolver) && keeps(out, b, a, resolver),
        "a merge keeps what neither record knows to be overwritten, and no more");
#endif
  return out;
}

bool descends(const Record& a, const Record& b) {
  return a.context.covers(b.context) &&
         std::ranges::all_of(a.siblings,
                             [&](const Sibling& sibling) {
                               return !b.context.covers(sibling.dot) || holds(b, sibling.dot);
                             }) &&
         std::ranges::includes(a.optional_fields, b.optional_fields);
}

Record trimmed(const Record& record) {
  Record out{.siblings = record.siblings, .optional_fields = record.optional_fields};
  for (const auto& [actor, sequence] : record.context.entries()) {
    const bool is_live = std::ranges::any_of(
        record.siblings, [of = actor](const auto& sibling) { return sibling.dot.actor == of; });
    if (is_live) out.context.add(Dot{.actor = actor, .sequence = sequence});
  }
  return out;
}

Timestamp greatest_timestamp(const Record& record) {
  Timestamp greatest;
  for (const Sibling& sibling : record.siblings) greatest = std::max(greatest, sibling.timestamp);
  return greatest;
}

ClientContext context_after(const Record& after, const ClientContext& before, const Dot& dot,
                            Timestamp timestamp) {
  const bool hides_unseen = std::ranges::any_of(
      after.siblings, [&](const Sibling& sibling) { return sibling.dot != dot; });
  return {.seen = hides_unseen ? before.seen : after.context,
          .greatest = std::max(before.greatest, timestamp)};
}

}  // namespace coterie
