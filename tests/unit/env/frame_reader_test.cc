#include "base/env/frame_reader.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "base/random.h"
#include "tests/unit/env/peers.h"

namespace coterie::test {

namespace {

struct alignas(8) Scratch : std::array<char, 8192> {};

/// Reads `stream` in pieces of drawn sizes, and gives the bodies' request ids.
std::vector<std::uint64_t> read_in_pieces(const Bytes& stream, Random& random) {
  Scratch scratch;
  FrameReader reader(1 << 20);
  std::vector<std::uint64_t> ids;
  for (std::size_t at = 0; at < stream.size();) {
    if (random.chance(0.2)) {
      // A read that found nothing; then another connection uses the scratch space.
      (void)reader.space(scratch);
      scratch.fill('x');
    }
    const auto space = reader.space(scratch);
    const std::size_t most = std::min(space.size(), stream.size() - at);
    const std::size_t piece = 1 + random.below(random.chance(0.5) ? 1 : most);
    std::copy_n(stream.data() + at, std::min(piece, most), space.data());
    reader.filled(std::min(piece, most));
    at += std::min(piece, most);
    // Now and then stops in the middle of whole frames, as a pause does.
    for (int left = random.chance(0.2) ? 1 : 1000; left > 0; --left) {
      const auto frame = reader.next();
      REQUIRE(frame.has_value());
      if (!frame->has_value()) break;
      CHECK(reinterpret_cast<std::uintptr_t>((*frame)->body.data()) % 8 == 0);
      CHECK((*frame)->whole.size() == (*frame)->body.size() + wire::header_bytes);
      ids.push_back((*frame)->header.request_id);
    }
    reader.settle();
  }
  while (true) {
    const auto frame = reader.next();
    REQUIRE(frame.has_value());
    if (!frame->has_value()) break;
    ids.push_back((*frame)->header.request_id);
  }
  CHECK(reader.pending().empty());
  return ids;
}

}  // namespace

TEST_CASE("frame reader: frames come out whole however the stream was cut") {
  Random random(42);
  for (int round = 0; round < 50; ++round) {
    Bytes stream;
    std::vector<std::uint64_t> ids;
    for (std::uint64_t i = 0; i < 30; ++i) {
      const std::size_t body = random.chance(0.1) ? random.below(20000) : random.below(30);
      stream += frame_of(i, body * 8);
      ids.push_back(i);
    }
    CHECK(read_in_pieces(stream, random) == ids);
  }
}

TEST_CASE("frame reader: whole frames need no memory of its own, a cut one gives it back") {
  Scratch scratch;
  FrameReader reader(64 << 20);
  const Bytes small = frame_of(1, 40);
  const auto give = [&](BytesView bytes) {
    while (!bytes.empty()) {
      const auto space = reader.space(scratch);
      const std::size_t part = std::min(space.size(), bytes.size());
      std::copy_n(bytes.data(), part, space.data());
      reader.filled(part);
      bytes.remove_prefix(part);
      for (auto frame = reader.next(); frame.has_value() && frame->has_value();) {
        frame = reader.next();
      }
      reader.settle();
    }
  };
  give(small + small);
  CHECK(reader.own_bytes() == 0);
  const Bytes large = frame_of(2, 16 << 20);
  give(BytesView(large).substr(0, 100));
  // The header promises 16 MiB; memory follows what has come.
  CHECK(reader.own_bytes() > 0);
  CHECK(reader.own_bytes() <= (64 << 10));
  give(BytesView(large).substr(100, (1 << 20)));
  CHECK(reader.own_bytes() <= (4 << 20));
  give(BytesView(large).substr(100 + (1 << 20)));
  CHECK(reader.own_bytes() == 0);
  // The large frame's memory does not stay for a small rest either.
  give(large + small.substr(0, 10));
  CHECK(reader.own_bytes() <= (64 << 10));
  CHECK(reader.pending().size() == 10);
}

TEST_CASE("frame reader: a frame over the limit is refused from its header alone") {
  Scratch scratch;
  for (const std::size_t over : {std::size_t{0}, std::size_t{8}}) {
    FrameReader reader(1024);
    const Bytes frame = frame_of(1, 1024 - wire::header_bytes + over);
    const auto space = reader.space(scratch);
    std::copy_n(frame.data(), wire::header_bytes, space.data());
    reader.filled(wire::header_bytes);
    const auto next = reader.next();
    if (over == 0) {
      REQUIRE(next.has_value());
      CHECK_FALSE(next->has_value());
    } else {
      REQUIRE_FALSE(next.has_value());
      CHECK(next.error().code == ErrorCode::too_large);
    }
  }
}

}  // namespace coterie::test
