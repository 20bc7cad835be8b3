#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/instant.h"
#include "node/transfer/anti_entropy_port.h"
#include "storage/store.h"

namespace coterie::transfer {

/// What became of one key that was found to differ.
struct RepairedKey {
  enum class Outcome {
    same,      ///< on the second look: the first was of a write under way
    repaired,  ///< or, where nothing is to be changed, still differing
    failed,
  };
  PartitionId partition;
  Bytes key;
  Outcome outcome = Outcome::same;
  bool is_pulled = false;  ///< this copy took something in
  bool is_pushed = false;  ///< the other copy was sent what it lacked
  Result<void> why;        ///< of a failure
};

/// Looks a second time at keys that differ between this node and one other owner, after a pause,
/// and makes those equal that still do: what the other holds is merged here, and what it lacks then
/// is sent to it. Only merges, so that it is right whatever is written meanwhile; generations are
/// respected. One thread.
class RecordRepair {
 public:
  struct Options {
    /// False: nothing is changed; what still differs is `repaired` in word only.
    bool changes = true;
    /// False: the other copy is only read. An unsure copy never pushes, whatever this says.
    bool pushes = true;
    Duration pause{};
  };
  struct Environment {
    const Store& store;
    RepairedCopies& copies;
    OtherOwners& others;
  };
  using Done = std::function<void(const RepairedKey&)>;

  RecordRepair(const Environment& environment, NodeId other, const Options& options, Done done);
  RecordRepair(const RecordRepair&) = delete;
  RecordRepair& operator=(const RecordRepair&) = delete;

  /// The keys of one partition come together.
  void add(PartitionId partition, BytesView key, Instant now);
  /// Does one thing. False if there is nothing to do before an answer comes or due() is reached.
  bool step(Instant now);
  /// When the next key is to be looked at again; no sense if size() is 0.
  [[nodiscard]] Instant due() const;
  /// Keys that wait, or are being repaired.
  [[nodiscard]] std::size_t size() const { return waiting_.size() + open_; }

 private:
  struct Suspect {
    PartitionId partition;
    Bytes key;
    Instant due;
    std::size_t tries = 0;
  };
  struct Push {
    Suspect suspect;
    Generation generation;
    bool is_pulled = false;
  };

  void ask(std::vector<Suspect> suspects);
  void take(std::vector<Suspect> suspects, const wire::ReplicaRecordsReply& reply);
  void take(Suspect suspect, const wire::RecordAnswer& answer, Generation theirs);
  void push(Push push);
  void try_again(Suspect suspect, const Error& error);
  void finish(const Suspect& suspect, RepairedKey::Outcome outcome, bool is_pulled, bool is_pushed);
  void fail_with(const Suspect& suspect, const Error& error);
  /// 0: none. Errors: corrupt, the store's.
  [[nodiscard]] Result<std::uint64_t> digest_here(BytesView key) const;
  [[nodiscard]] wire::ReplicaScope scope_of(PartitionId partition) const;

  Environment env_;
  NodeId other_;
  Options options_;
  Done done_;
  std::deque<Suspect> waiting_;
  std::deque<Push> pushes_;
  std::size_t open_ = 0;       // taken out of waiting_, not done
  std::size_t questions_ = 0;  // unanswered
  std::size_t pushing_ = 0;    // unanswered
  /// Answers that come after this object has gone see that it has.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace coterie::transfer
