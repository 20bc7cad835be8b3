#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "base/wire/frame_builder.h"
#include "tests/unit/wire/reencode.h"
#include "tests/unit/wire/samples.h"

namespace coterie::wire {
namespace {

/// Bytes in memory of exactly their size, so that a read past the end is seen by ASan.
class ExactCopy {
 public:
  explicit ExactCopy(BytesView bytes) : size_(bytes.size()), copy_(new char[bytes.size()]) {
    std::memcpy(copy_.get(), bytes.data(), bytes.size());
  }
  [[nodiscard]] BytesView view() const { return {copy_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> copy_;
};

/// Damaged bytes are refused, or are a message like any other. Returns whether they were refused.
bool refused_or_whole(Kind kind, BytesView body) {
  const ExactCopy copy(body);
  const auto read = reencode(kind, copy.view(), {});
  if (!read) return !read.error().message.empty();
  const auto again = reencode(kind, BytesView(*read).substr(header_bytes), {});
  CHECK((again.has_value() && *again == *read));
  return false;
}

BytesView body_of(const Bytes& frame) {
  return BytesView(frame).substr(header_bytes);
}

template <class Table>
Bytes body_with(flatbuffers::FlatBufferBuilder& builder, flatbuffers::Offset<Table> root) {
  builder.TrackMinAlign(8);
  builder.Finish(root);
  return Bytes(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
}

BytesOffset vector_of(flatbuffers::FlatBufferBuilder& builder, BytesView bytes) {
  return builder.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

TEST_CASE("a frame cut off at any byte is refused or whole") {
  for (const SampleFrame& sample : sample_frames()) {
    CAPTURE(sample.name);
    const BytesView body = body_of(sample.frame);
    const Kind kind = decode_header(sample.frame)->kind;
    // A table that says nothing has 8 bytes.
    for (std::size_t size = 0; size < 8; ++size) {
      CHECK(refused_or_whole(kind, body.substr(0, size)));
    }
    for (std::size_t size = 8; size < body.size(); ++size) {
      refused_or_whole(kind, body.substr(0, size));
    }
  }
}

TEST_CASE("any one flipped bit is refused or another message") {
  std::size_t refused = 0;
  for (const SampleFrame& sample : sample_frames()) {
    CAPTURE(sample.name);
    const Kind kind = decode_header(sample.frame)->kind;
    for (std::size_t bit = 0; bit < body_of(sample.frame).size() * 8; ++bit) {
      Bytes body(body_of(sample.frame));
      body[bit / 8] = static_cast<char>(body[bit / 8] ^ (1 << (bit % 8)));
      if (refused_or_whole(kind, body)) ++refused;
    }
  }
  CHECK(refused > 1000);
}

TEST_CASE("any one flipped bit of a header is refused or another header") {
  const Bytes frame = sample_frames().front().frame;
  for (std::size_t bit = 0; bit < header_bytes * 8; ++bit) {
    Bytes bytes = frame.substr(0, header_bytes);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    const auto header = decode_header(ExactCopy(bytes).view());
    if (!header) continue;
    Bytes again(header_bytes, '\0');
    encode_header(*header, again.data());
    CHECK(again == bytes);
  }
}

TEST_CASE("a body read as any other kind is refused or a message") {
  const auto samples = sample_frames();
  for (const SampleFrame& sample : samples) {
    for (const SampleFrame& other : samples) {
      CAPTURE(sample.name);
      CAPTURE(other.name);
      refused_or_whole(decode_header(other.frame)->kind, body_of(sample.frame));
    }
  }
}

TEST_CASE("a required field that is missing is refused") {
  flatbuffers::FlatBufferBuilder builder;
  const Bytes nothing = body_with(builder, fb::CreateGoAway(builder));
  CHECK(decode<GoAway>(nothing).has_value());
  CHECK(decode<Get>(nothing).error().code == ErrorCode::corrupt);
  CHECK(decode<Put>(nothing).error().code == ErrorCode::corrupt);
  CHECK(decode<ReplicaWrite>(nothing).error().code == ErrorCode::corrupt);
  CHECK(decode<ReplicaRead>(nothing).error().code == ErrorCode::corrupt);
  CHECK(decode<ReplicaScan>(nothing).error().code == ErrorCode::corrupt);
  CHECK(decode<ReplicaInspect>(nothing).error().code == ErrorCode::corrupt);
  CHECK(decode<PushPull>(nothing).error().code == ErrorCode::corrupt);
  CHECK(decode<BirthInfoReply>(nothing).error().code == ErrorCode::corrupt);
  CHECK(decode<BirthAccept>(nothing).error().code == ErrorCode::corrupt);
  CHECK(decode<Hello>(nothing).error().code == ErrorCode::corrupt);
  CHECK(decode<ErrorReply>(nothing).error().code == ErrorCode::corrupt);
}

TEST_CASE("a field that a later version added is passed over") {
  flatbuffers::FlatBufferBuilder builder;
  const auto key = vector_of(builder, "key");
  const auto extra = vector_of(builder, "of a later version");
  const auto start = builder.StartTable();
  builder.AddElement<std::uint32_t>(fb::Get::VT_BUCKET, 5, 0);
  builder.AddOffset(fb::Get::VT_PARTITION_KEY, key);
  builder.AddOffset(fb::Get::VT_SLOPPY + 2, extra);
  builder.AddElement<std::uint64_t>(fb::Get::VT_SLOPPY + 4, 77, 0);
  const auto root = flatbuffers::Offset<fb::Get>(builder.EndTable(start));
  const Bytes body = body_with(builder, root);
  const auto get = decode<Get>(body);
  REQUIRE(get);
  CHECK(get->key.bucket == BucketId{5});
  CHECK(get->key.partition_key == "key");
}

TEST_CASE("fields that share their bytes are refused: copied they would be larger than the frame") {
  flatbuffers::FlatBufferBuilder builder;
  const auto value = vector_of(builder, Bytes(1000, 'v'));
  const auto sibling = fb::CreateSibling(builder, value);
  const std::vector<flatbuffers::Offset<fb::Sibling>> twice{sibling, sibling};
  const auto siblings = builder.CreateVector(twice);
  const Bytes body = body_with(builder, fb::CreateGetReply(builder, 0, siblings));
  const auto reply = decode<GetReply>(body);
  REQUIRE(!reply);
  CHECK(reply.error().code == ErrorCode::corrupt);
}

TEST_CASE("a table that contains itself many times is refused before it takes memory") {
  flatbuffers::FlatBufferBuilder builder;
  const auto sibling = fb::CreateSibling(builder);
  const auto siblings =
      builder.CreateVector(std::vector<flatbuffers::Offset<fb::Sibling>>(10000, sibling));
  const auto key = vector_of(builder, "p");
  const auto entry = fb::CreateScanEntry(builder, key, 0, 0, siblings);
  const auto entries =
      builder.CreateVector(std::vector<flatbuffers::Offset<fb::ScanEntry>>(1000, entry));
  const Bytes body = body_with(builder, fb::CreateScanReply(builder, entries));
  CHECK(decode<ScanReply>(body).error().code == ErrorCode::corrupt);
}

TEST_CASE("a list of ids that is not aligned is refused") {
  flatbuffers::FlatBufferBuilder builder;
  builder.TrackMinAlign(8);
  builder.PushElement<std::uint32_t>(0);  // two ids that begin 4 bytes off
  for (int i = 0; i < 8; ++i) builder.PushElement<std::uint32_t>(7);
  builder.PushElement<std::uint32_t>(2);
  const flatbuffers::Offset<flatbuffers::Vector<const fb::Id128*>> answered(builder.GetSize());
  const auto evidence = fb::CreateEvidence(builder, answered);
  const Bytes body = body_with(builder, fb::CreatePutReply(builder, 0, 0, false, evidence));
  const auto reply = decode<PutReply>(body);
  REQUIRE(!reply);
  CHECK(reply.error().message.find("aligned") != std::string::npos);
}

}  // namespace
}  // namespace coterie::wire
