#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/wire/messages_marks.h"

namespace coterie {

/// What a node that shows `own` lacks of what it has shown before: it was restored from an old copy
/// then. Nothing: it lacks nothing. What `own` does not say is not looked at.
[[nodiscard]] std::optional<std::string> what_is_missing(const wire::LifeMark& own,
                                                         const wire::LifeMark& known);

/// What this node remembers of others, each by the highest mark that it has shown (DESIGN:
/// topology). Whoever shows less is told, and changes nothing.
class LifeMarks {
 public:
  /// Remembers what lacks nothing; what is remembered of the node then.
  const wire::LifeMark& take(const wire::LifeMark& told);
  /// Null: the node has shown nothing.
  [[nodiscard]] const wire::LifeMark* find(NodeId node) const;
  void forget_others(const std::set<NodeId>& members);
  [[nodiscard]] bool has_changed() const { return has_changed_; }
  /// More than how long the logs are: what is rare, and must not be forgotten.
  [[nodiscard]] bool has_weighty_change() const { return has_weighty_change_; }

  /// The file "marks" of the data directory (docs/storage-formats.md); has_changed() no more.
  [[nodiscard]] Bytes encode();
  /// In the place of all that it remembers. Errors: corrupt, unsupported_version.
  [[nodiscard]] Result<void> decode(BytesView bytes);

 private:
  std::map<NodeId, wire::LifeMark> marks_;
  bool has_changed_ = false;
  bool has_weighty_change_ = false;
};

}  // namespace coterie
