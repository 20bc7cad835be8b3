#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "base/limits.h"
#include "tests/unit/storage/rig.h"

namespace coterie {

TEST_CASE("what waits for a sync gathers while one is under way") {
  Rig rig;
  rig.open();
  rig.put(1, 1);
  rig.store->request_sync();
  rig.store->flush();
  for (std::uint64_t i = 2; i <= 5; ++i) rig.put(i, i);
  rig.store->request_sync();
  rig.store->flush();
  CHECK(rig.store->written().value == 1);  // one write for all that the next sync is for
  CHECK(rig.commit.run());
  CHECK(!rig.commit.run());  // the second waits for the news of the first
  CHECK(rig.commit.tell());
  CHECK(rig.store->synced().value == 1);
  CHECK(rig.store->written().value == 5);
  CHECK(rig.commit.run());
  CHECK(rig.commit.tell());
  CHECK(rig.store->synced().value == 5);
  CHECK(rig.store->status().syncs == 2);

  // a batch holds at most batch_writes and is written when it is full
  for (std::uint64_t i = 0; i < 20; ++i) rig.put(i, 10 + i);
  CHECK(rig.store->written().value == 5 + 2 * rig.options.batch_writes);
  rig.store->request_sync();
  rig.settle();
  CHECK(rig.store->synced().value == 25);
  CHECK(rig.store->status().syncs == 3);
}

TEST_CASE("while writes block, the commit thread does them") {
  Rig rig;
  rig.open();
  rig.disk.set_on_write([&]() { rig.timers.block(std::chrono::milliseconds(50)); });
  const auto first = rig.put(1, 1);
  rig.store->flush();
  CHECK(rig.store->written() == first);  // nobody knew
  const auto second = rig.put(2, 2);
  rig.store->flush();
  CHECK(rig.store->written() == first);
  rig.put(3, 3);
  rig.store->flush();
  CHECK(rig.commit.run());
  CHECK(rig.commit.tell());
  CHECK(rig.store->written() == second);
  CHECK(rig.commit.run());
  CHECK(rig.commit.tell());
  CHECK(rig.store->written() == rig.store->last());

  rig.disk.set_on_write({});
  rig.settle();
  rig.timers.block(limits::slow_log_pause);
  const auto later = rig.put(4, 4);
  rig.store->flush();
  CHECK(rig.store->written() == later);
}

TEST_CASE("the end of a turn writes what nobody wants synced, and wakes no thread") {
  Rig rig;
  rig.open();
  int news = 0;
  rig.store->set_progress_handler([&]() { ++news; });
  const auto first = rig.put(1, 1);
  CHECK(rig.store->written() < first);
  rig.store->flush();
  CHECK(rig.store->written() == first);
  CHECK(news == 1);
  rig.store->flush();
  CHECK(news == 1);
  CHECK(!rig.commit.run());

  // a sync under way holds up no write, and covers only what had been written when it was begun
  rig.store->request_sync();
  rig.store->flush();
  CHECK(rig.commit.run());
  const auto second = rig.put(2, 2);
  rig.store->flush();
  CHECK(rig.store->written() == second);
  CHECK(rig.commit.tell());
  CHECK(rig.store->synced() == first);
  Random random(1);
  rig.lose_power(random, 0.0);
  rig.open();
  CHECK(everything(*rig.store, Space::records).size() == 1);
  CHECK(rig.store->status().damaged.empty());
}

TEST_CASE("what was written before a batch that finds no room is synced all the same") {
  Rig rig;
  rig.options.overlay_records = 1000000;
  rig.open();
  rig.disk.set_capacity(0);
  const auto first = rig.put(1, 1);
  rig.store->flush();
  CHECK(rig.store->written() == first);
  rig.put(2, 1, std::string(9000, 'v'));
  rig.store->flush();
  CHECK(rig.commit.run());
  CHECK(rig.commit.tell());
  CHECK(rig.store->written() == first);
  CHECK(rig.store->status().state == StoreState::read_only);
  rig.store->request_sync();
  rig.settle();
  CHECK(rig.store->synced() == first);
  rig.disk.set_capacity(UINT64_MAX);
  rig.timers.advance(rig.options.full_retry);
  rig.settle();
  CHECK(rig.store->synced() == rig.store->last());
}

}  // namespace coterie
