#include "base/env/posix_file.h"

#include <sys/resource.h>

#include <csignal>
#include <set>

#include "base/env/system.h"
#include "tests/unit/env/sides.h"

namespace coterie::test {

TEST_CASE("posix files: errors say which path and why") {
  const ScratchDirectory scratch;
  const auto nowhere = PosixFileSystem::open(scratch.path() + "/a/b");
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error().code == ErrorCode::not_found);
  auto files = PosixFileSystem::open(scratch.path() + "/a");
  REQUIRE(files.has_value());
  REQUIRE(PosixFileSystem::open(scratch.path() + "/a").has_value());
  const auto absent = (*files)->open("x", FileSystem::Mode::read);
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().message.find(scratch.path() + "/a/x") != std::string::npos);
  CHECK(absent.error().message.find("No such file") != std::string::npos);
}

TEST_CASE("posix files: a full disk is read_only and says so") {
  // /dev/full is a file whose disk is always full.
  const ScratchDirectory scratch;
  std::filesystem::create_symlink("/dev/full", scratch.path() + "/full");
  auto files = PosixFileSystem::open(scratch.path());
  REQUIRE(files.has_value());
  auto file = (*files)->open("full", FileSystem::Mode::read_write);
  REQUIRE(file.has_value());
  const auto written = (*file)->write_at(0, "x");
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().code == ErrorCode::read_only);
  CHECK(written.error().message.find("No space") != std::string::npos);
}

TEST_CASE("posix files: a write that the system takes only part of is an error, not half a write") {
  const ScratchDirectory scratch;
  auto files = PosixFileSystem::open(scratch.path());
  auto file = (*files)->open("limited", FileSystem::Mode::create);
  REQUIRE(file.has_value());
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limited{.rlim_cur = 10000, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limited) == 0);
  const auto written = (*file)->write_at(0, Bytes(20000, 'x'));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().code == ErrorCode::io);
}

TEST_CASE("directory lock: one holder, named to the next, free when it is gone") {
  const ScratchDirectory scratch;
  {
    const auto lock = DirectoryLock::take(scratch.path());
    REQUIRE(lock.has_value());
    const auto second = DirectoryLock::take(scratch.path());
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == ErrorCode::refused);
    CHECK(second.error().message.find(scratch.path()) != std::string::npos);
    CHECK(second.error().message.find("process " + std::to_string(::getpid())) !=
          std::string::npos);
  }
  CHECK(DirectoryLock::take(scratch.path()).has_value());
  CHECK(DirectoryLock::take(scratch.path() + "/absent").error().code == ErrorCode::not_found);
}

TEST_CASE("system: random bits differ, cores and memory are known") {
  std::set<std::uint64_t> draws;
  for (int i = 0; i < 1000; ++i) draws.insert(random_bits());
  CHECK(draws.size() == 1000);
  CHECK(random_id<NodeId>() != random_id<NodeId>());
  CHECK(usable_cores() >= 1);
  CHECK(resident_bytes() > (1 << 20));
}

}  // namespace coterie::test
