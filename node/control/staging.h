#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/env/file.h"
#include "base/error.h"
#include "base/ids.h"
#include "ring/epoch.h"
#include "ring/plan/staged.h"

namespace coterie {

/// What operators have staged at this node, in the file "staged" of the data directory
/// (docs/storage-formats.md), durable before each function returns.
class Staging {
 public:
  explicit Staging(FileSystem& files) : files_(files) {}

  /// Reads what earlier runs kept. A damaged file is no error, but among dropped(). Errors: io.
  [[nodiscard]] Result<void> open();

  /// As plan::stage; also io: nothing was staged then.
  [[nodiscard]] Result<void> add(const Epoch& base, std::span<const NodeId> former,
                                 plan::StagedChange change);
  /// Errors: not_found: nothing is staged about the node; io.
  [[nodiscard]] Result<void> remove(NodeId node);
  /// Also what was dropped. Errors: io.
  [[nodiscard]] Result<void> clear();
  /// After a newer epoch: takes out what it does, and what does not apply to it any more. The
  /// latter is among dropped() from then on. Errors: io; it is then taken out all the same.
  [[nodiscard]] Result<void> settle(const Epoch& epoch, std::span<const NodeId> former);

  /// In the order of staging.
  [[nodiscard]] const std::vector<plan::StagedChange>& staged() const { return kept_.staged; }
  /// What does not apply any more, and why, for people; until clear().
  [[nodiscard]] const std::vector<std::string>& dropped() const { return kept_.dropped; }

 private:
  struct Kept {
    std::vector<plan::StagedChange> staged;
    std::vector<std::string> dropped;

    bool operator==(const Kept&) const = default;
  };
  static Bytes encode(const Kept& kept);
  static Result<Kept> decode(BytesView bytes);
  [[nodiscard]] Result<void> keep(Kept kept);

  FileSystem& files_;
  Kept kept_;
};

}  // namespace coterie
