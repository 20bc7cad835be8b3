#include "tests/explore/stages/world.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <utility>

#include "base/codec.h"

namespace coterie::explore::stages {
namespace {

using transition::Configuration;
using transition::Evidence;
using transition::may_serve_stream;
using transition::passes_fence;
using transition::Quorum;
using transition::Step;

#ifdef COTERIE_PLANT_INFERRED_CUT_OVER  // defined only where a test must see it
constexpr bool infers_cut_over = true;
#else
constexpr bool infers_cut_over = false;
#endif

constexpr std::array<std::string_view, 9> act_names = {
    "propose", "hears of the newest entry", "syncs its fence", "crashes and starts", "takes",
    "gives",   "deletes its copy",          "write begins",    "takes the write"};
constexpr std::array<std::string_view, 4> step_names = {"cut-over", "finish", "abort",
                                                        "the abort's end"};

std::vector<NodeId> ids_of(std::uint8_t mask) {
  std::vector<NodeId> out;
  for (std::size_t i = 0; i < nodes_most; ++i) {
    if ((mask & (1U << i)) != 0) out.push_back(id_of(i));
  }
  return out;
}

std::size_t count_in(const std::vector<NodeId>& group, std::uint8_t mask) {
  return static_cast<std::size_t>(
      std::ranges::count_if(group, [mask](NodeId node) { return (mask & (1U << node.low)) != 0; }));
}

}  // namespace

std::string describe(const Action& action) {
  const auto node = std::to_string(action.node);
  const auto other = std::to_string(action.other);
  switch (action.act) {
    case Act::propose:
      return action.other == versions ? "open is decided"
                                      : std::string(step_names[action.other]) + " is decided";
    case Act::take:
      return "node " + other + " sends its copy to node " + node;
    case Act::give:
      return "node " + node + " takes the copy of node " + other;
    case Act::begin_write:
      return "a write begins under configuration " + node;
    default:
      return "node " + node + " " + std::string(act_names[static_cast<std::size_t>(action.act)]);
  }
}

Configuration World::configuration(std::uint8_t version) const {
  const Stage stage = stages_[version];
  Configuration out{.number = ConfigurationNumber{version}, .stage = stage};
  if (stage != Stage::stable) {
    out.old_owners = scope_->from;
    out.new_owners = scope_->to;
  } else {
    out.old_owners = version == 0 || is_aborted_ ? scope_->from : scope_->to;
  }
  return out;
}

Evidence World::evidence() const {
  Evidence out;
  for (std::size_t i = 0; i < nodes_most; ++i) {
    if (nodes_[i].fenced == newest()) out.fenced.push_back(id_of(i));
    for (std::size_t to = 0; to < nodes_most; ++to) {
      if (!streams_[i][to].is_given) continue;
      out.covered.push_back({.new_owner = id_of(to), .source = id_of(i)});
    }
  }
  return out;
}

bool World::may(Step step) const {
  if (stage() == Stage::stable) return false;
  return missing_for(step, configuration(newest()), evidence(), scope_->smallest).is_nothing();
}

bool World::is_owner(std::size_t node) const {
  return std::ranges::count(scope_->from, id_of(node)) != 0 ||
         std::ranges::count(scope_->to, id_of(node)) != 0;
}

std::vector<Action> World::actions() const {
  std::vector<Action> out;
  add_steps(out);
  add_nodes(out);
  if (stage() == Stage::open) add_streams(out);
  add_write(out);
  return out;
}

void World::add_steps(std::vector<Action>& out) const {
  if (stages_.size() == 1) out.push_back({.act = Act::propose, .other = versions});
  for (const Step step : {Step::cut_over, Step::finish, Step::abort, Step::end_abort}) {
    if (step == Step::abort && !scope_->has_abort) continue;
    if (may(step)) out.push_back({.act = Act::propose, .other = std::to_underlying(step)});
  }
}

void World::add_nodes(std::vector<Action>& out) const {
  for (std::uint8_t i = 0; i < nodes_most; ++i) {
    if (!is_owner(i)) continue;
    const Node& node = nodes_[i];
    // It may hear of any entry, also of one that is not the newest any more.
    for (std::uint8_t version = node.heard + 1; version <= newest(); ++version) {
      out.push_back({.act = Act::hear, .node = i, .other = version});
    }
    if (node.heard > node.fenced) {
      out.push_back({.act = Act::sync, .node = i});
      out.push_back({.act = Act::crash, .node = i});
    }
    const bool may_erase =
        !node.is_erased && node.fenced > 0 && may_delete_copy(configuration(node.fenced), id_of(i));
    if (may_erase) out.push_back({.act = Act::erase, .node = i});
  }
}

void World::add_streams(std::vector<Action>& out) const {
  constexpr ConfigurationNumber opened{1};
  for (const NodeId source_id : scope_->from) {
    for (const NodeId to_id : scope_->to) {
      if (std::ranges::count(scope_->from, to_id) != 0) continue;
      const auto source = static_cast<std::uint8_t>(source_id.low);
      const auto to = static_cast<std::uint8_t>(to_id.low);
      const Stream& stream = streams_[source][to];
      const Node& node = nodes_[source];
      const bool is_taken = node.has_write ? stream.is_write_taken : stream.is_empty_taken;
      if (!is_taken && may_serve_stream(ConfigurationNumber{node.fenced}, opened)) {
        out.push_back({.act = Act::take, .node = to, .other = source});
      }
      const bool is_on_its_way = stream.is_empty_taken || stream.is_write_taken;
      if (is_on_its_way && !stream.is_given) {
        out.push_back({.act = Act::give, .node = to, .other = source});
      }
    }
  }
}

void World::add_write(std::vector<Action>& out) const {
  if (write_version_ == versions) {
    for (std::uint8_t version = 0; version <= newest(); ++version) {
      out.push_back({.act = Act::begin_write, .node = version});
    }
    return;
  }
  // What reaches more owners later can only help.
  if (is_acknowledged_) return;
  const auto quorum = Quorum::of_write(configuration(write_version_), scope_->w);
  const auto targets = quorum.targets();
  for (std::uint8_t i = 0; i < nodes_most; ++i) {
    const Node& node = nodes_[i];
    const bool is_target = std::ranges::count(targets, id_of(i)) != 0;
    const bool is_taken = (holders_ & (1U << i)) != 0;
    const bool passes =
        passes_fence(ConfigurationNumber{node.heard}, ConfigurationNumber{write_version_});
    if (is_target && !is_taken && passes && !node.is_erased) {
      out.push_back({.act = Act::write, .node = i});
    }
  }
}

void World::perform(const Action& action) {
  Node& node = nodes_[action.node];
  switch (action.act) {
    case Act::propose:
      if (action.other == versions) {
        stages_.push_back(Stage::open);
      } else {
        propose(static_cast<Step>(action.other));
      }
      break;
    case Act::hear:
      node.heard = action.other;
      if (!scope_->has_crashes) node.fenced = node.heard;
      break;
    case Act::sync:
      node.fenced = node.heard;
      break;
    case Act::crash:
      node.heard = node.fenced;
      break;
    case Act::take: {
      Stream& stream = streams_[action.other][action.node];
      (nodes_[action.other].has_write ? stream.is_write_taken : stream.is_empty_taken) = true;
      break;
    }
    case Act::give: {
      // Of two on their way, the older one is the worse.
      Stream& stream = streams_[action.other][action.node];
      stream.is_given = true;
      if (!stream.is_empty_taken) node.has_write = true;
      break;
    }
    case Act::erase:
      node.is_erased = true;
      node.has_write = false;
      break;
    case Act::begin_write:
      write_version_ = action.node;
      break;
    case Act::write:
      write_to(action.node);
      break;
  }
  if (stage() == Stage::open && may(Step::cut_over)) was_covered_ = true;
}

void World::propose(Step step) {
  switch (step) {
    case Step::cut_over:
      stages_.push_back(Stage::cut_over);
      break;
    case Step::abort:
      stages_.push_back(Stage::aborting);
      break;
    case Step::finish:
      stages_.push_back(Stage::stable);
      break;
    case Step::end_abort:
      stages_.push_back(Stage::stable);
      is_aborted_ = true;
      break;
  }
  // No stream matters from here on.
  streams_ = {};
}

void World::write_to(std::size_t node) {
  nodes_[node].has_write = true;
  holders_ = static_cast<std::uint8_t>(holders_ | (1U << node));
  const auto quorum = Quorum::of_write(configuration(write_version_), scope_->w);
  is_acknowledged_ = quorum.is_reached(ids_of(holders_));
}

Bytes World::fingerprint() const {
  Bytes out;
  ByteWriter writer(out);
  for (const Stage one : stages_) writer.u8(std::to_underlying(one));
  writer.u8(is_aborted_ ? UINT8_MAX : UINT8_MAX - 1);
  for (const Node& node : nodes_) {
    writer.u8(static_cast<std::uint8_t>(node.fenced | (node.heard << 2U) |
                                        (node.has_write ? 16 : 0) | (node.is_erased ? 32 : 0)));
  }
  for (const auto& row : streams_) {
    for (const Stream& stream : row) {
      writer.u8(static_cast<std::uint8_t>((stream.is_empty_taken ? 1 : 0) |
                                          (stream.is_write_taken ? 2 : 0) |
                                          (stream.is_given ? 4 : 0)));
    }
  }
  writer.u8(write_version_);
  writer.u8(is_acknowledged_ ? UINT8_MAX : holders_);
  writer.u8(was_covered_ && infers_cut_over ? 1 : 0);
  return out;
}

std::string World::violation() const {
  const bool is_joint_write = write_version_ == 1 || write_version_ == 2;
  if (is_joint_write && !is_acknowledged_ && count_in(scope_->from, holders_) >= scope_->w &&
      count_in(scope_->to, holders_) >= scope_->w) {
    return "W of the old and W of the new owners hold a write, and it is not acknowledged";
  }
  for (const NodeId owner : Quorum::of_write(configuration(newest()), scope_->w).targets()) {
    if (nodes_[owner.low].is_erased) return "an owner that writes still count has deleted its copy";
  }
  if (!is_acknowledged_) return {};
  for (std::uint8_t version = 0; version <= newest(); ++version) {
    if (auto wrong = read_violation(configuration(version)); !wrong.empty()) return wrong;
  }
  if (infers_cut_over && was_covered_) {
    Configuration inferred = configuration(1);
    inferred.number = ConfigurationNumber{2};
    inferred.stage = Stage::cut_over;
    return read_violation(inferred);
  }
  return {};
}

/// The owners that take a read of this configuration now, or would after a crash, and have not got
/// the write: no quorum of them.
std::string World::read_violation(const Configuration& configuration) const {
  std::vector<NodeId> without;
  for (std::size_t i = 0; i < nodes_most; ++i) {
    const Node& node = nodes_[i];
    const bool passes = passes_fence(ConfigurationNumber{node.fenced}, configuration.number);
    if (passes && !node.is_erased && !node.has_write) without.push_back(id_of(i));
  }
  const auto quorum = Quorum::of_read(configuration, scope_->r);
  if (!quorum.is_reached(without)) return {};
  return "the acknowledged write is not read under configuration " +
         std::to_string(configuration.number.value);
}

}  // namespace coterie::explore::stages
