#include "tests/sim/causality.h"

namespace coterie::sim {

void WriteSet::add(const WriteSet& other) {
  for (std::size_t i = 0; i < bits_.size(); ++i) {
    if (other.bits_[i]) bits_[i] = true;
  }
}

Causality::Causality(const History& history, const KeyHistory& key) {
  for (const auto index : key.operations) {
    if (history.operations[index].kind == OperationKind::get) continue;
    places_.emplace(index, writes_.size());
    writes_.push_back(index);
  }
  // A context is handed out before it is brought: what a write has seen began earlier.
  for (const auto index : writes_) {
    const auto& operation = history.operations[index];
    pasts_.emplace(index, operation.context_of ? seen_by(history, *operation.context_of) : none());
  }
}

/// What the context covers that this operation's reply carried.
WriteSet Causality::seen_by(const History& history, OperationIndex index) const {
  const auto& operation = history.operations[index];
  if (operation.kind != OperationKind::get) {
    WriteSet seen = past(index);
    if (operation.covers_itself) seen.add(place(index));
    return seen;
  }
  WriteSet seen = none();
  for (const auto value : operation.values) {
    seen.add(place(value));
    seen.add(past(value));
  }
  return seen;
}

}  // namespace coterie::sim
