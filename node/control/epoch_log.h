#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/env/file.h"
#include "base/error.h"
#include "ring/epoch.h"

namespace coterie {

/// The epochs this node knows, one immutable file each in the directory "epochs".
class EpochLog {
 public:
  explicit EpochLog(FileSystem& files) : files_(files) {}

  /// Reads the epochs, and keeps the newest; none is no error. A damaged older one is passed over.
  /// Errors: corrupt, unsupported_version, io.
  [[nodiscard]] Result<void> open();
  /// Makes a later epoch durable; it is newest() once this returned. An equal or older one is
  /// fine and changes nothing, unless it contradicts the one known: refused.
  [[nodiscard]] Result<void> add(std::shared_ptr<const Epoch> epoch);
  /// The epoch of just this number; null if this node never had it, or cannot read it.
  [[nodiscard]] std::shared_ptr<const Epoch> find(EpochNumber number) const;
  /// Null before the first.
  [[nodiscard]] const std::shared_ptr<const Epoch>& newest() const { return newest_; }
  /// Nodes that were members once, by the epochs that are kept here, and are no more; sorted.
  [[nodiscard]] std::vector<NodeId> former() const;

 private:
  void note_members(const Epoch& epoch);

  FileSystem& files_;
  std::shared_ptr<const Epoch> newest_;
  std::set<NodeId> ever_members_;
};

}  // namespace coterie
