#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/ids.h"
#include "base/policy.h"
#include "base/wire/messages.h"
#include "storage/record.h"

namespace coterie::replica {

/// Whether a copy may answer for its partition.
enum class CopyState : std::uint8_t {
  full,
  /// A new owner's, which streams still fill: it counts to W, never to R, mints nothing, and
  /// pushes nothing to others.
  filling,
  /// It may lack data (quarantine, damage, refill): what it is sent it keeps, but it answers
  /// `unsure`, which counts to no quorum, and it mints nothing.
  unsure,
};

/// This node's copy of one partition: under which identity it mints, and for whom it answers.
class PartitionCopy {
 public:
  /// `actor`: 64 fresh random bits. `configuration`: the latest that this copy has fenced.
  PartitionCopy(PartitionId partition, ActorId actor, ConfigurationNumber configuration,
                Generation generation, CopyState state = CopyState::full);

  /// A dot that was never minted before: sequences rise over all keys of the copy, never per key.
  [[nodiscard]] Dot next_dot() { return Dot{.actor = actor_, .sequence = ++last_sequence_}; }
  /// Mints under another identity from now on: after a failed log write, a bad checksum, a record
  /// that shows a forgotten dot (`Merged::forgot_own_dot`), a restore.
  void redraw(ActorId fresh);

  [[nodiscard]] PartitionId partition() const { return partition_; }
  [[nodiscard]] ActorId actor() const { return actor_; }
  [[nodiscard]] std::uint64_t last_sequence() const { return last_sequence_; }
  [[nodiscard]] ConfigurationNumber configuration() const { return configuration_; }
  /// Under which this copy's records are read: what it sends says so.
  [[nodiscard]] Generation generation() const { return generation_; }
  /// That of the last purge applied here; never above generation(). All owners' generations had
  /// durably reached it before: whoever shows a lower one read before that, or forgot.
  [[nodiscard]] Generation purged() const { return purged_; }
  [[nodiscard]] CopyState state() const { return state_; }
  /// Its machine lost power: it may lack what interval buckets had not synced, and shows nothing of
  /// them until it has been compared with its other owners. Writes count here as ever: it keeps
  /// what it is sent, and mints as an actor that never minted before.
  [[nodiscard]] bool is_in_doubt() const { return is_in_doubt_; }
  /// Some of what it should hold may be with its other owners only.
  [[nodiscard]] bool may_lack_data() const { return state_ != CopyState::full || is_in_doubt_; }

  /// None of them ever falls. The caller appends the new one, and says that it is raised only when
  /// that is durable. raise_purged() raises the generation with it.
  void raise_configuration(ConfigurationNumber configuration);
  void raise_generation(Generation generation);
  void raise_purged(Generation generation);
  void set_state(CopyState state) { state_ = state; }
  void set_doubt(bool is_in_doubt) { is_in_doubt_ = is_in_doubt; }

 private:
  PartitionId partition_;
  ActorId actor_;
  std::uint64_t last_sequence_ = 0;
  ConfigurationNumber configuration_;
  Generation generation_;
  Generation purged_;
  CopyState state_;
  bool is_in_doubt_ = false;
};

/// What the sender of a request wants from the copy.
enum class Use : std::uint8_t {
  mint,   ///< this node coordinates a put
  write,  ///< a record is merged; its generation is checked
  read,   ///< the answer counts to R
};

/// Whether `copy` may serve a request of this scope; `of`: of the buckets that a read shows. Null
/// `copy`: this node does not own the partition. Errors:
///   not_owner            no such copy here
///   stale_configuration  the sender's configuration is older than the fenced one, or (write) its
///                        record was read under a generation below that of the last purge here,
///                        which the error names: fetch, read again, resend
///   unsure               the copy may lack data (`of` interval: or is in doubt), or it has not
///                        fenced the sender's newer configuration yet: the driver fetches the epoch
/// A write refused as unsure by the copy's state alone may still be merged: see may_keep().
[[nodiscard]] Result<void> check_scope(const PartitionCopy* copy, const wire::ReplicaScope& scope,
                                       Use use, Durability of = Durability::commit);

/// Whether it is the copy that a purge round listed as `listed`. Each start of a process is another
/// one: it may be over an older state, which must not take on the generation of what was listed.
/// Errors: unsure, it is not.
[[nodiscard]] Result<void> check_listed(const PartitionCopy& copy, ActorId listed);

/// An unsure copy keeps what it is sent, though its answer stays `unsure`.
[[nodiscard]] bool may_keep(const PartitionCopy& copy, const wire::ReplicaScope& scope);

}  // namespace coterie::replica
