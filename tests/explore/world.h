#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "node/replica/partition_copy.h"
#include "node/transfer/purge_round.h"
#include "storage/record.h"
#include "tests/explore/records.h"

namespace coterie::explore {

inline constexpr std::size_t owners = 3;
inline constexpr std::size_t quorum = 2;  // W and R
inline constexpr std::size_t ops_most = 3;
inline constexpr std::size_t rounds_most = 2;
/// Whose disk is exchanged or set back: the owners are alike, so one stands for all.
inline constexpr std::size_t restored_owner = 2;

/// What may happen in a world, and how often.
struct Scope {
  std::size_t ops = 2;           // puts and deletes
  std::size_t writers = owners;  // that coordinate them
  std::size_t reads = 0;
  std::size_t rounds = 1;
  std::size_t doubled = 0;   // messages that arrive twice
  std::size_t timeouts = 0;  // questions of rounds that are given up; they may still arrive
  std::size_t wipes = 0;     // a disk exchanged: the copy is `unsure` until it has been refilled
  std::size_t restores = 0;  // an old state under a new process, and nobody is told
  bool has_late_answers = false;  // those to purge rounds travel, too
  bool has_other_key = false;     // another record can be purged at any time
};

/// Masks of operations, and what tells a write from another (ghosts: the code under test never
/// sees them).
using Ops = std::uint8_t;

struct Message {
  enum class Kind : std::uint8_t { write, question, answer };

  Kind kind = Kind::write;
  std::uint8_t owner = 0;  // to whom; answer: from whom
  // write
  std::uint8_t op = 0;  // ops_most: a read's repair
  // write, answer
  std::uint8_t generation = 0;
  Ops known = 0;
  Records::Id record = 0;
  // question, answer
  std::uint8_t round = 0;
  std::uint8_t id = 0;
  // answer
  std::uint8_t purged = 0;
  std::uint16_t actor = 0;
  bool has_failed = false;

  auto operator<=>(const Message&) const = default;
};

enum class Act : std::uint8_t {
  put,
  put_seen,
  remove,
  remove_seen,
  begin_read,
  end_read,
  deliver,
  deliver_doubled,
  time_out,
  snapshot,
  restore,
  wipe,
  refill,
};

struct Action {
  Act act = Act::put;
  std::uint8_t owner = 0;
  Message message;  // deliver, deliver_doubled, time_out
};

[[nodiscard]] std::string describe(const Action& action);

/// Three owners of one key, clients, and what is on its way between them: the production code of
/// versions, of copies and of purge rounds, joined as node/local_copies*.cc, node/coordinator and
/// node/transfer/purge.cc join them. Messages arrive in any order, late, or never. What an owner
/// has stored is durable at once. Copyable.
class World {
 public:
  World(const Scope& scope, Records& records);

  [[nodiscard]] std::vector<Action> actions() const;
  void perform(const Action& action);
  /// The same bytes: the same future.
  [[nodiscard]] Bytes fingerprint() const;
  /// What is wrong with the state; empty: nothing.
  [[nodiscard]] std::string violation() const;

 private:
  struct Owner {
    replica::PartitionCopy copy;
    Records::Id record = 0;
    Ops known = 0;            // whose effects the record shows
    std::uint8_t drawn = 0;   // actors
    std::uint8_t minted = 0;  // under the last of them
    std::uint8_t runs = 0;    // restores and wipes so far
    bool is_lacking = false;  // it may have lost what it had acknowledged
  };
  struct Op {
    Dot dot;
    std::uint8_t owner = 0;
    std::uint8_t run = 0;
    std::uint8_t holders = 0;
    std::uint8_t sent_again = 0;
    Ops seen = 0;  // what its client had seen
    bool is_delete = false;
    bool is_acknowledged = false;
  };
  struct Answer {
    bool is_given = false;
    std::uint8_t owner = 0;
    std::uint8_t generation = 0;
    std::uint8_t purged = 0;
    Ops known = 0;
    Records::Id record = 0;
  };
  struct Snapshot {
    Records::Id record = 0;
    Ops known = 0;
    std::uint8_t generation = 0;
    std::uint8_t purged = 0;
    bool is_taken = false;
  };
  struct Round {
    std::shared_ptr<const transfer::PurgeRound> state;
    /// What it was told, by question: with the rest of the world it says all about `state`.
    std::array<Message, 3 * owners + 1> heard{};
  };

  // world_actions.cc
  void add_writes(std::vector<Action>& out) const;
  void add_messages(std::vector<Action>& out) const;
  void add_faults(std::vector<Action>& out) const;

  [[nodiscard]] wire::ReplicaScope scope_of(std::uint8_t generation) const;
  [[nodiscard]] bool may_read(std::size_t owner) const;
  void send(const Message& message);
  void mint(std::size_t owner, bool is_delete, bool has_seen);
  void begin_read(std::size_t owner);
  void end_read(std::size_t owner);
  [[nodiscard]] Answer answer_of(std::size_t owner) const;
  void take_write(const Message& message);
  void store(Owner& owner, Records::Id incoming, Ops known, bool is_repair);
  void send_current(const Message& refused, std::uint8_t purged);
  void count_holder(std::size_t op, std::size_t owner);
  void heard_of_purge(std::size_t owner, Generation purged);
  void take_snapshot();
  void start_again(bool is_wiped);
  void refill();
  void redraw(Owner& owner);

  // world_purge.cc
  void take_questions(std::size_t round);
  void answer_question(const Message& question);
  void list(const Message& question, Message& answer) const;
  void raise(const Message& question, Message& answer);
  void apply(const Message& question, Message& answer);
  void take_answer(const Message& answer);

  // world_oracles.cc
  [[nodiscard]] std::string read_violation(const std::vector<std::size_t>& asked) const;

  const Scope* scope_;
  Records* records_;
  std::vector<Owner> owners_;
  std::vector<Op> ops_;
  std::vector<Message> flight_;  // sorted
  std::array<Round, rounds_most> rounds_;
  Records::Id context_ = 0;  // the client's
  Ops context_known_ = 0;
  Answer read_;  // of a read that waits for its second answer
  Snapshot snapshot_;
  std::uint8_t reads_ = 0;
  std::uint8_t doubled_ = 0;
  std::uint8_t timeouts_ = 0;
  std::uint8_t restores_ = 0;
  std::uint8_t wipes_ = 0;
  bool was_one_behind_ = false;  // an owner that never forgot anything was emptied
};

}  // namespace coterie::explore
