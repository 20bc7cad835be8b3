#include "storage/log_format.h"

#include <doctest/doctest.h>

#include "base/random.h"

namespace coterie {

namespace {

std::string hex(BytesView bytes) {
  static constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

Bytes sample_batch() {
  Bytes batch(log_format::header_bytes, '\0');
  const std::vector<Write> writes = {{.space = Space::records, .key = "key", .value = "value"},
                                     {.space = Space::hints, .key = "gone"}};
  log_format::write_append(batch, writes);
  log_format::Header header{.has_other_spaces = true,
                            .log_id = 0x1122334455667788,
                            .run = 3,
                            .first = {41},
                            .appends = 1,
                            .synced = {40},
                            .previous = 0xabcdef};
  const std::uint32_t partitions[] = {2, 700};
  log_format::finish_batch(batch, header, partitions);
  return batch;
}

}  // namespace

TEST_CASE("a batch has these bytes") {
  CHECK(hex(sample_batch()) ==
        "43544c4701000200"  // magic, version, flags
        "8877665544332211"  // log id
        "0300000000000000"  // run
        "2900000000000000"  // first position
        "0100000003000000"  // appends, bytes of the partition list
        "1200000000000000"  // bytes of the payload
        "2800000000000000"  // synced
        "efcdab0000000000"  // checksum of the batch before
        "1f94ff85bac62ffc"  // checksum of the payload
        "3f3efb03887bb2f8"  // checksum of the partition list
        "0000000000000000"  // reserved
        "b5055e9df2aa9667"  // checksum
        "0201036b65790576616c75658304676f6e65"
        "02ba05"
        "000000");
}

TEST_CASE("a batch reads back as it was written") {
  const auto batch = sample_batch();
  const auto header = log_format::read_header(batch, 0x1122334455667788);
  REQUIRE(header);
  CHECK(header->first == LogPosition{41});
  CHECK(header->last() == LogPosition{41});
  CHECK(header->run == 3);
  CHECK(header->synced == LogPosition{40});
  CHECK(header->previous == 0xabcdef);
  CHECK(header->has_other_spaces);
  CHECK(!header->is_opening);
  CHECK(header->batch_bytes() == batch.size());
  CHECK(*log_format::read_partitions(batch, *header) == std::vector<std::uint32_t>{2, 700});
  auto payload = *log_format::read_payload(batch, *header);
  const auto writes = log_format::read_append(payload);
  REQUIRE(writes);
  CHECK(payload.empty());
  REQUIRE(writes->size() == 2);
  CHECK((*writes)[0].key == "key");
  CHECK(*(*writes)[0].value == "value");
  CHECK((*writes)[1].space == Space::hints);
  CHECK(!(*writes)[1].value);
}

TEST_CASE("a batch of another log, cut or damaged, is told apart") {
  const auto batch = sample_batch();
  CHECK(!log_format::read_header(batch, 0x1122334455667789));
  for (std::size_t size = 0; size < batch.size(); ++size) {
    const auto cut = BytesView(batch).substr(0, size);
    const auto header = log_format::read_header(cut, 0x1122334455667788);
    CHECK(header.has_value() == (size >= log_format::header_bytes));
    if (!header) continue;
    const auto payload_end = log_format::header_bytes + header->payload_bytes;
    CHECK(log_format::read_payload(cut, *header).has_value() == (size >= payload_end));
    CHECK(log_format::read_partitions(cut, *header).has_value() ==
          (size >= payload_end + header->partitions_bytes));
  }
  for (std::size_t bit = 0; bit < 8 * log_format::header_bytes; ++bit) {
    auto damaged = batch;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    CHECK(!log_format::read_header(damaged, 0x1122334455667788));
  }
}

TEST_CASE("malformed appends are refused, never read past") {
  Bytes good;
  const std::vector<Write> writes = {{.space = Space::meta, .key = "k", .value = "v"}};
  log_format::write_append(good, writes);
  for (std::size_t size = 0; size < good.size(); ++size) {
    BytesView cut = BytesView(good).substr(0, size);
    CHECK(log_format::read_append(cut).error().code == ErrorCode::corrupt);
  }
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    Bytes noise;
    for (auto size = random.below(40); size > 0; --size) {
      noise.push_back(static_cast<char>(random.below(256)));
    }
    BytesView rest = noise;
    const auto read = log_format::read_append(rest);
    if (read) CHECK(rest.size() <= noise.size());
  }
  Bytes no_space = good;
  no_space[1] = 9;
  BytesView rest = no_space;
  CHECK(log_format::read_append(rest).error().code == ErrorCode::corrupt);
}

}  // namespace coterie
