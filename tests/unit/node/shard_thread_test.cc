#include "node/shard_thread.h"

#include <doctest/doctest.h>

#include <future>

#include "tests/unit/node/shard_world.h"
#include "tests/unit/storage/temporary_directory.h"

namespace coterie::shard_thread_test {

namespace {

/// A shard's thread that has recovered.
struct Started {
  Started(const std::string& directory, std::uint16_t index, Mesh& mesh, Log& log,
          std::shared_ptr<const RingView> view)
      : thread(options(directory, index), mesh, log,
               [this](const Result<OwnLog>& result) { ready.set_value(result.has_value()); }) {
    REQUIRE(ready.get_future().get());
    CHECK(thread.begin(std::move(view)));
  }
  static ShardThread::Options options(const std::string& directory, std::uint16_t index) {
    ShardThread::Options out;
    out.shard.node = node_id(1);
    out.shard.shard = ShardIndex{index};
    out.shard.shards = 2;
    out.directory = directory + "/shard-" + std::to_string(index);
    out.partitions = 16;
    out.map_bytes = std::uint64_t{64} << 20;
    return out;
  }

  std::promise<bool> ready;
  ShardThread thread;
};

}  // namespace

TEST_CASE("shards that still run may name one whose thread has ended") {
  const TemporaryDirectory directory;
  const ShardWorld world;
  NoMesh mesh;
  NoLog log;
  Started first(directory.path, 0, mesh, log, world.view());
  Started second(directory.path, 1, mesh, log, world.view());
  first.thread.stop();
  first.thread.join();
  std::promise<bool> posted;
  REQUIRE(second.thread.post([&](Shard&) { posted.set_value(first.thread.post([](Shard&) {})); }));
  CHECK_FALSE(posted.get_future().get());
  second.thread.stop();
  second.thread.join();
}

}  // namespace coterie::shard_thread_test
