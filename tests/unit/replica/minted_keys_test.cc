#include "node/replica/minted_keys.h"

#include <doctest/doctest.h>

using namespace coterie;
using replica::MintedKeys;

TEST_CASE("the last dot of a key is known to the actor that minted it, until it is forgotten") {
  MintedKeys keys(4);
  const ActorId actor{7};
  CHECK(keys.sequence("a", actor) == 0);
  keys.note("a", {.actor = actor, .sequence = 3});
  keys.note("a", {.actor = actor, .sequence = 5});
  CHECK(keys.sequence("a", actor) == 5);
  CHECK(keys.sequence("a", ActorId{8}) == 0);
  keys.forget("a");
  CHECK(keys.sequence("a", actor) == 0);
}

TEST_CASE("a key is never taken for another that has its place") {
  MintedKeys keys(1);
  keys.note("a", {.actor = ActorId{7}, .sequence = 3});
  CHECK(keys.sequence("b", ActorId{7}) == 0);
  keys.forget("b");
  CHECK(keys.sequence("a", ActorId{7}) == 3);
  keys.note("b", {.actor = ActorId{7}, .sequence = 4});
  CHECK(keys.sequence("a", ActorId{7}) == 0);
}
