#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/wire/messages.h"

namespace coterie::transfer {

struct PurgeEntry {
  Bytes key;
  std::uint64_t digest = 0;
  wire::Purging what = wire::Purging::erase;

  bool operator==(const PurgeEntry&) const = default;
};

/// One owner's answer to "which of your records could be purged?".
struct PurgeListing {
  std::vector<PurgeEntry> entries;  // keys ascend
  Bytes reach;                      // records below it were looked at; empty: all
  Generation generation;            // of the copy, while it was looked at
  Generation purged;                // of the last purge that the copy has applied
  ActorId actor;                    // of the copy that was looked at
};

/// The purge of one partition (DESIGN: deletes and expiry), page by page, each in three steps:
/// 1. all N owners list what could be purged, and the generation under which they read it;
/// 2. all raise their generation, durably, above every one listed under, if they still are the
///    copies that listed: an older state that came back must not take on the listing's generation;
/// 3. what all listed alike is purged by each, if it is unchanged there.
///
/// Why nothing comes back. A record that was purged at X was held by each owner before it reached
/// the purge's generation P; afterwards that owner's record covers it or is purged too. X takes a
/// record only if all that it was made from was read at P or later (its own `purged` is P from then
/// on). All owners had reached P before any purged: none is ever refused because it lags, and one
/// that shows less has forgotten.
/// A round that ends anywhere leaves only raised generations, which refuse nothing.
///
/// Where buckets are sloppy the other members are bystanders: between 2 and 3, when all owners have
/// raised theirs, each is asked to raise the generation under which it keeps hints of the
/// partition, and fails if it keeps any. From then on it takes none that was read below it. So no
/// hint brings back what is purged; an owner that is refused by a bystander and has not reached its
/// generation was restored.
///
/// Decides only; copyable, for the explorer. Answers to questions of an earlier step, and second
/// ones, are ignored.
class PurgeRound {
 public:
  enum class Step : std::uint8_t { list, raise, clear, apply, done, abandoned };
  struct Question {
    std::uint64_t id = 0;
    /// clear: a bystander's place behind the owners.
    std::size_t owner = 0;
  };

  explicit PurgeRound(std::size_t owners, std::size_t bystanders = 0);

  /// To be asked now: each owner what step() says; taken once.
  [[nodiscard]] std::vector<Question> take_questions();
  [[nodiscard]] Step step() const { return step_; }
  /// list: from which key.
  [[nodiscard]] const Bytes& from() const { return from_; }
  /// raise, clear, apply: the purge's generation.
  [[nodiscard]] Generation generation() const { return generation_; }
  /// raise: of the last purge that any owner has applied. An owner whose generation is below it was
  /// restored: it must not raise it, and fails.
  [[nodiscard]] Generation purged() const { return purged_; }
  /// raise: the copy that this owner listed; another one fails.
  [[nodiscard]] ActorId actor(std::size_t owner) const {
    return owner < owners_ ? listings_[owner].actor : ActorId{};
  }
  /// apply: what all listed alike.
  [[nodiscard]] const std::vector<PurgeEntry>& batch() const { return batch_; }

  void on_listed(std::uint64_t id, PurgeListing listing);
  void on_raised(std::uint64_t id, Generation generation);
  void on_applied(std::uint64_t id);
  void on_failed(std::uint64_t id, const Error& error);

  /// abandoned: because of which owner, and why.
  [[nodiscard]] std::size_t blamed() const { return blamed_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  /// Tombstones and expired values that not all owners hold alike yet.
  [[nodiscard]] std::uint64_t unequal() const { return unequal_; }

 private:
  enum class Answer : std::uint8_t { waiting, given, left_out };

  [[nodiscard]] std::optional<std::size_t> take(std::uint64_t id);
  void ask(Step step);
  void advance();
  void compare();

  Step step_ = Step::list;
  std::size_t owners_;
  std::size_t bystanders_;
  std::uint64_t last_id_ = 0;
  std::uint64_t first_id_ = 0;  // of this step's questions, one an owner or bystander
  std::vector<Question> questions_;
  std::vector<Answer> answers_;
  std::vector<PurgeListing> listings_;
  Bytes from_;
  Bytes reach_;  // where the next page begins; empty: there is none
  Generation generation_;
  Generation purged_;
  bool is_one_behind_ = false;
  std::vector<PurgeEntry> batch_;
  std::size_t blamed_ = 0;
  std::string reason_;
  std::uint64_t unequal_ = 0;
};

}  // namespace coterie::transfer
