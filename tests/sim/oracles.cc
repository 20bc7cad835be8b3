#include "tests/sim/oracles.h"

#include <algorithm>
#include <set>

#include "node/replica/purge.h"
#include "storage/key.h"
#include "storage/record.h"
#include "storage/shard_trees.h"
#include "tests/sim/causality.h"

namespace coterie::sim {
namespace {

/// Wall clocks and times to live count milliseconds.
constexpr Duration wall_step = 2ms;

std::string text(const History& history, OperationIndex index) {
  const auto& operation = history.operations[index];
  const char* kind = operation.scan                         ? "scan"
                     : operation.kind == OperationKind::get ? "get"
                     : operation.kind == OperationKind::put ? "put"
                                                            : "remove";
  return "#" + std::to_string(index) + " (" + kind + " of " + name(history.keys[operation.key]) +
         " at node " + std::to_string(operation.node.value) + ", " + seconds_text(operation.begin) +
         " to " + seconds_text(operation.end) + ")";
}

std::string values_text(const Operation& get) {
  std::string out;
  for (const auto value : get.values) out += " #" + std::to_string(value);
  return out.empty() ? " nothing" : out;
}

/// The oracles of one key's reads.
class KeyCheck {
 public:
  KeyCheck(const History& history, KeyIndex index)
      : history_(history),
        index_(index),
        key_(history.keys[index]),
        causality_(history, history.keys[index]) {}

  [[nodiscard]] std::optional<Violation> run() const {
    for (const auto index : key_.operations) {
      const auto& get = history_.operations[index];
      if (!get.strange_values.empty()) {
        return Violation{"invented", text(history_, index) + " got " + get.strange_values.front()};
      }
      if (get.kind != OperationKind::get || get.outcome != Outcome::done) continue;
      if (auto bad = check_values(index)) return bad;
      auto bad = key_.resolver == Resolver::lww ? check_lww(index) : check_siblings(index);
      if (bad) return bad;
    }
    return std::nullopt;
  }

 private:
  /// Acknowledged before the read began, and met by its quorum.
  [[nodiscard]] bool is_promised(const Operation& write, const Operation& get) const {
    const auto gone_at = history_.hints_gone_at;
    const bool is_home = !write.is_hinted || (write.end < gone_at && gone_at <= get.begin);
    return write.outcome == Outcome::done && write.end < get.begin &&
           !may_power_take(write, get.end, destroyed(write, get, false)) && is_home &&
           !get.is_hinted && write.quorum > destroyed(write, get, false) &&
           write.quorum + get.quorum > history_.owners + destroyed(write, get, true);
  }

  /// How many copies of what was written were destroyed by the time of the read; only of those that
  /// may answer as if nothing had happened.
  [[nodiscard]] std::uint32_t destroyed(const Operation& write, const Operation& get,
                                        bool only_silent) const {
    if (only_silent && history_.wiped_at && *history_.wiped_at < get.begin) return 0;
    const auto is_between = [&](Instant when) { return when >= write.begin && when <= get.end; };
    // A copy that was emptied says so.
    const bool is_emptied =
        !only_silent && std::ranges::any_of(history_.emptyings, [&](const Emptying& emptying) {
          return is_between(emptying.when) && (write.is_hinted || emptying.owned.contains(index_));
        });
    if (is_emptied) return 1;
    return std::ranges::any_of(history_.damages, [&](const Damage& damage) {
      const bool is_silent = damage.is_silent && get.begin <= damage.noticed_at;
      return is_between(damage.when) && may_lose(damage, write) && (is_silent || !only_silent);
    });
  }

  [[nodiscard]] bool may_lose(const Damage& damage, const Operation& write) const {
    // A fallback's hints are no owner's.
    if (write.is_hinted) return true;
    // What was not synced is in no copy of the disk.
    const bool is_kept = write.end < damage.since && write.durability == Durability::commit;
    if (is_kept || !damage.owned.contains(index_)) return false;
    return damage.keys.contains(index_) || write.end >= damage.when;
  }

  /// Of an interval bucket only if power was lost where, with the copies destroyed, all W may have
  /// been that acknowledged it: those that power took data from show nothing of such a bucket until
  /// they have it again.
  [[nodiscard]] bool may_power_take(const Operation& write, Instant by,
                                    std::uint32_t destroyed) const {
    if (write.durability == Durability::commit) return false;
    std::set<NodeIndex> dark;
    for (const auto& loss : history_.power_losses) {
      if (loss.when >= write.begin && loss.when <= by) dark.insert(loss.node);
    }
    const bool is_doubted = key_.bucket == interval_bucket && !write.is_hinted;
    if (!is_doubted || history_.is_loss_accepted) return !dark.empty();
    return dark.size() + destroyed >= write.quorum;
  }

  /// Began before the read ended, and may have been executed.
  [[nodiscard]] static bool may_be_seen(const Operation& write, const Operation& get) {
    return write.outcome != Outcome::refused && write.begin <= get.end;
  }

  /// Its value may have expired by some clock when the read looked.
  [[nodiscard]] bool may_have_expired(const Operation& put, const Operation& get) const {
    return put.time_to_live != Duration{0} &&
           (history_.has_wrong_clocks || put.begin + put.time_to_live - wall_step <= get.end);
  }

  /// It may be what shows nothing.
  [[nodiscard]] bool may_hide(const Operation& write, const Operation& get) const {
    return (write.kind == OperationKind::remove || may_have_expired(write, get)) &&
           may_be_seen(write, get);
  }

  /// By every clock, before the read began.
  [[nodiscard]] bool has_expired(const Operation& put, const Operation& get) const {
    return put.time_to_live != Duration{0} && !history_.has_wrong_clocks &&
           put.outcome == Outcome::done && put.end + put.time_to_live + wall_step < get.begin;
  }

  [[nodiscard]] std::optional<Violation> check_values(OperationIndex index) const {
    const auto& get = history_.operations[index];
    for (const auto value : get.values) {
      const auto& write = history_.operations[value];
      if (write.outcome == Outcome::refused) {
        return Violation{"refused means not executed",
                         text(history_, index) + " got the value of " + text(history_, value) +
                             ", which was refused: " + write.error};
      }
      if (!may_be_seen(write, get)) {
        return Violation{"invented", text(history_, index) + " got the value of " +
                                         text(history_, value) + " before it was sent"};
      }
      if (has_expired(write, get)) {
        return Violation{"expired means gone", text(history_, index) + " got the value of " +
                                                   text(history_, value) + ", which had expired"};
      }
      if (std::ranges::count(get.values, value) > 1) {
        return Violation{"invented", text(history_, index) + " got the value of " +
                                         text(history_, value) +
                                         " twice: one request has two dots"};
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Violation> check_siblings(OperationIndex index) const {
    const auto& get = history_.operations[index];
    WriteSet accounted = causality_.none();
    for (const auto value : get.values) {
      accounted.add(causality_.place(value));
      accounted.add(causality_.past(value));
    }
    // What a remove covers shows nothing, and what a value covers that has expired; that they were
    // executed at all is given the benefit of doubt.
    for (const auto write : causality_.writes()) {
      if (!may_hide(history_.operations[write], get)) continue;
      accounted.add(causality_.past(write));
      accounted.add(causality_.place(write));
    }
    for (const auto write : causality_.writes()) {
      const auto& operation = history_.operations[write];
      if (!is_promised(operation, get)) continue;
      if (!accounted.has(causality_.place(write))) {
        return Violation{"acknowledged means readable",
                         text(history_, index) + " with r=" + std::to_string(get.quorum) + " got" +
                             values_text(get) + ", which do not cover " + text(history_, write) +
                             ", acknowledged with w=" + std::to_string(operation.quorum)};
      }
      for (const auto value : get.values) {
        if (!causality_.past(write).has(causality_.place(value))) continue;
        return Violation{"replaced means gone", text(history_, index) + " got the value of " +
                                                    text(history_, value) + ", which " +
                                                    text(history_, write) + " had replaced"};
      }
    }
    return std::nullopt;
  }

  /// One value, or a removal, stands; it is none that an acknowledged write came after.
  [[nodiscard]] std::optional<Violation> check_lww(OperationIndex index) const {
    const auto& get = history_.operations[index];
    if (get.values.size() > 1) {
      return Violation{"one winner", text(history_, index) + " got" + values_text(get)};
    }
    for (const auto write : causality_.writes()) {
      const auto& operation = history_.operations[write];
      if (!is_promised(operation, get) || could_win(write, get)) continue;
      return Violation{"acknowledged means readable",
                       text(history_, index) + " got" + values_text(get) + ", not " +
                           text(history_, write) + " nor what could have replaced it"};
    }
    return std::nullopt;
  }

  /// What the get shows is the write itself or something that it did not come after.
  [[nodiscard]] bool could_win(OperationIndex write, const Operation& get) const {
    if (!get.values.empty()) return !beats(write, get.values.front());
    return std::ranges::any_of(causality_.writes(), [&](OperationIndex other) {
      return may_hide(history_.operations[other], get) && !beats(write, other);
    });
  }

  /// In an lww bucket: it came after the other, told by its context, or because every owner held
  /// the other already: then its timestamp is greater, whatever the clocks say.
  [[nodiscard]] bool beats(OperationIndex write, OperationIndex other) const {
    if (causality_.past(write).has(causality_.place(other))) return true;
    const auto& before = history_.operations[other];
    return before.outcome == Outcome::done && before.quorum == history_.owners &&
           !before.is_hinted && before.end < history_.operations[write].begin &&
           history_.damages.empty() && !may_power_take(before, Instant::max(), history_.owners);
  }

  const History& history_;
  const KeyIndex index_;
  const KeyHistory& key_;
  Causality causality_;
};

std::optional<Violation> check_key_bytes(Cluster& cluster, const KeyHistory& key) {
  const auto [partition, bytes] = cluster.place_of(key);
  std::optional<Result<std::optional<Bytes>>> first;
  for (const auto* node : cluster.sure_owners(partition)) {
    auto stored = node->store(partition).get(Space::records, bytes);
    if (!stored) {
      return Violation{"copies are equal",
                       node->name() + " cannot read " + name(key) + ": " + stored.error().message};
    }
    if (!first) {
      first = std::move(stored);
    } else if (**first != *stored) {
      return Violation{"copies are equal", "the owners of " + name(key) +
                                               " hold different records, " + node->name() +
                                               " among them"};
    }
  }
  return std::nullopt;
}

std::optional<Violation> check_tree(const SimNode& node, PartitionId partition,
                                    std::uint32_t partitions) {
  const auto& store = node.store(partition);
  TreeCell scanned;
  const KeyRange range = range_of(partition, partitions);
  const auto read =
      store.scan(Space::records, range.from, range.to, [&scanned](BytesView key, BytesView value) {
        scanned += TreeCell{.hash = stored_leaf_hash(key, value), .records = 1};
        return true;
      });
  const auto* tree = store.tree(partition);
  const TreeCell kept = tree == nullptr ? TreeCell{} : tree->root();
  if (read && kept == scanned) return std::nullopt;
  return Violation{"trees equal a rescan",
                   node.name() + ", partition " + std::to_string(partition.value) + ": " +
                       std::to_string(kept.records) + " records in the tree, " +
                       std::to_string(scanned.records) + " in the store" +
                       (kept.records == scanned.records ? ", their hashes differ" : "")};
}

}  // namespace

std::optional<Violation> check_history(const History& history) {
  for (const auto& operation : history.operations) {
    if (operation.kind != OperationKind::scan || operation.strange_values.empty()) continue;
    return Violation{"invented", "a scan at node " + std::to_string(operation.node.value) + ", " +
                                     seconds_text(operation.begin) + ", got " +
                                     operation.strange_values.front()};
  }
  for (KeyIndex key = 0; key < history.keys.size(); ++key) {
    if (auto bad = KeyCheck(history, key).run()) return bad;
  }
  return std::nullopt;
}

std::optional<Violation> check_refilled(Cluster& cluster) {
  const auto epoch = cluster.epoch();
  for (std::uint32_t p = 0; p < epoch->partitions(); ++p) {
    for (const auto* owner : cluster.owners(PartitionId{p})) {
      if (owner->is_sure(PartitionId{p})) continue;
      return Violation{
          "what lacks data is refilled",
          owner->name() + " holds its copy of partition " + std::to_string(p) + " for damaged"};
    }
  }
  return std::nullopt;
}

std::optional<Violation> check_doubts_ended(Cluster& cluster) {
  const auto epoch = cluster.epoch();
  for (std::uint32_t p = 0; p < epoch->partitions(); ++p) {
    for (const auto* owner : cluster.owners(PartitionId{p})) {
      if (!owner->is_in_doubt(PartitionId{p})) continue;
      return Violation{"doubt ends", owner->name() + " still doubts its copy of partition " +
                                         std::to_string(p) + " after a loss of power"};
    }
  }
  return std::nullopt;
}

std::optional<Violation> check_sure(Cluster& cluster, const History& history) {
  if (!history.damages.empty()) return std::nullopt;
  auto bad = check_refilled(cluster);
  if (bad) bad->oracle = "nothing is damaged by itself";
  return bad;
}

std::optional<Violation> check_copies(Cluster& cluster, const History& history) {
  for (const auto& key : history.keys) {
    if (auto bad = check_key_bytes(cluster, key)) return bad;
  }
  const auto epoch = cluster.epoch();
  for (const auto& node : cluster.nodes()) {
    if (node->is_gone() || history.wrong_trees.contains(node->index())) continue;
    for (const auto partition : epoch->partitions_of(node->id())) {
      if (auto bad = check_tree(*node, partition, epoch->partitions())) return bad;
    }
  }
  return std::nullopt;
}

std::optional<Violation> check_disks(Cluster& cluster) {
  const auto epoch = cluster.epoch();
  for (const auto& node : cluster.nodes()) {
    if (node->is_gone()) continue;
    for (const auto partition : epoch->partitions_of(node->id())) {
      const KeyRange range = range_of(partition, epoch->partitions());
      std::size_t bad = 0;
      const auto read = node->store(partition).scan(Space::records, range.from, range.to,
                                                    [&bad](BytesView key, BytesView value) {
                                                      if (stored_leaf_hash(key, value) == 0) ++bad;
                                                      return true;
                                                    });
      if (!read || bad > 0) {
        return Violation{"a scrub leaves nothing bad",
                         node->name() + ", partition " + std::to_string(partition.value) + ": " +
                             std::to_string(bad) + " records are bad"};
      }
      if (auto wrong = check_tree(*node, partition, epoch->partitions())) return wrong;
    }
  }
  return std::nullopt;
}

std::optional<Violation> check_purged(Cluster& cluster, const History& history) {
  // Of sloppy buckets nothing is purged until every member has answered, one that is gone, too.
  const bool waits_for_gone = cluster.is_sloppy() && history.wiped_at;
  for (const auto& key : history.keys) {
    const auto [partition, bytes] = cluster.place_of(key);
    const auto owners = cluster.sure_owners(partition);
    if (owners.size() < cluster.replicas() || waits_for_gone) continue;
    for (const auto* owner : owners) {
      const auto stored = owner->store(partition).get(Space::records, bytes);
      if (!stored || !*stored) continue;
      const auto record = decode_record(bytes, **stored);
      // nothing expires here: only what was deleted may go
      if (!record ||
          replica::purgeable(*record, key.resolver, WallTime{}) != wire::Purging::erase) {
        continue;
      }
      return Violation{"what was deleted is purged",
                       owner->name() + " still has a tombstone of " + key.partition_key};
    }
  }
  // the victim of such a fault may have been put back
  if (!history.damages.empty()) return std::nullopt;
  for (const auto& node : cluster.nodes()) {
    if (node->begun_anew() > 0) {
      return Violation{"nobody is taken for restored", node->name() + " was, and ended"};
    }
    for (std::uint16_t shard = 0; shard < node->shards(); ++shard) {
      if (node->status(ShardIndex{shard}).local.destroyed_copies == 0) continue;
      return Violation{"nobody is purged behind", node->name() + " was found behind a purge"};
    }
  }
  return std::nullopt;
}

}  // namespace coterie::sim
