#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "base/random.h"
#include "tests/unit/storage/version_world.h"

using namespace coterie;
using test::VersionWorld;

namespace {

constexpr std::size_t writes_most = 60;

enum class Fault : std::uint8_t { none, raw_clock, record_context, kept_actor };

void write_somewhere(VersionWorld& world, Random& random, Fault fault) {
  world.write(random.below(world.clients()), random.below(world.copies()),
              {.kind = random.chance(0.2) ? VersionWorld::Kind::remove : VersionWorld::Kind::put,
               .blind = random.chance(0.15),
               .clock = random.below(100),
               .gap = random.below(3),
               .ignores_floor = fault == Fault::raw_clock,
               .keeps_own_dot = fault == Fault::record_context});
}

void restore_somewhere(VersionWorld& world, Random& random, Fault fault) {
  const std::size_t copy = random.below(world.copies());
  const std::size_t message = random.below(world.messages() + 1);
  world.restore(copy, message < world.messages() ? &message : nullptr, fault == Fault::kept_actor);
}

/// The first violation in a history drawn from the seed; empty if there is none.
std::string run(std::uint64_t seed, Resolver resolver, Fault fault = Fault::none) {
  Random random(seed);
  VersionWorld world(resolver, 2 + random.below(4), 1 + random.below(4));
  const std::size_t writes = 1 + random.below(writes_most);
  // Histories differ in how much copies hear of one another.
  const double quiet = random.unit();
  while (world.writes() < writes) {
    const double draw = random.unit();
    if (draw < 0.25 || world.messages() == 0) {
      write_somewhere(world, random, fault);
    } else if (draw < 0.45) {
      const std::size_t copy = random.below(world.copies());
      world.read(random.below(world.clients()), copy,
                 random.chance(0.5) ? copy : random.below(world.copies()));
    } else if (draw < 0.47) {
      restore_somewhere(world, random, fault);
    } else if (random.chance(quiet)) {
      continue;
    } else if (draw < 0.8) {
      world.deliver(random.below(world.messages()), random.below(world.copies()));
    } else {
      world.exchange(random.below(world.copies()), random.below(world.copies()));
    }
    std::string wrong = world.violation(random.next());
    for (int i = 0; i < 2 && wrong.empty() && world.messages() > 0; ++i) {
      const std::size_t sent = world.messages();
      wrong = world.law_violation(random.below(sent), random.below(sent), random.below(sent));
    }
    if (!wrong.empty()) return wrong + " after " + std::to_string(world.writes()) + " writes";
  }
  return {};
}

/// Sanitizers slow them down tenfold and see no more in most of them.
std::uint64_t histories() {
  const char* scale = std::getenv("COTERIE_TEST_SCALE");
  return scale != nullptr && std::string(scale) == "small" ? 50 : 150;
}

/// How many of the histories see what is wrong with the fault.
std::uint64_t seen(Resolver resolver, Fault fault) {
  std::uint64_t count = 0;
  for (std::uint64_t seed = 1; seed <= histories(); ++seed) {
    if (!run(seed, resolver, fault).empty()) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("random histories lose no sibling and invent none, and sync keeps its laws") {
  for (const Resolver resolver : {Resolver::siblings, Resolver::lww}) {
    for (std::uint64_t seed = 1; seed <= histories(); ++seed) {
      INFO("seed ", seed, ", resolver ", static_cast<int>(resolver));
      CHECK(run(seed, resolver) == "");
    }
  }
}

TEST_CASE("the histories see what breaks a rule") {
  CHECK(seen(Resolver::lww, Fault::raw_clock) > histories() / 2);
  CHECK(seen(Resolver::siblings, Fault::record_context) > histories() / 2);
  CHECK(seen(Resolver::siblings, Fault::kept_actor) > histories() / 4);
  CHECK(seen(Resolver::lww, Fault::kept_actor) > histories() / 4);
}
