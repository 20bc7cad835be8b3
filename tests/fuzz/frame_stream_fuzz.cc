#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/env/frame_reader.h"
#include "base/random.h"

using coterie::Bytes;
using coterie::BytesView;
using coterie::check;
using coterie::FrameReader;

namespace {

struct alignas(8) Scratch {
  char bytes[256];
};

struct Outcome {
  std::vector<Bytes> frames;
  bool is_broken = false;
  Bytes rest;

  bool operator==(const Outcome&) const = default;
};

/// False: the stream cannot be followed any further.
bool take(FrameReader& reader, Outcome& outcome) {
  while (true) {
    const auto frame = reader.next();
    if (!frame) {
      outcome.is_broken = true;
      return false;
    }
    if (!frame->has_value()) return true;
    check(reinterpret_cast<std::uintptr_t>((*frame)->body.data()) % 8 == 0, "bodies are aligned");
    check((*frame)->body.size() == (*frame)->header.body_bytes, "bodies are whole");
    outcome.frames.emplace_back((*frame)->whole);
  }
}

Outcome read_whole(BytesView stream) {
  FrameReader reader(1 << 16);
  Outcome outcome;
  reader.feed(stream);
  if (take(reader, outcome)) outcome.rest = Bytes(reader.pending());
  return outcome;
}

Outcome read_in_pieces(BytesView stream, coterie::Random& random) {
  FrameReader reader(1 << 16);
  Scratch scratch;
  Outcome outcome;
  while (!stream.empty()) {
    const auto space = reader.space(scratch.bytes);
    const std::size_t most = std::min({space.size(), stream.size(), std::size_t{64}});
    const std::size_t piece = 1 + random.below(most);
    std::copy_n(stream.data(), piece, space.data());
    reader.filled(piece);
    stream.remove_prefix(piece);
    if (!take(reader, outcome)) return outcome;
    reader.settle();
  }
  outcome.rest = Bytes(reader.pending());
  return outcome;
}

}  // namespace

// The first byte says how the rest, a connection's stream, is cut: that must not matter.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  coterie::Random random(data[0]);
  const BytesView stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  check(read_whole(stream) == read_in_pieces(stream, random), "how a stream is cut is all one");
  return 0;
}
