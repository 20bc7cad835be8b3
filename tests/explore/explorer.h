#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"

namespace coterie::explore {

struct Explored {
  std::size_t states = 0;
  std::size_t depth = 0;  // actions on the longest of the shortest ways to a state
  double seconds = 0;
  /// The first wrong state, and the fewest actions that lead to it, a line each; empty: there is
  /// none.
  std::string violation;
};

/// What can be explored. The same fingerprint: the same future. `violation` says what is wrong with
/// the state; empty: nothing.
template <class World>
concept Explorable = std::copyable<World> && requires(World world, const World& fixed) {
  { fixed.fingerprint() } -> std::same_as<Bytes>;
  { fixed.violation() } -> std::same_as<std::string>;
  world.perform(fixed.actions().front());
  { describe(fixed.actions().front()) } -> std::same_as<std::string>;
};

/// Walks every state that any order of a world's actions leads to, breadth first, each looked at
/// once.
template <Explorable World>
class Explorer {
 public:
  explicit Explorer(World first) : first_(std::move(first)) {}

  Explored run() {
    const auto began = std::chrono::steady_clock::now();
    visit(first_, nothing, {});
    while (!next_.empty() && out_.violation.empty()) {
      layer_ = std::exchange(next_, {});
      for (const auto& open : layer_) {
        expand(open);
        if (!out_.violation.empty()) break;
      }
      if (!next_.empty()) ++out_.depth;
    }
    out_.states = ways_.size();
    out_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return out_;
  }

 private:
  static constexpr std::uint32_t nothing = UINT32_MAX;

  /// How a state was first reached.
  struct Way {
    std::uint32_t from = nothing;
    std::uint16_t action = 0;  // its place among the actions there
  };
  struct Open {
    World world;
    std::uint32_t state = 0;
  };

  void visit(World world, std::uint32_t from, std::uint16_t action) {
    if (!seen_.insert(hash64(world.fingerprint())).second) return;
    const auto state = static_cast<std::uint32_t>(ways_.size());
    ways_.push_back({.from = from, .action = action});
    if (const auto wrong = world.violation(); !wrong.empty()) {
      out_.violation = wrong + story(state);
    }
    next_.push_back({.world = std::move(world), .state = state});
  }

  void expand(const Open& open) {
    const auto actions = open.world.actions();
    for (std::size_t i = 0; i < actions.size() && out_.violation.empty(); ++i) {
      World world = open.world;
      world.perform(actions[i]);
      visit(std::move(world), open.state, static_cast<std::uint16_t>(i));
    }
  }

  [[nodiscard]] std::string story(std::uint32_t state) {
    std::vector<std::uint16_t> taken;
    for (; ways_[state].from != nothing; state = ways_[state].from) {
      taken.push_back(ways_[state].action);
    }
    std::ranges::reverse(taken);
    std::string out;
    World world = first_;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      const auto action = world.actions()[taken[i]];
      out += "\n  " + std::to_string(i + 1) + ". " + describe(action);
      world.perform(action);
    }
    return out;
  }

  World first_;
  Explored out_;
  std::vector<Open> layer_;
  std::vector<Open> next_;
  std::vector<Way> ways_;
  std::unordered_set<std::uint64_t> seen_;
};

}  // namespace coterie::explore
