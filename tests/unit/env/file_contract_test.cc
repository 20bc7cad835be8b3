#include "tests/unit/env/sides.h"

namespace coterie::test {

namespace {

std::unique_ptr<File> open(FileSystem& files, const std::string& path,
                           FileSystem::Mode mode = FileSystem::Mode::create) {
  auto file = files.open(path, mode);
  REQUIRE(file.has_value());
  return std::move(*file);
}

}  // namespace

TEST_CASE_TEMPLATE("file: what was written is read, and ends where it ends", Side, RealSide,
                   SimulatedSide) {
  Side side;
  auto file = open(side.files(), "a");
  CHECK(file->size() == 0);
  CHECK(file->read_at(0, 10) == Bytes());
  REQUIRE(file->write_at(0, "hello"));
  REQUIRE(file->write_at(3, "p!"));
  CHECK(file->read_at(0, 10) == "help!");
  CHECK(file->read_at(1, 3) == "elp");
  CHECK(file->read_at(5, 1) == Bytes());
  CHECK(file->read_at(500, 1) == Bytes());
  REQUIRE(file->sync());
  CHECK(open(side.files(), "a", FileSystem::Mode::read)->read_at(0, 5) == "help!");
}

TEST_CASE_TEMPLATE("file: a gap reads as zero; any byte may stand in it", Side, RealSide,
                   SimulatedSide) {
  Side side;
  auto file = open(side.files(), "gap");
  REQUIRE(file->write_at(10000, BytesView("\0\n\xff", 3)));
  CHECK(file->size() == 10003);
  const auto all = file->read_at(0, 20000);
  REQUIRE(all.has_value());
  CHECK(*all == Bytes(10000, '\0') + Bytes("\0\n\xff", 3));
}

TEST_CASE_TEMPLATE("file: space that is reserved is zero and keeps what stands in it", Side,
                   RealSide, SimulatedSide) {
  Side side;
  auto file = open(side.files(), "segment");
  REQUIRE(file->write_at(0, "abc"));
  REQUIRE(file->preallocate(1 << 16));
  CHECK(file->size() == 1 << 16);
  CHECK(file->read_at(0, 5) == Bytes("abc\0\0", 5));
  REQUIRE(file->preallocate(10));
  CHECK(file->size() == 1 << 16);
}

TEST_CASE_TEMPLATE("file: modes", Side, RealSide, SimulatedSide) {
  Side side;
  for (const auto mode : {FileSystem::Mode::read, FileSystem::Mode::read_write}) {
    const auto absent = side.files().open("absent", mode);
    REQUIRE_FALSE(absent.has_value());
    CHECK(absent.error().code == ErrorCode::not_found);
    CHECK(absent.error().message.find("absent") != std::string::npos);
  }
  REQUIRE(open(side.files(), "there")->write_at(0, "x"));
  CHECK(open(side.files(), "there")->size() == 1);  // create does not empty it
  auto reader = open(side.files(), "there", FileSystem::Mode::read);
  const auto refused = reader->write_at(0, "y");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::io);
  REQUIRE(open(side.files(), "there", FileSystem::Mode::read_write)->write_at(1, "y"));
  CHECK(reader->read_at(0, 9) == "xy");
}

TEST_CASE_TEMPLATE("file system: directories and names", Side, RealSide, SimulatedSide) {
  Side side;
  FileSystem& files = side.files();
  CHECK(files.list("") == std::vector<std::string>{});
  REQUIRE(files.make_directory("log"));
  REQUIRE(files.make_directory("log"));
  REQUIRE(files.make_directory("log/old"));
  for (const char* name : {"log/c", "log/a", "log/old/x", "top"}) open(files, name);
  CHECK(files.list("") == std::vector<std::string>{"log", "top"});
  CHECK(files.list("log") == std::vector<std::string>{"a", "c", "old"});
  CHECK(files.list("nowhere").error().code == ErrorCode::not_found);
  CHECK(files.open("nowhere/a", FileSystem::Mode::create).error().code == ErrorCode::not_found);
  CHECK(files.make_directory("nowhere/b").error().code == ErrorCode::not_found);
  CHECK_FALSE(files.make_directory("top").has_value());
  CHECK_FALSE(files.remove("log").has_value());
  REQUIRE(files.remove("log/old/x"));
  REQUIRE(files.remove("log/old"));
  REQUIRE(files.remove("log/a"));
  CHECK(files.remove("log/a").error().code == ErrorCode::not_found);
  CHECK(files.list("log") == std::vector<std::string>{"c"});
  REQUIRE(files.sync_directory("log"));
  REQUIRE(files.sync_directory(""));
  CHECK_FALSE(files.sync_directory("nowhere").has_value());
  CHECK(*files.free_bytes() > 0);
}

TEST_CASE_TEMPLATE("file system: rename replaces, and open files follow", Side, RealSide,
                   SimulatedSide) {
  Side side;
  FileSystem& files = side.files();
  auto a = open(files, "a");
  REQUIRE(a->write_at(0, "new"));
  REQUIRE(open(files, "b")->write_at(0, "old one"));
  REQUIRE(files.rename("a", "b"));
  CHECK(files.list("") == std::vector<std::string>{"b"});
  CHECK(open(files, "b")->read_at(0, 10) == "new");
  REQUIRE(a->write_at(3, "er"));
  CHECK(open(files, "b")->read_at(0, 10) == "newer");
  CHECK(files.rename("a", "c").error().code == ErrorCode::not_found);
}

TEST_CASE_TEMPLATE("file: a removed one stays usable to who has it open", Side, RealSide,
                   SimulatedSide) {
  Side side;
  auto file = open(side.files(), "gone");
  REQUIRE(file->write_at(0, "still"));
  REQUIRE(side.files().remove("gone"));
  CHECK(file->read_at(0, 5) == "still");
  CHECK(side.files().list("") == std::vector<std::string>{});
}

}  // namespace coterie::test
