#include "storage/lmdb_table.h"

#include <doctest/doctest.h>
#include <lmdb.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "base/random.h"
#include "tests/unit/storage/temporary_directory.h"

namespace coterie {

namespace {

constexpr std::uint64_t map_bytes = 8 << 20;

std::unique_ptr<LmdbTable> open(const TemporaryDirectory& directory,
                                std::uint64_t bytes = map_bytes) {
  auto table = LmdbTable::open({.directory = directory.path, .map_bytes = bytes});
  REQUIRE_MESSAGE(table, (table ? "" : table.error().message));
  return std::move(*table);
}

Result<void> commit(Table& table, const std::map<Bytes, std::optional<Bytes>>& changes,
                    std::uint64_t position) {
  std::vector<Table::Entry> entries;
  for (const auto& [key, value] : changes) {
    entries.push_back({.space = Space::records, .key = key, .value = value});
  }
  return table.commit(entries, LogPosition{position});
}

std::map<Bytes, Bytes> everything_in(const Table& table) {
  std::map<Bytes, Bytes> all;
  REQUIRE(table.scan(Space::records, {}, {}, [&](BytesView key, BytesView value) {
    all.emplace(key, value);
    return true;
  }));
  return all;
}

Bytes key(int number) {
  return "key " + std::to_string(10000 + number);
}

/// Places of two bytes in a page's header.
constexpr std::size_t page_flags = 10;
constexpr std::size_t page_upper = 14;  // the end of its free room

/// 2,000 keys, and a field of the page that key(1000) lies on is 0.
void make_damaged(const TemporaryDirectory& directory, std::size_t field) {
  std::map<Bytes, std::optional<Bytes>> changes;
  for (int i = 0; i < 2000; ++i) changes[key(i)] = Bytes(100, static_cast<char>('a' + i % 26));
  REQUIRE(commit(*open(directory), changes, 1));
  // One page of records, told by what is on it.
  std::fstream file(directory.path + "/data.mdb", std::ios::in | std::ios::out | std::ios::binary);
  const std::string all((std::istreambuf_iterator<char>(file)), {});
  const auto place = all.find(key(1000));
  REQUIRE(place != std::string::npos);
  constexpr std::size_t page_bytes = 4096;
  file.seekp(static_cast<std::streamoff>(place / page_bytes * page_bytes + field));
  file.write("\0\0", 2);
  file.close();
}

/// How a call ends a process of its own, and what that says on standard error.
template <class Call>
std::pair<int, std::string> ends_process(const Call& call) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    // doctest would report the signal as the test's own.
    signal(SIGABRT, SIG_DFL);
    call();
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t size = 0; (size = read(ends[0], buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<std::size_t>(size));
  }
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return {status, said};
}

}  // namespace

TEST_CASE("a table keeps random commits and its position over openings") {
  const TemporaryDirectory directory;
  Random random(7);
  std::map<Bytes, Bytes> model;
  for (std::uint64_t round = 1; round <= 30; ++round) {
    auto table = open(directory);
    CHECK(*table->position() == LogPosition{round - 1});
    std::map<Bytes, std::optional<Bytes>> changes;
    for (int i = 0; i < 50; ++i) {
      // some keys beyond all others, so that appending and inserting mix
      const auto key = (random.chance(0.2) ? "z" + std::to_string(round) : "") +
                       std::to_string(random.below(200));
      if (random.chance(0.3)) {
        changes[key] = std::nullopt;
        model.erase(key);
      } else {
        changes[key] = model[key] = Bytes(random.below(3000), 'v');
      }
    }
    REQUIRE(commit(*table, changes, round));
    CHECK(everything_in(*table) == model);
    CHECK(table->entries(Space::records) == model.size());
  }
}

TEST_CASE("a reader sees each finished commit, kept or not") {
  const TemporaryDirectory directory;
  auto table = open(directory);
  REQUIRE(commit(*table, {{"a", "1"}}, 1));
  CHECK(*table->get(Space::records, "a") == "1");
  REQUIRE(commit(*table, {{"a", "2"}}, 2));
  CHECK(*table->get(Space::records, "a") == "2");
  table->end_read();
  table->end_read();
  REQUIRE(commit(*table, {{"a", std::nullopt}}, 3));
  CHECK(!*table->get(Space::records, "a"));
  CHECK(*table->position() == LogPosition{3});
}

TEST_CASE("a full map refuses a commit whole, and erasures make room") {
  const TemporaryDirectory directory;
  auto table = open(directory, 1 << 20);
  std::uint64_t position = 0;
  std::map<Bytes, Bytes> model;
  Result<void> done;
  while (true) {
    std::map<Bytes, std::optional<Bytes>> changes;
    for (int i = 0; i < 10; ++i) {
      changes[std::to_string(position * 10 + static_cast<std::uint64_t>(i))] = Bytes(1500, 'v');
    }
    done = commit(*table, changes, position + 1);
    if (!done) break;
    for (auto& [key, value] : changes) model[key] = *value;
    position += 1;
  }
  CHECK(done.error().code == ErrorCode::read_only);
  CHECK(done.error().message.find("map") != std::string::npos);
  CHECK(*table->position() == LogPosition{position});
  CHECK(everything_in(*table) == model);
  const auto full = table->free_bytes();
  CHECK(full < 128 << 10);

  table->end_read();
  for (auto key = model.begin(); key != model.end(); key = model.erase(key)) {
    REQUIRE(commit(*table, {{key->first, std::nullopt}}, position));
  }
  CHECK(table->free_bytes() > 900 << 10);
  CHECK(commit(*table, {{"again", Bytes(100000, 'v')}}, position + 1));
}

TEST_CASE("a table of a newer format is refused") {
  const TemporaryDirectory directory;
  open(directory).reset();
  MDB_env* environment = nullptr;
  REQUIRE(mdb_env_create(&environment) == 0);
  REQUIRE(mdb_env_set_maxdbs(environment, 8) == 0);
  REQUIRE(mdb_env_open(environment, directory.path.c_str(), 0, 0640) == 0);
  MDB_txn* transaction = nullptr;
  MDB_dbi database = 0;
  REQUIRE(mdb_txn_begin(environment, nullptr, 0, &transaction) == 0);
  REQUIRE(mdb_dbi_open(transaction, "table", 0, &database) == 0);
  std::string name = "format";
  std::string newer("\x02\x00", 2);
  MDB_val key{.mv_size = name.size(), .mv_data = name.data()};
  MDB_val value{.mv_size = newer.size(), .mv_data = newer.data()};
  REQUIRE(mdb_put(transaction, database, &key, &value, 0) == 0);
  REQUIRE(mdb_txn_commit(transaction) == 0);
  mdb_env_close(environment);
  const auto table = LmdbTable::open({.directory = directory.path, .map_bytes = map_bytes});
  REQUIRE(!table);
  CHECK(table.error().code == ErrorCode::unsupported_version);
  CHECK(table.error().message.find("newer build") != std::string::npos);
}

TEST_CASE("a table that cannot be opened says why") {
  const TemporaryDirectory directory;
  const auto table =
      LmdbTable::open({.directory = directory.path + "/no/parent", .map_bytes = map_bytes});
  REQUIRE(!table);
  CHECK(table.error().code == ErrorCode::io);
  CHECK(table.error().message.find("no/parent") != std::string::npos);
}

TEST_CASE("a page that went bad is an error of what it holds, and of nothing else") {
  const TemporaryDirectory directory;
  make_damaged(directory, page_flags);  // no kind of page that there is
  const auto table = open(directory);
  const auto bad = table->get(Space::records, key(1000));
  REQUIRE(!bad);
  CHECK(bad.error().code == ErrorCode::corrupt);
  CHECK(bad.error().message.find(directory.path) != std::string::npos);
  // In the same turn.
  CHECK(*table->get(Space::records, key(10)));
  const auto scanned =
      table->scan(Space::records, key(900), key(1100), [](BytesView, BytesView) { return true; });
  REQUIRE(!scanned);
  CHECK(scanned.error().code == ErrorCode::corrupt);
  CHECK(*table->get(Space::records, key(1990)));
  table->end_read();
  CHECK(table->get(Space::records, key(1000)).error().code == ErrorCode::corrupt);
  CHECK(*table->get(Space::records, key(1990)));
}

TEST_CASE("a write that LMDB gives up ends the process, and says where and what to read") {
  const TemporaryDirectory directory;
  make_damaged(directory, page_upper);
  const auto [status, said] = ends_process([&] {
    const auto table = open(directory);
    (void)commit(*table, {{key(1000) + "a", "new"}}, 2);
  });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
  CHECK(said.find("the table in " + directory.path + " is damaged") != std::string::npos);
  CHECK(said.find("A damaged table") != std::string::npos);
  CHECK(said.find("LMDB says:\n") != std::string::npos);
}

}  // namespace coterie
