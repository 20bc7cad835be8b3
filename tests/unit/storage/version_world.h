#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/hlc.h"
#include "base/ids.h"
#include "base/policy.h"
#include "storage/versions.h"

namespace coterie::test {

/// A set of writes, by their numbers; so a world has at most 64.
using WriteSet = std::uint64_t;

/// A few copies of one record, a few clients, and every record that was ever sent, run by the
/// production functions over encoded bytes; beside it a model that knows of each write what it had
/// seen, as a plain set. Copyable, so that every order of events can be tried.
class VersionWorld {
 public:
  VersionWorld(Resolver resolver, std::size_t copies, std::size_t clients);

  enum class Kind : std::uint8_t { put, remove };
  struct Options {
    Kind kind = Kind::put;
    bool blind = false;          // hands in no context
    std::uint64_t clock = 0;     // the copy's clock before its rules
    std::uint64_t gap = 0;       // dots minted for other keys in between
    bool ignores_floor = false;  // a planted fault: the raw clock is taken
    bool keeps_own_dot = false;  // a planted fault: the reply carries the record's context
  };
  /// The client writes at the copy, which sends its record and hands back a context.
  void write(std::size_t client, std::size_t copy, const Options& options);
  /// The client takes over the context of the copies' merged records.
  void read(std::size_t client, std::size_t copy, std::size_t other);
  /// A record sent earlier arrives, perhaps late or again.
  void deliver(std::size_t message, std::size_t copy);
  /// The first copy's record as it is now arrives at the second.
  void exchange(std::size_t from, std::size_t to);
  /// The copy goes back to the state of a message, or to nothing, under a fresh actor or, a planted
  /// fault, under its own.
  void restore(std::size_t copy, const std::size_t* message, bool keeps_actor = false);

  [[nodiscard]] std::size_t writes() const { return writes_.size(); }
  [[nodiscard]] std::size_t restores() const { return restores_; }
  [[nodiscard]] std::size_t messages() const { return messages_.size(); }
  [[nodiscard]] std::size_t copies() const { return copies_.size(); }
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

  /// The first thing that is wrong; empty if nothing is: each copy holds exactly what its writes
  /// leave, and all that was ever sent, merged in an order drawn from `order`, is exactly what no
  /// client had seen and replaced.
  [[nodiscard]] std::string violation(std::uint64_t order) const;
  /// The same for the laws of sync over three of the records ever sent.
  [[nodiscard]] std::string law_violation(std::size_t a, std::size_t b, std::size_t c) const;
  /// Equal for worlds from which the same can follow.
  [[nodiscard]] Bytes fingerprint() const;

 private:
  struct Write {
    Dot dot;
    Timestamp timestamp;
    bool has_value = true;
    Bytes value;
    WriteSet replaced = 0;  // covered by the context it came with
    WriteSet sight = 0;     // truly seen by its client
  };
  struct State {
    Bytes record;
    WriteSet known = 0;  // covered by the record's context
    WriteSet sight = 0;  // arrived, or seen by a client whose write arrived
  };
  struct Copy {
    State state;
    ActorId actor;
    std::uint64_t sequence = 0;
  };
  struct Client {
    Bytes context;
    WriteSet sight = 0;
  };

  [[nodiscard]] State merged(const State& a, const State& b) const;
  [[nodiscard]] WriteSet covered(const VersionVector& seen) const;
  [[nodiscard]] std::vector<Dot> survivors(WriteSet known, WriteSet Write::*past) const;
  [[nodiscard]] std::string disagreement(const State& state) const;

  Resolver resolver_;
  std::vector<Write> writes_;
  std::vector<Copy> copies_;
  std::vector<Client> clients_;
  std::vector<State> messages_;
  std::uint64_t actors_ = 0;
  std::size_t restores_ = 0;
  std::string promise_broken_;
};

}  // namespace coterie::test
