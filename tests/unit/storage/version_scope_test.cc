#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "tests/unit/storage/version_world.h"

using namespace coterie;
using test::VersionWorld;

namespace {

struct Scope {
  Resolver resolver = Resolver::siblings;
  std::size_t copies = 2;
  std::size_t clients = 2;
  std::size_t writes = 2;
  std::size_t restores = 0;
  bool ignores_floor = false;
};

struct Explored {
  std::size_t states = 0;
  std::string violation;
};

/// Every state that any order of the scope's events leads to, each looked at once.
class Explorer {
 public:
  explicit Explorer(const Scope& scope) : scope_(scope) {}

  Explored run() {
    visit(VersionWorld(scope_.resolver, scope_.copies, scope_.clients), true);
    while (!open_.empty() && out_.violation.empty()) {
      const VersionWorld world = std::move(open_.back());
      open_.pop_back();
      expand(world);
    }
    return out_;
  }

 private:
  void visit(VersionWorld world, bool changed_records) {
    if (!seen_.insert(hash64(world.fingerprint())).second) return;
    ++out_.states;
    if (changed_records) out_.violation = world.violation(out_.states);
    open_.push_back(std::move(world));
  }

  /// Over every three records sent, of which the last is new.
  void look_at_laws(const VersionWorld& world) {
    const std::size_t sent = world.messages();
    for (std::size_t a = 0; a < sent; ++a) {
      for (std::size_t b = 0; b < sent && out_.violation.empty(); ++b) {
        out_.violation = world.law_violation(a, b, sent - 1);
        if (out_.violation.empty()) out_.violation = world.law_violation(sent - 1, a, b);
      }
    }
  }

  void after(const VersionWorld& before, const std::function<void(VersionWorld&)>& event,
             bool changes_records = true) {
    if (!out_.violation.empty()) return;
    VersionWorld world = before;
    event(world);
    if (out_.violation.empty()) visit(std::move(world), changes_records);
  }

  void expand(const VersionWorld& at) {
    if (at.writes() == 0) {
      // Nothing else changes anything yet, and clients are alike.
      for (std::size_t copy = 0; copy < scope_.copies; ++copy) expand_writes(at, 0, copy);
      return;
    }
    for (std::size_t copy = 0; copy < scope_.copies; ++copy) {
      for (std::size_t client = 0; client < scope_.clients; ++client) {
        after(
            at, [&](VersionWorld& world) { world.read(client, copy, copy); }, false);
        if (at.writes() < scope_.writes) expand_writes(at, client, copy);
      }
      for (std::size_t other = 0; other < scope_.copies; ++other) {
        if (other != copy) after(at, [&](VersionWorld& world) { world.exchange(copy, other); });
      }
      for (std::size_t message = 0; message < at.messages(); ++message) {
        after(at, [&](VersionWorld& world) { world.deliver(message, copy); });
      }
      if (at.restores() < scope_.restores) {
        after(at, [&](VersionWorld& world) { world.restore(copy, nullptr); });
      }
    }
  }

  void expand_writes(const VersionWorld& at, std::size_t client, std::size_t copy) {
    // Two clocks that may stand far apart, and only matter where timestamps decide.
    const std::vector<std::uint64_t> clocks = scope_.resolver == Resolver::lww
                                                  ? std::vector<std::uint64_t>{1, 9}
                                                  : std::vector<std::uint64_t>{1};
    for (const auto kind : {VersionWorld::Kind::put, VersionWorld::Kind::remove}) {
      for (const std::uint64_t clock : clocks) {
        after(at, [&](VersionWorld& world) {
          world.write(client, copy,
                      {.kind = kind, .clock = clock, .ignores_floor = scope_.ignores_floor});
          look_at_laws(world);
        });
      }
    }
  }

  Scope scope_;
  Explored out_;
  std::vector<VersionWorld> open_;
  std::unordered_set<std::uint64_t> seen_;
};

constexpr auto lww = Resolver::lww;

/// How much ./check asks a test to do.
std::string scale() {
  const char* text = std::getenv("COTERIE_TEST_SCALE");
  return text != nullptr ? text : "normal";
}

void explore(const std::string& name, const Scope& scope) {
  const Explored explored = Explorer(scope).run();
  MESSAGE(name << ": " << explored.states << " states");
  CHECK(explored.violation == "");
}

}  // namespace

TEST_CASE("every order of a small scope keeps the rules") {
  // Sanitizers slow it down tenfold and see no more in it.
  if (scale() != "small") explore("siblings, 3 copies, 2 writes", {.copies = 3});
  explore("siblings, 2 copies, 2 writes, 1 restore", {.restores = 1});
  explore("lww, 2 copies, 2 writes", {.resolver = lww});
}

TEST_CASE("every order of a wider scope keeps the rules") {
  // Sanitizers slow it down tenfold and see no more in it.
  if (scale() == "small") return;
  explore("siblings, 2 copies, 3 writes", {.writes = 3});
  explore("lww, 3 copies, 2 writes", {.resolver = lww, .copies = 3});
  explore("lww, 2 copies, 2 writes, 1 restore", {.resolver = lww, .restores = 1});
}

TEST_CASE("every order of a wide scope keeps the rules") {
  if (scale() != "long") return;
  explore("siblings, 2 copies, 3 writes, 1 restore", {.writes = 3, .restores = 1});
  explore("lww, 2 copies, 3 writes, 1 client", {.resolver = lww, .clients = 1, .writes = 3});
  explore("siblings, 3 copies, 3 writes, 1 client", {.copies = 3, .clients = 1, .writes = 3});
}

TEST_CASE("raw clocks in an lww bucket are found to merge to nothing") {
  const Explored explored = Explorer({.resolver = lww, .writes = 3, .ignores_floor = true}).run();
  CHECK(explored.violation != "");
}
