#include "bench/tally.h"

namespace coterie::bench {

void KindTally::add(const KindTally& other) {
  answered += other.answered;
  missing += other.missing;
  failed += other.failed;
  latency.add(other.latency);
  failing.add(other.failing);
}

void Tally::add_answer(Kind kind, Duration latency, bool is_missing) {
  KindTally& tally = by_kind[static_cast<std::size_t>(kind)];
  ++tally.answered;
  if (is_missing) ++tally.missing;
  tally.latency.add(latency);
}

void Tally::add_failure(Kind kind, Duration latency, const Error& error) {
  KindTally& of_kind = by_kind[static_cast<std::size_t>(kind)];
  ++of_kind.failed;
  of_kind.failing.add(latency);
  ErrorTally& tally = errors[error.code];
  if (tally.count++ == 0) tally.message = error.message;
}

void Tally::add(const Tally& other) {
  for (std::size_t i = 0; i < kinds; ++i) by_kind[i].add(other.by_kind[i]);
  for (const auto& [code, theirs] : other.errors) {
    ErrorTally& ours = errors[code];
    if (ours.count == 0) ours.message = theirs.message;
    ours.count += theirs.count;
  }
}

KindTally Tally::operations() const {
  KindTally all;
  for (std::size_t i = 0; i < kinds; ++i) {
    if (static_cast<Kind>(i) != Kind::resolve) all.add(by_kind[i]);
  }
  return all;
}

}  // namespace coterie::bench
