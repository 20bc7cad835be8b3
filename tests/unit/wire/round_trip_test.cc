#include <doctest/doctest.h>

#include "base/limits.h"
#include "tests/unit/wire/reencode.h"
#include "tests/unit/wire/samples.h"

namespace coterie::wire::round_trip_test {
namespace {

BytesView body_of(const Bytes& frame) {
  return BytesView(frame).substr(header_bytes);
}

Envelope envelope_of(const FrameHeader& header) {
  return {.request_id = header.request_id, .deadline_ms = header.deadline_ms};
}

TEST_CASE("every sample decodes and encodes to the same bytes") {
  for (const SampleFrame& sample : sample_frames()) {
    CAPTURE(sample.name);
    const auto header = decode_header(sample.frame);
    REQUIRE(header);
    CHECK(header->body_bytes == sample.frame.size() - header_bytes);
    CHECK(header->body_bytes % 8 == 0);
    const auto again = reencode(header->kind, body_of(sample.frame), envelope_of(*header));
    REQUIRE_MESSAGE(again.has_value(), again.error().message);
    CHECK(*again == sample.frame);
  }
}

TEST_CASE("a put reads back field by field") {
  const Bytes value(1000, 'v');
  const Bytes frame =
      encode(Put{.id = {.high = 1, .low = 2},
                 .key = {.bucket = BucketId{3}, .partition_key = "p", .sort_key = "s"},
                 .context = "c",
                 .value = value,
                 .w = {Quorum::all},
                 .durability = Durability::commit,
                 .time_to_live_ms = 4,
                 .want_evidence = true,
                 .forwarded = true},
             {});
  const auto put = decode<Put>(body_of(frame));
  REQUIRE(put);
  CHECK(put->id == RequestId{.high = 1, .low = 2});
  CHECK(put->key.bucket == BucketId{3});
  CHECK(put->key.partition_key == "p");
  CHECK(put->key.sort_key == "s");
  CHECK(put->context == "c");
  CHECK(put->value == value);
  CHECK(!put->is_delete);
  CHECK(put->w == Quorum{Quorum::all});
  CHECK(put->durability == Durability::commit);
  CHECK(put->time_to_live_ms == 4);
  CHECK(put->want_evidence);
  CHECK(put->forwarded);
}

TEST_CASE("what is read borrows the frame's bytes") {
  const Bytes frame = encode(ReplicaReadReply{.record = "bytes of a record"}, {});
  const auto reply = decode<ReplicaReadReply>(body_of(frame));
  REQUIRE(reply);
  CHECK(reply->record.data() > frame.data());
  CHECK(reply->record.data() + reply->record.size() <= frame.data() + frame.size());
}

TEST_CASE("values of every length round trip, with and without siblings") {
  const auto key = Bytes(20, 'k');
  for (std::size_t size = 0; size < 40; ++size) {
    const Bytes value(size, 'x');
    const Bytes put = encode(Put{.key = {.partition_key = "p"}, .value = value}, {});
    CHECK(put.size() % 8 == 0);
    CHECK(decode<Put>(body_of(put)).value().value == value);
    const Bytes get =
        encode(GetReply{.siblings = {{.value = value}, {.value = "y"}, {.value = value}}}, {});
    const auto reply = decode<GetReply>(body_of(get));
    REQUIRE(reply);
    REQUIRE(reply->siblings.size() == 3);
    CHECK(reply->siblings[0].value == value);
    CHECK(reply->siblings[1].value == "y");
    CHECK(reply->siblings[2].value == value);
    const Bytes write = encode(ReplicaWrite{.key = key, .record = value + "!"}, {});
    CHECK(decode<ReplicaWrite>(body_of(write)).value().record == value + "!");
  }
}

TEST_CASE("the largest value fits a frame, whole") {
  const Bytes value(limits::value_bytes_most, 'v');
  const Bytes put = encode(Put{.key = {.partition_key = "p"}, .value = value}, {});
  CHECK(decode_header(put).has_value());
  CHECK(decode<Put>(body_of(put)).value().value == value);
  const Bytes get = encode(GetReply{.siblings = {{.value = "small"}, {.value = value}}}, {});
  CHECK(decode<GetReply>(body_of(get)).value().siblings[1].value == value);
  // A large buffer does not stay behind and the next frame is as it would have been.
  CHECK(encode(GoAway{}) == encode(GoAway{}));
}

TEST_CASE("an error's words are cut, not refused") {
  const Bytes words(limits::error_message_bytes + 5, 'w');
  const Bytes frame = encode(ErrorReply{.code = ErrorCode::io, .message = words}, {});
  CHECK(decode<ErrorReply>(body_of(frame)).value().message ==
        words.substr(0, limits::error_message_bytes));
}

TEST_CASE("more than a page is asked for as a page") {
  const auto limit_after = [](std::uint32_t asked) {
    const Bytes scan = encode(Scan{.limit_records = asked}, {});
    const Bytes replica_scan = encode(ReplicaScan{.limit_records = asked}, {});
    const auto read = decode<Scan>(body_of(scan)).value().limit_records;
    CHECK(decode<ReplicaScan>(body_of(replica_scan)).value().limit_records == read);
    return read;
  };
  CHECK(limit_after(0) == 0);
  CHECK(limit_after(limits::scan_page_records) == limits::scan_page_records);
  CHECK(limit_after(limits::scan_page_records + 1) == limits::scan_page_records);
  CHECK(limit_after(0xffffffff) == limits::scan_page_records);
}

}  // namespace
}  // namespace coterie::wire::round_trip_test
