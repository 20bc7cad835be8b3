#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "tests/sim/history.h"

namespace coterie::sim {

/// Sets of the writes (puts and removes) of one key.
class WriteSet {
 public:
  explicit WriteSet(std::size_t writes) : bits_(writes) {}
  void add(std::size_t write) { bits_[write] = true; }
  void add(const WriteSet& other);
  [[nodiscard]] bool has(std::size_t write) const { return bits_[write]; }

 private:
  std::vector<bool> bits_;
};

/// Which writes of a key each of its writes and contexts has seen, as far as clients can tell.
class Causality {
 public:
  Causality(const History& history, const KeyHistory& key);

  /// The key's writes, in the order in which they began.
  [[nodiscard]] const std::vector<OperationIndex>& writes() const { return writes_; }
  /// A write's place in them.
  [[nodiscard]] std::size_t place(OperationIndex write) const { return places_.at(write); }
  /// What a write replaced: all that the context it brought covers, however long ago.
  [[nodiscard]] const WriteSet& past(OperationIndex write) const { return pasts_.at(write); }
  [[nodiscard]] WriteSet none() const { return WriteSet(writes_.size()); }

 private:
  [[nodiscard]] WriteSet seen_by(const History& history, OperationIndex operation) const;

  std::vector<OperationIndex> writes_;
  std::map<OperationIndex, std::size_t> places_;
  std::map<OperationIndex, WriteSet> pasts_;
};

}  // namespace coterie::sim
