#include "node/admin/verdict.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <set>

#include "base/limits.h"

namespace coterie::admin {
namespace {

std::string number(std::uint64_t value, const char* thing) {
  return std::to_string(value) + " " + thing + (value == 1 ? "" : "s");
}

std::string title(const MemberFacts& member) {
  return "node " + short_name(member.node) + " (zone " + member.zone + ")";
}

/// What the absence of nodes means for requests.
std::string consequence(const Availability& now) {
  if (now.without_quorum > 0) {
    return number(now.without_quorum, "partition") + " of " + std::to_string(now.partitions) +
           " without quorum: their reads and writes are refused";
  }
  const std::string kept =
      "all " + std::to_string(now.partitions) + " partitions keep their quorum";
  if (now.nodes_may_fail == 0) return kept + ", but no further node may fail";
  return kept + ", " + number(now.nodes_may_fail, "more node") + " may fail";
}

void judge_member(const MemberFacts& member, const Availability& now, std::vector<Problem>& out) {
  const Level level = now.without_quorum > 0 ? Level::critical : Level::degraded;
  const std::string then = "; " + consequence(now) + "; ";
  if (member.is_removed) {
    out.push_back({level,
                   "node_removed",
                   title(member) + " is being removed for dead" + then +
                       "do not start it again; cluster-admin transfers shows how far it is",
                   {}});
    return;
  }
  switch (member.sight) {
    case Sight::alive:
      return;
    case Sight::suspect:
      out.push_back({level,
                     "node_suspect",
                     title(member) + " does not answer probes" + then +
                         "it is declared dead within seconds unless it answers",
                     {}});
      return;
    case Sight::dead:
      out.push_back({level,
                     "node_dead",
                     title(member) + " is dead" + then + "start coterie-node there again",
                     {}});
      return;
    case Sight::left:
      out.push_back({level,
                     "node_stopped",
                     title(member) + " was stopped" + then + "start coterie-node there again",
                     {}});
      return;
    case Sight::unheard:
      out.push_back({level,
                     "node_unheard",
                     title(member) + " has not been heard of since this node started" + then +
                         "start it, or check the network between the gossip doors",
                     {}});
      return;
  }
}

void judge_epochs(const Facts& facts, std::vector<Problem>& out) {
  for (const auto& member : facts.members) {
    const bool is_known = member.sight == Sight::alive && member.epoch != EpochNumber{};
    if (!is_known || member.epoch == facts.epoch->number()) continue;
    const bool is_behind = member.epoch < facts.epoch->number();
    out.push_back({Level::degraded,
                   "epoch_differs",
                   title(member) + " is at epoch " + std::to_string(member.epoch.lineage) + "." +
                       std::to_string(member.epoch.number) + ", this node at " +
                       std::to_string(facts.epoch->number().lineage) + "." +
                       std::to_string(facts.epoch->number().number) + "; " +
                       (is_behind ? "it" : "this node") +
                       " fetches what it lacks; look again in a few seconds",
                   {}});
  }
}

void judge_shard(const Facts& facts, const ShardFacts& shard, std::vector<Problem>& out) {
  const std::string which =
      "node " + short_name(facts.self) + ", shard " + std::to_string(shard.shard) + ": ";
  if (shard.store == ShardFacts::Store::stopped) {
    out.push_back({Level::critical, "store_stopped",
                   which + "the disk failed (" + shard.reason +
                       "); nothing of it is served; see to the disk, then restart the node",
                   facts.self});
  } else if (shard.store == ShardFacts::Store::read_only) {
    out.push_back(
        {Level::degraded, "store_read_only",
         which + "takes no writes (" + shard.reason + "); free disk space, it clears by itself",
         facts.self});
  } else if (shard.is_behind) {
    out.push_back({Level::degraded, "store_behind",
                   which + "checkpoints have fallen behind, puts are slowed; the disk is too slow "
                           "for the load",
                   facts.self});
  }
  if (shard.unsure_copies > 0) {
    const bool is_one = shard.unsure_copies == 1;
    out.push_back({Level::degraded, "copies_unsure",
                   which + std::to_string(shard.unsure_copies) + " damaged partition cop" +
                       (is_one ? "y counts" : "ies count") +
                       " to no quorum until refilled; see the log for what was damaged",
                   facts.self});
  }
  if (shard.copies_in_doubt > 0) {
    const bool is_one = shard.copies_in_doubt == 1;
    out.push_back({Level::degraded, "copies_in_doubt",
                   which + "the machine was started anew while the node ran, and " +
                       std::to_string(shard.copies_in_doubt) + " partition cop" +
                       (is_one ? "y answers" : "ies answer") +
                       " no reads of interval buckets until compared with the other owners'; start "
                       "those that are away",
                   facts.self});
  }
}

void judge_scrub(const Facts& facts, const ShardFacts& shard, std::vector<Problem>& out) {
  const std::string which =
      "node " + short_name(facts.self) + ", shard " + std::to_string(shard.shard) + ": ";
  if (shard.damaged_records > 0) {
    const bool is_one = shard.damaged_records == 1;
    out.push_back({Level::degraded, "records_damaged",
                   which + number(shard.damaged_records, "record") + " with a bad checksum wait" +
                       (is_one ? "s" : "") +
                       " to be refilled from other owners, which serve the reads until then; start "
                       "those that are away, and check this node's disk",
                   facts.self});
  }
  if (shard.unreadable > 0) {
    out.push_back({Level::degraded, "table_unreadable",
                   which + number(shard.unreadable, "range") + " of keys of its table on disk " +
                       "cannot be read (" + shard.scrub_trouble +
                       "); other owners serve them; see docs/operations.md, \"A damaged table\"",
                   facts.self});
  }
}

void judge_self(const Facts& facts, std::vector<Problem>& out) {
  if (facts.shards.size() < facts.shards_expected) {
    out.push_back({Level::degraded, "shards_silent",
                   "node " + short_name(facts.self) + ": " +
                       std::to_string(facts.shards_expected - facts.shards.size()) + " of " +
                       number(facts.shards_expected, "shard") +
                       " did not answer: recovering, or overloaded",
                   facts.self});
  }
  for (const auto& shard : facts.shards) {
    judge_shard(facts, shard, out);
    judge_scrub(facts, shard, out);
  }
}

void judge_clock(const Facts& facts, std::vector<Problem>& out) {
  const auto& clock = facts.clock;
  const std::string who = "node " + short_name(facts.self);
  const std::string bound =
      std::to_string(std::chrono::milliseconds(limits::max_clock_skew).count()) + " ms";
  if (clock.is_clamped) {
    out.push_back({Level::degraded, "clock_clamped",
                   who + "'s clock is " + std::to_string(std::abs(clock.ahead_ms)) + " ms " +
                       (clock.ahead_ms > 0 ? "ahead of" : "behind") +
                       " the median of the cluster's: its timestamps are held to within " + bound +
                       " of it; set its clock by NTP",
                   facts.self});
  } else if (clock.disputed_by_ms > 0) {
    out.push_back({Level::degraded, "clocks_disputed",
                   who + " sees clocks " + std::to_string(clock.disputed_by_ms) +
                       " ms apart and no majority that agrees within " + bound +
                       ": no clock can be held to another; set all by NTP",
                   facts.self});
  }
}

std::string all_is_well(const Availability& now) {
  std::string text = "all is well";
  if (now.nodes_may_fail > 0) text += ": any " + number(now.nodes_may_fail, "node") + " may fail";
  return text;
}

}  // namespace

const char* name(Sight sight) {
  switch (sight) {
    case Sight::alive:
      return "alive";
    case Sight::suspect:
      return "suspect";
    case Sight::dead:
      return "dead";
    case Sight::left:
      return "left";
    case Sight::unheard:
      break;
  }
  return "unheard";
}

const char* name(Level level) {
  switch (level) {
    case Level::ok:
      return "ok";
    case Level::degraded:
      return "degraded";
    case Level::forming:
      return "forming";
    case Level::critical:
      break;
  }
  return "critical";
}

Verdict judge(const Facts& facts) {
  Verdict out;
  if (facts.epoch == nullptr) {
    for (const auto& blocker : facts.blockers) {
      out.problems.push_back({Level::forming, "forming", blocker, {}});
    }
    out.level = Level::forming;
    out.text = facts.blockers.empty() ? "the cluster is forming" : facts.blockers.front();
    return out;
  }
  if (!facts.blockers.empty() || facts.epoch->member(facts.self) == nullptr) {
    // It is no member: how the cluster does is for members to say.
    out.text = facts.blockers.empty() ? "node " + short_name(facts.self) +
                                            " is no member of the cluster, and serves nothing of it"
                                      : facts.blockers.front();
    out.problems.push_back({Level::degraded, "not_a_member", out.text, facts.self});
    out.level = Level::degraded;
    return out;
  }
  std::set<NodeId> reachable;
  for (const auto& member : facts.members) {
    if (member.sight == Sight::alive) reachable.insert(member.node);
  }
  out.availability = availability_of(*facts.epoch, reachable);
  for (const auto& member : facts.members) judge_member(member, out.availability, out.problems);
  judge_self(facts, out.problems);
  judge_clock(facts, out.problems);
  judge_epochs(facts, out.problems);
  std::ranges::stable_sort(out.problems, std::ranges::greater{}, &Problem::level);
  if (out.problems.empty()) {
    out.text = all_is_well(out.availability);
    return out;
  }
  out.level = out.problems.front().level;
  out.text = out.problems.front().text;
  if (out.problems.size() > 1)
    out.text += " (and " + number(out.problems.size() - 1, "more problem") + ")";
  return out;
}

}  // namespace coterie::admin
